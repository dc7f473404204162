//! The actions of one driver's stream. The queue sends them to the matcher one at a time and in order; the driver's
//! positions do not wait for them.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use kerb_proto::convert::{Act, action_name, action_result};
use kerb_proto::status::status_of;
use kerb_proto::v1::{ActionResult, TripAction};
use kerb_types::DriverId;
use tonic::Code;

use super::offer_return::return_open_offer;
use super::stream_context::StreamContext;
use crate::error::IngestError;

/// Maximum actions of one stream that wait behind the one in flight.
pub(crate) const ACTIONS_MAX: usize = 16;

/// The unanswered actions of one driver.
pub(crate) struct ActionQueue {
    context: Arc<StreamContext>,
    driver: DriverId,
    queued: VecDeque<TripAction>,
    in_flight: Option<BoxFuture<'static, ActionResult>>,
}

impl ActionQueue {
    pub(crate) fn new(context: Arc<StreamContext>, driver: DriverId) -> Self {
        Self { context, driver, queued: VecDeque::new(), in_flight: None }
    }

    /// Queues an action. A full queue returns the action's result at once: `RESOURCE_EXHAUSTED`.
    pub(crate) fn push(&mut self, action: TripAction) -> Result<(), ActionResult> {
        if self.queued.len() == ACTIONS_MAX {
            let status = status_of(&IngestError::Overloaded { what: "actions waiting", limit: ACTIONS_MAX });
            return Err(action_result(&action.trip_id, action_name(&action), Err(&status)));
        }
        self.queued.push_back(action);
        self.start_next();
        Ok(())
    }

    /// Whether every action has been answered.
    pub(crate) fn is_idle(&self) -> bool {
        self.in_flight.is_none()
    }

    /// Waits for the next result. Cancel-safe: a dropped call loses no result.
    pub(crate) async fn next(&mut self) -> ActionResult {
        let Some(in_flight) = &mut self.in_flight else { return pending().await };
        let result = in_flight.await;
        self.in_flight = None;
        self.start_next();
        result
    }

    fn start_next(&mut self) {
        if self.in_flight.is_none()
            && let Some(action) = self.queued.pop_front()
        {
            self.in_flight = Some(execute(self.context.clone(), self.driver.clone(), action).boxed());
        }
    }
}

/// Sends one action to the matcher and returns its result for the driver.
pub(crate) async fn execute(context: Arc<StreamContext>, driver: DriverId, wire: TripAction) -> ActionResult {
    let (trip_id, name) = (wire.trip_id.clone(), action_name(&wire));
    let outcome = match Act::try_from(wire) {
        Ok(act) => {
            let (trip, action) = (act.trip.clone(), act.action.clone());
            let slot = context.table.slot(&driver);
            if let Some(slot) = slot {
                context.reserved.acting(slot, &trip);
            }
            let outcome = context.dispatch.act(driver.clone(), act).await;
            if let Some(slot) = slot {
                match &outcome {
                    Ok(_) => context.reserved.acted(slot, &trip, &action),
                    Err(status) if status.code() == Code::NotFound => context.reserved.ended(slot, &trip),
                    Err(_) => {
                        context.reserved.act_failed(slot, &trip);
                        return_open_offer(&context, slot);
                    }
                }
            }
            outcome
        }
        Err(error) => Err(status_of(&error.within("action"))),
    };
    action_result(&trip_id, name, outcome.as_ref().copied())
}
