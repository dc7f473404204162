//! `MatcherService`, for ingest nodes: the port `DriverEvents` on the wire.

use kerb_ports::DriverEvents;
use kerb_proto::convert::{Act, public_state};
use kerb_proto::internal::v1::matcher_service_server::MatcherService;
use kerb_proto::internal::v1::{
    ActRequest, ActResponse, DriverConnectedRequest, DriverConnectedResponse, DriverDisconnectedRequest,
    DriverDisconnectedResponse, DriverUnavailableRequest, DriverUnavailableResponse,
};
use kerb_proto::status::status_of;
use kerb_types::DriverId;
use tonic::{Request, Response, Status};

use super::{Grpc, rejection};

#[tonic::async_trait]
impl MatcherService for Grpc {
    async fn act(&self, request: Request<ActRequest>) -> Result<Response<ActResponse>, Status> {
        let (driver, Act { trip, action }) = request.into_inner().try_into().map_err(rejection)?;
        let state = self.0.act(driver, trip, action).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(ActResponse { state: public_state(state) as u32 }))
    }

    async fn driver_connected(
        &self,
        request: Request<DriverConnectedRequest>,
    ) -> Result<Response<DriverConnectedResponse>, Status> {
        let driver = DriverId::new(&request.into_inner().driver_id).map_err(rejection)?;
        let notification = self.0.connected(driver).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(DriverConnectedResponse { notification: notification.as_ref().map(Into::into) }))
    }

    async fn driver_unavailable(
        &self,
        request: Request<DriverUnavailableRequest>,
    ) -> Result<Response<DriverUnavailableResponse>, Status> {
        let (driver, trip) = request.into_inner().try_into().map_err(rejection)?;
        self.0.unavailable(driver, trip).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(DriverUnavailableResponse {}))
    }

    async fn driver_disconnected(
        &self,
        request: Request<DriverDisconnectedRequest>,
    ) -> Result<Response<DriverDisconnectedResponse>, Status> {
        let driver = DriverId::new(&request.into_inner().driver_id).map_err(rejection)?;
        self.0.disconnected(driver).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(DriverDisconnectedResponse {}))
    }
}
