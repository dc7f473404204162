//! The matcher on the wire: adapters without a mind of their own.

mod admin;
mod driver_events;
mod ride;
mod trip_events;
pub mod validate;

use kerb_ports::Error;
use kerb_proto::internal::v1::matcher_service_server::MatcherServiceServer;
use kerb_proto::status::status_of;
use kerb_proto::v1::dispatch_admin_service_server::DispatchAdminServiceServer;
use kerb_proto::v1::ride_service_server::RideServiceServer;
use kerb_proto::v1::trip_event_service_server::TripEventServiceServer;
use kerb_trips::{RiderId, TripId};
use kerb_types::FieldError;
use kerb_types::limits::{MESSAGE_BYTES_MAX, REASON_BYTES_MAX};
use tonic::Status;

use crate::handle::Matcher;

/// Makes a matcher's services. A newtype, so that the services' methods do not stand on the handle.
#[derive(Clone)]
pub struct Grpc(Matcher);

impl Grpc {
    /// Of this matcher.
    pub fn new(matcher: Matcher) -> Self {
        Self(matcher)
    }

    /// For riders' apps.
    pub fn ride(&self) -> RideServiceServer<Self> {
        RideServiceServer::new(self.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// For the operator.
    pub fn dispatch_admin(&self) -> DispatchAdminServiceServer<Self> {
        DispatchAdminServiceServer::new(self.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// For those who bill and analyse.
    pub fn trip_event(&self) -> TripEventServiceServer<Self> {
        TripEventServiceServer::new(self.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// For ingest nodes.
    pub fn matcher(&self) -> MatcherServiceServer<Self> {
        MatcherServiceServer::new(self.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }
}

/// A refused value as a status.
#[expect(clippy::needless_pass_by_value, reason = "an argument of `map_err`, which hands the error over")]
fn refused(error: FieldError) -> Status {
    status_of(&error)
}

/// Whose trip and which, with all that is wrong.
fn rider_and_trip(rider: &str, trip: &str) -> Result<(RiderId, TripId), Status> {
    match (RiderId::new(rider), trip.parse::<TripId>()) {
        (Ok(rider), Ok(trip)) => Ok((rider, trip)),
        (rider, trip) => {
            let errors = [rider.err(), trip.err()].into_iter().flatten().collect();
            Err(status_of(&Error::Invalid(errors)))
        }
    }
}

/// Somebody's words.
fn reason(words: String) -> Result<String, Status> {
    if words.len() <= REASON_BYTES_MAX {
        return Ok(words);
    }
    let text = format!("{} bytes, must be at most {REASON_BYTES_MAX}", words.len());
    Err(refused(FieldError::new("reason", text)))
}
