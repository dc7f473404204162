//! The conformance suite of the port `DriverEvents`: for the suite's own matcher, and for the same one over gRPC.

use std::sync::Arc;

use kerb_cluster::remote::RemoteMatcher;
use kerb_ports::conformance::driver_events::one_offer;
use kerb_ports::{DriverEvents, ErrorCode};
use kerb_proto::convert::{Act, public_state};
use kerb_proto::internal::v1 as wire;
use kerb_proto::internal::v1::matcher_service_server::{MatcherService, MatcherServiceServer};
use kerb_proto::status::status_of;
use kerb_transport::ChannelOptions;
use kerb_transport::connect_lazily;
use kerb_types::DriverId;
use tonic::{Request, Response, Status};

use crate::remote::{TestServer, node};

mod local {
    use super::*;

    kerb_ports::driver_events_conformance!(matcher);

    fn matcher() -> std::future::Ready<(Arc<dyn DriverEvents>, ())> {
        std::future::ready((one_offer(), ()))
    }
}

mod remote {
    use super::*;

    kerb_ports::driver_events_conformance!(matcher);

    async fn matcher() -> (Arc<dyn DriverEvents>, TestServer) {
        let service = MatcherServiceServer::new(PortService(one_offer()));
        let server = TestServer::start(|routes| _ = routes.add_service(service), "127.0.0.1:0").await;
        let channel = connect_lazily(&server.address, ChannelOptions::default()).unwrap();
        (Arc::new(RemoteMatcher::new(node("matcher"), channel)), server)
    }
}

/// The gRPC service of a port.
struct PortService(Arc<dyn DriverEvents>);

fn driver(id: &str) -> DriverId {
    DriverId::new(id).unwrap()
}

#[tonic::async_trait]
impl MatcherService for PortService {
    async fn act(&self, request: Request<wire::ActRequest>) -> Result<Response<wire::ActResponse>, Status> {
        let (driver, Act { trip, action }) = request.into_inner().try_into().unwrap();
        let state = self.0.act(driver, trip, action).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(wire::ActResponse { state: public_state(state) as u32 }))
    }

    async fn driver_connected(
        &self,
        request: Request<wire::DriverConnectedRequest>,
    ) -> Result<Response<wire::DriverConnectedResponse>, Status> {
        let notification = self.0.connected(driver(&request.into_inner().driver_id)).await;
        let notification = notification.map_err(|error| status_of(&error))?;
        Ok(Response::new(wire::DriverConnectedResponse {
            notification: notification.as_ref().map(Into::into),
        }))
    }

    async fn driver_disconnected(
        &self,
        request: Request<wire::DriverDisconnectedRequest>,
    ) -> Result<Response<wire::DriverDisconnectedResponse>, Status> {
        let recorded = self.0.disconnected(driver(&request.into_inner().driver_id)).await;
        recorded.map_err(|error| status_of(&error))?;
        Ok(Response::new(wire::DriverDisconnectedResponse {}))
    }

    async fn driver_unavailable(
        &self,
        request: Request<wire::DriverUnavailableRequest>,
    ) -> Result<Response<wire::DriverUnavailableResponse>, Status> {
        let (driver, trip) = request.into_inner().try_into().unwrap();
        self.0.unavailable(driver, trip).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(wire::DriverUnavailableResponse {}))
    }
}

/// A matcher of another release, which answers with values that this release does not define.
struct OtherRelease;

#[tonic::async_trait]
impl MatcherService for OtherRelease {
    async fn act(&self, _: Request<wire::ActRequest>) -> Result<Response<wire::ActResponse>, Status> {
        Ok(Response::new(wire::ActResponse { state: 99 }))
    }

    async fn driver_connected(
        &self,
        _: Request<wire::DriverConnectedRequest>,
    ) -> Result<Response<wire::DriverConnectedResponse>, Status> {
        Ok(Response::new(wire::DriverConnectedResponse {
            notification: Some(wire::DriverNotification { notification: None }),
        }))
    }

    async fn driver_disconnected(
        &self,
        _: Request<wire::DriverDisconnectedRequest>,
    ) -> Result<Response<wire::DriverDisconnectedResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn driver_unavailable(
        &self,
        _: Request<wire::DriverUnavailableRequest>,
    ) -> Result<Response<wire::DriverUnavailableResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }
}

#[tokio::test]
async fn a_matcher_of_another_release_is_a_mismatch() {
    let service = MatcherServiceServer::new(OtherRelease);
    let server = TestServer::start(|routes| _ = routes.add_service(service), "127.0.0.1:0").await;
    let matcher = RemoteMatcher::new(
        node("matcher"),
        connect_lazily(&server.address, ChannelOptions::default()).unwrap(),
    );
    let trip = "world-1".parse().unwrap();
    let acted = matcher.act(driver("cab"), trip, kerb_ports::DriverAction::Accept).await.unwrap_err();
    assert_eq!(acted.to_string(), "matcher answered a wrong value: state: 99, must be 1 to 8");
    let connected = matcher.connected(driver("cab")).await.unwrap_err();
    let disconnected = matcher.disconnected(driver("cab")).await.unwrap_err();
    for error in [acted, connected, disconnected] {
        assert_eq!(error.code(), ErrorCode::Mismatch, "{error}");
    }
}
