//! The gRPC services of the aggregator: thin adapters between `kerb.v1` and the handle.

mod admin;
mod driver_query;
mod encode;
mod nearby;

use kerb_proto::v1::admin_service_server::AdminServiceServer;
use kerb_proto::v1::driver_query_service_server::DriverQueryServiceServer;
use kerb_types::Timestamp;
use kerb_types::limits::MESSAGE_BYTES_MAX;

use crate::handle::Aggregator;

pub use nearby::Nearby;

/// The three gRPC services of an aggregator. A newtype, so that the methods of the services are not methods of the handle.
#[derive(Clone)]
pub struct Grpc(pub(crate) Aggregator);

impl Grpc {
    /// The services of this aggregator.
    pub fn new(aggregator: Aggregator) -> Self {
        Self(aggregator)
    }

    /// Returns the service for searches.
    pub fn nearby(&self) -> Nearby {
        Nearby::new(self.0.clone())
    }

    /// Returns the service for driver look-ups.
    pub fn driver_query(&self) -> DriverQueryServiceServer<Self> {
        DriverQueryServiceServer::new(self.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// Returns the service for operators.
    pub fn admin(&self) -> AdminServiceServer<Self> {
        AdminServiceServer::new(self.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }
}

/// Returns the age of a position; 0 if the clock of the device is ahead.
fn age_ms(now: Timestamp, time_ms: Timestamp) -> u32 {
    (now - time_ms).to_u32()
}
