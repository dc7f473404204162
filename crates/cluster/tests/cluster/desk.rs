//! fleet's suite for desks: of its own desk, and of the same over gRPC on a random port.

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

use crate::remote::{Served, node};

mod local {
    use super::*;

    kerb_ports::driver_events_conformance!(desk);

    fn desk() -> std::future::Ready<(Arc<dyn DriverEvents>, ())> {
        std::future::ready((one_offer(), ()))
    }
}

mod remote {
    use super::*;

    kerb_ports::driver_events_conformance!(desk);

    async fn desk() -> (Arc<dyn DriverEvents>, Served) {
        let service = MatcherServiceServer::new(OverWire(one_offer()));
        let served = Served::start(|routes| _ = routes.add_service(service), "127.0.0.1:0").await;
        let channel = connect_lazily(&served.address, ChannelOptions::default()).unwrap();
        (Arc::new(RemoteMatcher::new(node("matcher"), channel)), served)
    }
}

/// A desk behind the wire's service.
struct OverWire(Arc<dyn DriverEvents>);

fn driver(id: &str) -> DriverId {
    DriverId::new(id).unwrap()
}

#[tonic::async_trait]
impl MatcherService for OverWire {
    async fn act(&self, request: Request<wire::ActRequest>) -> Result<Response<wire::ActResponse>, Status> {
        let (driver, Act { trip, action }) = request.into_inner().try_into().unwrap();
        let state = self.0.act(driver, trip, action).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(wire::ActResponse { state: public_state(state) as u32 }))
    }

    async fn driver_connected(
        &self,
        request: Request<wire::DriverConnectedRequest>,
    ) -> Result<Response<wire::DriverConnectedResponse>, Status> {
        let news = self.0.connected(driver(&request.into_inner().driver_id)).await;
        let news = news.map_err(|error| status_of(&error))?;
        Ok(Response::new(wire::DriverConnectedResponse { notification: news.as_ref().map(Into::into) }))
    }

    async fn driver_disconnected(
        &self,
        request: Request<wire::DriverDisconnectedRequest>,
    ) -> Result<Response<wire::DriverDisconnectedResponse>, Status> {
        let told = self.0.disconnected(driver(&request.into_inner().driver_id)).await;
        told.map_err(|error| status_of(&error))?;
        Ok(Response::new(wire::DriverDisconnectedResponse {}))
    }
}

/// A matcher of another version, which answers what this one does not know.
struct Foreign;

#[tonic::async_trait]
impl MatcherService for Foreign {
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
}

#[tokio::test]
async fn a_matcher_of_another_version_is_a_mismatch() {
    let service = MatcherServiceServer::new(Foreign);
    let served = Served::start(|routes| _ = routes.add_service(service), "127.0.0.1:0").await;
    let desk = RemoteMatcher::new(
        node("matcher"),
        connect_lazily(&served.address, ChannelOptions::default()).unwrap(),
    );
    let trip = "world-1".parse().unwrap();
    let acted = desk.act(driver("cab"), trip, kerb_ports::DriverAction::Accept).await.unwrap_err();
    assert_eq!(acted.to_string(), "matcher answered a wrong value: state: 99, must be 1 to 8");
    let connected = desk.connected(driver("cab")).await.unwrap_err();
    let disconnected = desk.disconnected(driver("cab")).await.unwrap_err();
    for error in [acted, connected, disconnected] {
        assert_eq!(error.code(), ErrorCode::Mismatch, "{error}");
    }
}
