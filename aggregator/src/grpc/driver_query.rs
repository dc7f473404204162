//! `DriverQueryService`: looks up one driver.

use kerb_proto::convert::{public_position, public_status};
use kerb_proto::deadline::timeout_of;
use kerb_proto::status::status_of;
use kerb_proto::v1::driver_query_service_server::DriverQueryService;
use kerb_proto::v1::{GetDriverRequest, GetDriverResponse};
use kerb_types::{Catalog, DriverId, Timestamp};
use tokio::time::Instant;
use tonic::{Request, Response, Status};

use super::{Grpc, age_ms};
use crate::driver_query::LocatedDriver;

#[tonic::async_trait]
impl DriverQueryService for Grpc {
    async fn get_driver(
        &self,
        request: Request<GetDriverRequest>,
    ) -> Result<Response<GetDriverResponse>, Status> {
        let aggregator = &self.0;
        let deadline = aggregator.options().deadline(timeout_of(request.metadata()), Instant::now());
        let id = DriverId::new(&request.into_inner().driver_id).map_err(|error| status_of(&error))?;
        let located = aggregator.driver(id, deadline).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(present(&located, aggregator.catalog(), aggregator.now())))
    }
}

fn present(located: &LocatedDriver, catalog: &Catalog, now: Timestamp) -> GetDriverResponse {
    let driver = &located.driver;
    let known = driver.position.as_ref();
    GetDriverResponse {
        driver_id: driver.profile.id.as_str().to_owned(),
        vehicle_class: catalog.vehicle_class_name(driver.profile.vehicle_class).to_owned(),
        capabilities: catalog.capability_names(driver.profile.capabilities).map(str::to_owned).collect(),
        status: public_status(driver.status).into(),
        position: known.map(|at| public_position(at.position, at.update_version, at.motion, at.accuracy_dm)),
        position_age_ms: known.map_or(0, |at| age_ms(now, at.update_version.time)),
        connected: driver.connected,
        searchable: driver.searchable,
        shard: known.map_or(0, |at| u32::from(at.shard.0)),
        node_id: located.node.as_str().to_owned(),
        reserved: driver.reserved,
    }
}
