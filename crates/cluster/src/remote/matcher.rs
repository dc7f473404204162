//! A matcher's desk for drivers, over gRPC.

use futures::FutureExt;
use kerb_ports::{Answer, DriverAction, DriverEvents, DriverNotification, Error};
use kerb_proto::convert::{Act, trip_state};
use kerb_proto::internal::v1::matcher_service_client::MatcherServiceClient;
use kerb_proto::internal::v1::{ActRequest, DriverConnectedRequest, DriverDisconnectedRequest};
use kerb_proto::status::error_of;
use kerb_trips::{TripId, TripState};
use kerb_types::{DriverId, FieldError, NodeId};
use tonic::transport::Channel;

/// The matcher of another process.
#[derive(Clone)]
pub struct RemoteMatcher {
    node: NodeId,
    client: MatcherServiceClient<Channel>,
}

impl RemoteMatcher {
    /// Over this connection.
    pub fn new(node: NodeId, channel: Channel) -> Self {
        Self { node, client: MatcherServiceClient::new(channel) }
    }

    /// The peer is one of ours: a wrong value means that it runs another version.
    fn wrong_value(&self, error: &FieldError) -> Error {
        Error::Mismatch(format!("{} answered a wrong value: {error}", self.node))
    }
}

impl DriverEvents for RemoteMatcher {
    fn act(&self, driver: DriverId, trip: TripId, action: DriverAction) -> Answer<'_, TripState> {
        async move {
            let request = ActRequest::from((&driver, &Act { trip, action }));
            let answer = self.client.clone().act(request).await;
            let answer = answer.map_err(|status| error_of::<Error>(&status, &self.node))?.into_inner();
            trip_state(answer.state).map_err(|error| self.wrong_value(&error))
        }
        .boxed()
    }

    fn connected(&self, driver: DriverId) -> Answer<'_, Option<DriverNotification>> {
        async move {
            let request = DriverConnectedRequest { driver_id: driver.as_str().to_owned() };
            let answer = self.client.clone().driver_connected(request).await;
            let answer = answer.map_err(|status| error_of::<Error>(&status, &self.node))?.into_inner();
            let news = answer.notification.map(DriverNotification::try_from).transpose();
            news.map_err(|error| self.wrong_value(&error))
        }
        .boxed()
    }

    fn disconnected(&self, driver: DriverId) -> Answer<'_, ()> {
        async move {
            let request = DriverDisconnectedRequest { driver_id: driver.as_str().to_owned() };
            let answer = self.client.clone().driver_disconnected(request).await;
            answer.map_err(|status| error_of::<Error>(&status, &self.node))?;
            Ok(())
        }
        .boxed()
    }
}
