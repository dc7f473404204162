//! The gRPC services of the matcher. They only convert between the wire and the handle.

mod admin;
mod driver_events;
mod ride;
mod trip_events;
pub mod validate;

use kerb_proto::internal::v1::matcher_service_server::MatcherServiceServer;
use kerb_proto::status::status_of;
use kerb_proto::v1::dispatch_admin_service_server::DispatchAdminServiceServer;
use kerb_proto::v1::ride_service_server::RideServiceServer;
use kerb_proto::v1::trip_event_service_server::TripEventServiceServer;
use kerb_trips::{RiderId, TripId};
use kerb_types::FieldError;
use kerb_types::limits::{MESSAGE_BYTES_MAX, REASON_BYTES_MAX};
use tonic::Status;

use crate::error::MatcherError;
use crate::handle::Matcher;

/// The gRPC services of a matcher. A newtype keeps the services' methods off the handle.
#[derive(Clone)]
pub struct Grpc(Matcher);

impl Grpc {
    /// The services of `matcher`.
    pub fn new(matcher: Matcher) -> Self {
        Self(matcher)
    }

    /// Returns the service of rider apps.
    pub fn ride(&self) -> RideServiceServer<Self> {
        RideServiceServer::new(self.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// Returns the service of the operator.
    pub fn dispatch_admin(&self) -> DispatchAdminServiceServer<Self> {
        DispatchAdminServiceServer::new(self.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// Returns the service of consumers of trip events, for example billing and analytics.
    pub fn trip_event(&self) -> TripEventServiceServer<Self> {
        TripEventServiceServer::new(self.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// Returns the internal service of ingest nodes.
    pub fn matcher(&self) -> MatcherServiceServer<Self> {
        MatcherServiceServer::new(self.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }
}

/// Converts a validation error into a status.
#[expect(clippy::needless_pass_by_value, reason = "an argument of `map_err`, which hands the error over")]
fn rejection(error: FieldError) -> Status {
    status_of(&error)
}

/// Validates the ids of a rider and a trip. The status names every wrong one.
fn rider_and_trip(rider: &str, trip: &str) -> Result<(RiderId, TripId), Status> {
    match (RiderId::new(rider), trip.parse::<TripId>()) {
        (Ok(rider), Ok(trip)) => Ok((rider, trip)),
        (rider, trip) => {
            let errors = [rider.err(), trip.err()].into_iter().flatten().collect();
            Err(status_of(&MatcherError::Invalid(errors)))
        }
    }
}

/// Validates the reason of a cancellation.
fn reason(text: String) -> Result<String, Status> {
    if text.len() <= REASON_BYTES_MAX {
        return Ok(text);
    }
    let text = format!("{} bytes, must be at most {REASON_BYTES_MAX}", text.len());
    Err(rejection(FieldError::new("reason", text)))
}
