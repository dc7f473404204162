//! Calls to the matcher's `DriverEvents` port. The client finds the current matcher in the membership for every call, and
//! every call has a deadline. A cluster without a matcher is not an error.

use std::sync::{Arc, Weak};

use kerb_ports::{DriverEvents, DriverEventsError, DriverNotification, Peers, PortFuture};
use kerb_proto::convert::Act;
use kerb_proto::status::status_of;
use kerb_trips::{TripId, TripState};
use kerb_types::{Backoff, DriverId, Jitter, MembershipView, NodeId, Role};
use tokio::sync::watch;
use tokio::time::{Duration, sleep, timeout};
use tonic::Status;

/// Wait before the first retry of [`DispatchClient::connected`].
const RETRY_MIN: Duration = Duration::from_millis(500);
/// Maximum wait between two retries.
const RETRY_MAX: Duration = Duration::from_secs(30);

/// A client of whichever matcher the membership names.
pub(crate) struct DispatchClient {
    views: watch::Receiver<Arc<MembershipView>>,
    /// Weak: the peers of an embedded cluster hold this node, and two strong references would keep both forever.
    peers: Weak<dyn Peers>,
    call_timeout: Duration,
}

impl DispatchClient {
    pub(crate) fn new(
        views: watch::Receiver<Arc<MembershipView>>,
        peers: &Arc<dyn Peers>,
        call_timeout: Duration,
    ) -> Self {
        Self { views, peers: Arc::downgrade(peers), call_timeout }
    }

    /// Finds the current matcher.
    fn matcher(&self) -> Option<(NodeId, Arc<dyn DriverEvents>)> {
        let node = self.views.borrow().with_role(Role::Matcher).next()?.id.clone();
        let matcher = self.peers.upgrade()?.matcher(&node)?;
        Some((node, matcher))
    }

    /// Sends a driver's action. Returns the trip's state after it, or the status for the driver.
    pub(crate) async fn act(&self, driver: DriverId, act: Act) -> Result<TripState, Status> {
        let Some((node, matcher)) = self.matcher() else {
            return Err(Status::unavailable("no matcher is there to take actions"));
        };
        let answer = self.with_timeout(&node, matcher.act(driver, act.trip, act.action)).await;
        answer.map_err(|error| status_of(&error))
    }

    /// Returns the trip that the driver of an open stream has, by one call that also reports the stream. `None`: the matcher
    /// has not answered.
    pub(crate) async fn current_trip(&self, driver: &DriverId) -> Option<Option<DriverNotification>> {
        let (node, matcher) = self.matcher()?;
        self.with_timeout(&node, matcher.connected(driver.clone())).await.ok()
    }

    /// Reports a driver's new stream, and retries until the matcher has answered. Returns the notification for the driver
    /// of a live trip.
    pub(crate) async fn connected(&self, driver: &DriverId) -> Option<DriverNotification> {
        // No jitter: a paused clock must give the same run twice.
        let mut backoff = Backoff::new(RETRY_MIN, RETRY_MAX, Jitter::None);
        loop {
            let (node, matcher) = self.matcher()?;
            match self.with_timeout(&node, matcher.connected(driver.clone())).await {
                Ok(notification) => return notification,
                Err(error) if error.retryable() => {
                    tracing::debug!(%driver, %error, "the matcher has not taken a driver's connection yet");
                }
                Err(error) => {
                    tracing::error!(%driver, %error, "the matcher rejects a driver's connection");
                    return None;
                }
            }
            sleep(backoff.next_wait(0.0)).await;
        }
    }

    /// Returns the driver's open offer of this trip to the matcher. Returns whether the matcher has done it.
    pub(crate) async fn return_offer(&self, driver: &DriverId, trip: &TripId) -> bool {
        let Some((node, matcher)) = self.matcher() else { return false };
        let returned = self.with_timeout(&node, matcher.unavailable(driver.clone(), trip.clone())).await;
        if let Err(error) = &returned {
            tracing::debug!(%driver, %trip, %error, "the matcher has not taken an offer back yet");
        }
        returned.is_ok()
    }

    /// Reports that the driver's newest stream at this node has ended. There is no retry: a matcher that misses the report
    /// finds the driver disconnected when it next asks for the driver's location.
    pub(crate) async fn disconnected(&self, driver: &DriverId) {
        let Some((node, matcher)) = self.matcher() else { return };
        if let Err(error) = self.with_timeout(&node, matcher.disconnected(driver.clone())).await {
            tracing::warn!(%driver, %error, "the matcher has not taken a driver's disconnection");
        }
    }

    async fn with_timeout<T>(
        &self,
        node: &NodeId,
        call: PortFuture<'_, T, DriverEventsError>,
    ) -> Result<T, DriverEventsError> {
        timeout(self.call_timeout, call).await.unwrap_or_else(|_elapsed| {
            let timeout_ms = self.call_timeout.as_millis();
            Err(DriverEventsError::DeadlineExceeded(format!(
                "matcher {node} has not answered within {timeout_ms} ms"
            )))
        })
    }
}
