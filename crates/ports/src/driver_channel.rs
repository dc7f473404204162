//! The port from the matcher to the ingest node that holds a driver's stream.

use kerb_geometry::LatLng;
use kerb_trips::{TripId, TripState};
use kerb_types::{DriverId, TravelSource};

use crate::Answer;

/// Matcher → ingest node: the streams of its drivers.
pub trait DriverChannel: Send + Sync {
    /// Puts news before the driver. False: no stream of this driver is open at this node.
    fn notify(&self, driver: DriverId, notification: DriverNotification) -> Answer<'_, bool>;

    /// What the node knows of each of `drivers`, in their order; `None` for one that it does not know.
    fn locations(&self, drivers: Vec<DriverId>) -> Answer<'_, Vec<Option<DriverLocation>>>;
}

/// The one trip that a driver is to think of: an offer, or the trip that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TripAssignment {
    /// Which.
    pub trip: TripId,
    /// [`TripState::Offered`] until accepted, then as far as it has come.
    pub state: TripState,
    /// Where the rider waits.
    pub pickup: LatLng,
    /// Where the rider goes.
    pub dropoff: LatLng,
    /// Expected seconds from the offer to the pickup.
    pub pickup_eta_s: u32,
    /// What that was computed from; `None`: not known any more.
    pub travel_source: Option<TravelSource>,
    /// Until when an offer may be accepted, milliseconds since the Unix epoch.
    pub expires_ms: i64,
    /// Persons.
    pub party_size: u8,
}

/// What is put before a driver. The newest speaks for all before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DriverNotification {
    /// The driver's task is this now.
    Assignment(Box<TripAssignment>),
    /// The trip is not the driver's any more.
    Ended {
        /// Which.
        trip: TripId,
        /// Where it stands now.
        state: TripState,
        /// Why, in a few words.
        reason: String,
    },
}

impl DriverNotification {
    /// The trip that it is about.
    pub fn trip(&self) -> &TripId {
        match self {
            Self::Assignment(task) => &task.trip,
            Self::Ended { trip, .. } => trip,
        }
    }
}

/// Where a driver is, as an ingest node knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DriverLocation {
    /// A stream of the driver is open there.
    pub connected: bool,
    /// The newest position and when it was measured, milliseconds since the Unix epoch; `None`: not yet reported.
    pub position: Option<(LatLng, i64)>,
}
