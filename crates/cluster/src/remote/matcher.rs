//! The port `DriverEvents` of a matcher in another process.

use futures::FutureExt;
use kerb_ports::{DriverAction, DriverEvents, DriverEventsError, DriverNotification, PortFuture};
use kerb_proto::convert::{Act, trip_state};
use kerb_proto::internal::v1::matcher_service_client::MatcherServiceClient;
use kerb_proto::internal::v1::{
    ActRequest, DriverConnectedRequest, DriverDisconnectedRequest, DriverUnavailableRequest,
};
use kerb_proto::status::error_of;
use kerb_transport::NodeChannel;
use kerb_trips::{TripId, TripState};
use kerb_types::{DriverId, NodeId};

use super::mismatch::wrong_value;

/// A matcher in another process.
#[derive(Clone)]
pub struct RemoteMatcher {
    node: NodeId,
    client: MatcherServiceClient<NodeChannel>,
}

impl RemoteMatcher {
    /// Makes the port of this node over this channel.
    pub fn new(node: NodeId, channel: impl Into<NodeChannel>) -> Self {
        Self { node, client: MatcherServiceClient::new(channel.into()) }
    }
}

impl DriverEvents for RemoteMatcher {
    fn act(
        &self,
        driver: DriverId,
        trip: TripId,
        action: DriverAction,
    ) -> PortFuture<'_, TripState, DriverEventsError> {
        async move {
            let request = ActRequest::from((&driver, &Act { trip, action }));
            let response = self.client.clone().act(request).await;
            let response =
                response.map_err(|status| error_of::<DriverEventsError>(&status, &self.node))?.into_inner();
            trip_state(response.state).map_err(|error| wrong_value(&self.node, &error))
        }
        .boxed()
    }

    fn connected(&self, driver: DriverId) -> PortFuture<'_, Option<DriverNotification>, DriverEventsError> {
        async move {
            let request = DriverConnectedRequest { driver_id: driver.as_str().to_owned() };
            let response = self.client.clone().driver_connected(request).await;
            let response =
                response.map_err(|status| error_of::<DriverEventsError>(&status, &self.node))?.into_inner();
            let notification = response.notification.map(DriverNotification::try_from).transpose();
            notification.map_err(|error| wrong_value(&self.node, &error))
        }
        .boxed()
    }

    fn unavailable(&self, driver: DriverId, trip: TripId) -> PortFuture<'_, (), DriverEventsError> {
        async move {
            let request =
                DriverUnavailableRequest { driver_id: driver.as_str().to_owned(), trip_id: trip.to_string() };
            let response = self.client.clone().driver_unavailable(request).await;
            response.map_err(|status| error_of::<DriverEventsError>(&status, &self.node))?;
            Ok(())
        }
        .boxed()
    }

    fn disconnected(&self, driver: DriverId) -> PortFuture<'_, (), DriverEventsError> {
        async move {
            let request = DriverDisconnectedRequest { driver_id: driver.as_str().to_owned() };
            let response = self.client.clone().driver_disconnected(request).await;
            response.map_err(|status| error_of::<DriverEventsError>(&status, &self.node))?;
            Ok(())
        }
        .boxed()
    }
}
