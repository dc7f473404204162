//! The matcher's desk, wherever it is now: every call has a deadline, and a cluster without a matcher is no fault.

use std::sync::{Arc, Weak};

use kerb_ports::{Answer, DriverEvents, DriverNotification, Error, Peers};
use kerb_proto::convert::Act;
use kerb_proto::status::status_of;
use kerb_trips::TripState;
use kerb_types::{DriverId, MembershipView, NodeId, Role};
use tokio::sync::watch;
use tokio::time::{Duration, sleep, timeout};
use tonic::Status;

/// A desk that did not answer about a new stream is asked again after this,
const ASK_AGAIN_MIN: Duration = Duration::from_millis(500);
/// then after twice as long, up to this.
const ASK_AGAIN_MAX: Duration = Duration::from_secs(30);

/// The way to the desk.
pub(crate) struct Desk {
    views: watch::Receiver<Arc<MembershipView>>,
    /// The peers of an embedded cluster hold this node: holding them too would keep both for ever.
    peers: Weak<dyn Peers>,
    limit: Duration,
}

impl Desk {
    /// By these views and peers; a call takes `limit` at most.
    pub(crate) fn new(
        views: watch::Receiver<Arc<MembershipView>>,
        peers: &Arc<dyn Peers>,
        limit: Duration,
    ) -> Self {
        Self { views, peers: Arc::downgrade(peers), limit }
    }

    fn find(&self) -> Option<(NodeId, Arc<dyn DriverEvents>)> {
        let node = self.views.borrow().with_role(Role::Matcher).next()?.id.clone();
        let desk = self.peers.upgrade()?.matcher(&node)?;
        Some((node, desk))
    }

    /// Hands over an action; answers where the trip stands, or what the driver is to be told instead.
    pub(crate) async fn act(&self, driver: DriverId, act: Act) -> Result<TripState, Status> {
        let Some((node, desk)) = self.find() else {
            return Err(Status::unavailable("no matcher is there to take actions"));
        };
        let answer = self.in_time(&node, desk.act(driver, act.trip, act.action)).await;
        answer.map_err(|error| status_of(&error))
    }

    /// Asks what the driver of a new stream is to know, until the desk has said so.
    pub(crate) async fn connected(&self, driver: &DriverId) -> Option<DriverNotification> {
        let mut wait = ASK_AGAIN_MIN;
        loop {
            let (node, desk) = self.find()?;
            match self.in_time(&node, desk.connected(driver.clone())).await {
                Ok(news) => return news,
                Err(error) if error.retryable() => {
                    tracing::debug!(%driver, %error, "the matcher does not know of the stream yet");
                }
                Err(error) => {
                    tracing::error!(%driver, %error, "the matcher does not take the news of a stream");
                    return None;
                }
            }
            sleep(wait).await;
            wait = (wait * 2).min(ASK_AGAIN_MAX);
        }
    }

    /// Tells that the driver's last stream at this node has ended. Told once: a desk that does not hear of it finds the
    /// driver missing when it looks.
    pub(crate) async fn disconnected(&self, driver: &DriverId) {
        let Some((node, desk)) = self.find() else { return };
        if let Err(error) = self.in_time(&node, desk.disconnected(driver.clone())).await {
            tracing::warn!(%driver, %error, "the matcher does not know that a driver's stream has ended");
        }
    }

    async fn in_time<T>(&self, node: &NodeId, call: Answer<'_, T>) -> Result<T, Error> {
        timeout(self.limit, call).await.unwrap_or_else(|_| {
            let limit_ms = self.limit.as_millis();
            Err(Error::DeadlineExceeded(format!("matcher {node} has not answered within {limit_ms} ms")))
        })
    }
}
