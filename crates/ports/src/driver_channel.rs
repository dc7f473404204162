//! The port from the matcher to the ingest node that holds a driver's stream.

use kerb_geometry::LatLng;
use kerb_trips::{TripId, TripState};
use kerb_types::{DriverId, Timestamp, TravelSource};

use crate::PortFuture;

crate::port_error! {
    /// Why a call to a [`DriverChannel`] failed. An unknown driver is not an error.
    pub enum DriverChannelError {
        /// The ingest node rejects a value of the call.
        Invalid,
        /// The ingest node runs another release: it sent a value that this release does not define.
        Mismatch,
        /// The ingest node did not respond in time. A notification may have been sent.
        DeadlineExceeded,
        /// The ingest node does not respond. A notification may have been sent.
        Unavailable,
        /// The call failed by a defect.
        Internal,
    }
}

/// Matcher → ingest node: notifications down a driver's stream, and locations of drivers.
pub trait DriverChannel: Send + Sync {
    /// Sends a notification down the driver's stream. Returns false if the driver has no open stream at this node.
    fn notify(
        &self,
        driver: DriverId,
        notification: DriverNotification,
    ) -> PortFuture<'_, bool, DriverChannelError>;

    /// Returns the location of each of `drivers`, in the same order; `None` for a driver that is not in the node's table.
    fn locations(
        &self,
        drivers: Vec<DriverId>,
    ) -> PortFuture<'_, Vec<Option<DriverLocation>>, DriverChannelError>;
}

/// The one trip that a driver works on: an offer, or the trip that the driver accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TripAssignment {
    /// The id of the trip.
    pub trip: TripId,
    /// [`TripState::Offered`] until the driver accepts, then the trip's state.
    pub state: TripState,
    /// The position where the rider waits.
    pub pickup: LatLng,
    /// The destination of the ride.
    pub dropoff: LatLng,
    /// Expected travel time to the pickup in seconds, from the time of the offer.
    pub pickup_eta_s: u32,
    /// The source of `pickup_eta_s`; `None` for an offer that is older than this field.
    pub travel_source: Option<TravelSource>,
    /// The deadline for accepting an offer, in milliseconds since the Unix epoch.
    pub expires_ms: Timestamp,
    /// The number of persons.
    pub party_size: u8,
}

/// A message to a driver. The newest one replaces all before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DriverNotification {
    /// The driver's trip from now on, or its new state.
    Assignment(Box<TripAssignment>),
    /// The driver no longer has the trip.
    Ended {
        /// The id of the trip.
        trip: TripId,
        /// The state of the trip now. The trip may go on with another driver.
        state: TripState,
        /// A short text for the driver.
        reason: String,
    },
}

impl DriverNotification {
    /// Returns the id of the trip.
    pub fn trip(&self) -> &TripId {
        match self {
            Self::Assignment(assignment) => &assignment.trip,
            Self::Ended { trip, .. } => trip,
        }
    }
}

/// The location of a driver in the table of an ingest node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DriverLocation {
    /// Whether a stream of the driver is open at the node.
    pub connected: bool,
    /// The newest position and the time of its measurement, in milliseconds since the Unix epoch; `None` before the first
    /// report.
    pub position: Option<(LatLng, Timestamp)>,
}
