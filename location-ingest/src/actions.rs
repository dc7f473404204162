//! The actions of one driver's stream: handed to the matcher one at a time and in order, beside the positions.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use kerb_ports::Error;
use kerb_proto::convert::{Act, action_name, action_result};
use kerb_proto::status::status_of;
use kerb_proto::v1::{ActionResult, TripAction};
use kerb_types::DriverId;

use crate::node::IngestNode;

/// Actions of one stream that wait for the one under way, at most.
pub(crate) const ACTIONS_MAX: usize = 16;

/// What a stream's driver did and has not been answered yet.
pub(crate) struct Actions {
    node: Arc<IngestNode>,
    driver: DriverId,
    waiting: VecDeque<TripAction>,
    under_way: Option<BoxFuture<'static, ActionResult>>,
}

impl Actions {
    /// None yet.
    pub(crate) fn new(node: Arc<IngestNode>, driver: DriverId) -> Self {
        Self { node, driver, waiting: VecDeque::new(), under_way: None }
    }

    /// Takes an action. One too many is answered at once.
    pub(crate) fn push(&mut self, action: TripAction) -> Result<(), ActionResult> {
        if self.waiting.len() == ACTIONS_MAX {
            let status = status_of(&Error::Overloaded { what: "actions waiting", limit: ACTIONS_MAX });
            return Err(action_result(&action.trip_id, action_name(&action), Err(&status)));
        }
        self.waiting.push_back(action);
        self.begin();
        Ok(())
    }

    /// Whether all have been answered.
    pub(crate) fn is_idle(&self) -> bool {
        self.under_way.is_none()
    }

    /// The next answer. Cancel-safe: a dropped call loses none.
    pub(crate) async fn next(&mut self) -> ActionResult {
        let Some(under_way) = &mut self.under_way else { return pending().await };
        let result = under_way.await;
        self.under_way = None;
        self.begin();
        result
    }

    fn begin(&mut self) {
        if self.under_way.is_none()
            && let Some(action) = self.waiting.pop_front()
        {
            self.under_way = Some(answer(self.node.clone(), self.driver.clone(), action).boxed());
        }
    }
}

/// Hands one action to the matcher; what it came to.
pub(crate) async fn answer(node: Arc<IngestNode>, driver: DriverId, wire: TripAction) -> ActionResult {
    let (trip_id, name) = (wire.trip_id.clone(), action_name(&wire));
    let outcome = match Act::try_from(wire) {
        Ok(act) => node.desk.act(driver, act).await,
        Err(error) => Err(status_of(&error.within("action"))),
    };
    action_result(&trip_id, name, outcome.as_ref().copied())
}
