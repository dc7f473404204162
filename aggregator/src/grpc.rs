//! The aggregator on the wire: thin adapters between `kerb.v1` and the service.

mod admin;
mod deadline;
mod driver_query;
mod nearby;

use kerb_fleet::limits::MESSAGE_BYTES_MAX;
use kerb_proto::v1::admin_service_server::AdminServiceServer;
use kerb_proto::v1::driver_query_service_server::DriverQueryServiceServer;
use kerb_proto::v1::nearby_service_server::NearbyServiceServer;

use crate::service::Aggregator;

pub use deadline::timeout_of;

/// Makes an aggregator's three services. A newtype, so that the services' methods do not stand on the handle.
#[derive(Clone)]
pub struct Grpc(pub(crate) Aggregator);

impl Grpc {
    /// Of this aggregator.
    pub fn new(aggregator: Aggregator) -> Self {
        Self(aggregator)
    }

    /// Searches.
    pub fn nearby(&self) -> NearbyServiceServer<Self> {
        NearbyServiceServer::new(self.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// One driver by id.
    pub fn driver_query(&self) -> DriverQueryServiceServer<Self> {
        DriverQueryServiceServer::new(self.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// For the operator.
    pub fn admin(&self) -> AdminServiceServer<Self> {
        AdminServiceServer::new(self.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }
}
