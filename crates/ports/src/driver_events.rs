//! The port from an ingest node to the matcher: what a driver does, and whether its stream is open.

use kerb_trips::{TripId, TripState};
use kerb_types::DriverId;
use serde::{Deserialize, Serialize};

use crate::Answer;
use crate::driver_channel::DriverNotification;

/// Ingest node → matcher: what drivers do, and whether they are there.
pub trait DriverEvents: Send + Sync {
    /// A driver acts on a trip. Answers where the trip stands once that is durable.
    ///
    /// `Error::NotFound`: no such trip. `Error::FailedPrecondition`: the trip does not take it, or is another
    /// driver's. `Error::Unavailable`, `Error::Overloaded`, `Error::DeadlineExceeded`: the outcome is unknown, send
    /// it again.
    fn act(&self, driver: DriverId, trip: TripId, action: DriverAction) -> Answer<'_, TripState>;

    /// A stream of the driver was opened. Answers what the driver is to know, if anything.
    fn connected(&self, driver: DriverId) -> Answer<'_, Option<DriverNotification>>;

    /// The driver's last stream at a node ended.
    fn disconnected(&self, driver: DriverId) -> Answer<'_, ()>;
}

/// What a driver does about a trip. Each may be repeated: a repeat is answered as the first was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DriverAction {
    /// Takes the offer.
    Accept,
    /// Does not take it.
    Decline {
        /// The driver's words; may be empty.
        reason: String,
    },
    /// Is at the pickup.
    Arrived,
    /// The rider got in.
    PickedUp,
    /// The rider got out.
    DroppedOff,
    /// Gives an accepted trip up before the pick-up.
    Cancel {
        /// The driver's words; may be empty.
        reason: String,
    },
}

impl DriverAction {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Decline { .. } => "decline",
            Self::Arrived => "arrived",
            Self::PickedUp => "picked_up",
            Self::DroppedOff => "dropped_off",
            Self::Cancel { .. } => "cancel",
        }
    }
}
