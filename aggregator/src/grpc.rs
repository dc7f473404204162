//! The aggregator on the wire: thin adapters between `kerb.v1` and the service.

mod admin;
mod driver_query;
mod encode;
mod nearby;

use kerb_proto::v1::admin_service_server::AdminServiceServer;
use kerb_proto::v1::driver_query_service_server::DriverQueryServiceServer;
use kerb_types::limits::MESSAGE_BYTES_MAX;

use crate::handle::Aggregator;

pub use nearby::Nearby;

/// Makes an aggregator's three services. A newtype, so that the services' methods do not stand on the handle.
#[derive(Clone)]
pub struct Grpc(pub(crate) Aggregator);

impl Grpc {
    /// Of this aggregator.
    pub fn new(aggregator: Aggregator) -> Self {
        Self(aggregator)
    }

    /// Searches.
    pub fn nearby(&self) -> Nearby {
        Nearby::new(self.0.clone())
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

/// 0 when the device's clock is ahead.
fn age_ms(now_ms: i64, time_ms: i64) -> u32 {
    now_ms.saturating_sub(time_ms).clamp(0, i64::from(u32::MAX)) as u32
}
