//! The steps of a trip: its changes of state or driver. Steps are numbered from 0, so a watcher that has seen `n` steps
//! continues with step `n`.

use serde::{Deserialize, Serialize};

use crate::event::{CancelledBy, ReturnReason, TripEvent};
use crate::state::TripState;
use kerb_types::{DriverId, Timestamp};

/// One change of a trip's state, or of its driver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TripStep {
    /// The time of the change, in milliseconds since the Unix epoch.
    pub at_ms: Timestamp,
    /// The state after the change.
    pub state: TripState,
    /// The driver of the trip, or the driver who left it by this change.
    pub driver: Option<DriverId>,
    /// The cause of the change, as far as the state does not define it.
    pub note: StepNote,
}

/// The cause of a step, as far as the state does not define it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum StepNote {
    /// The state defines the cause.
    None,
    /// The offer ended without acceptance, and the trip waits again.
    OfferReturned {
        /// Why the offer ended.
        why: ReturnReason,
    },
    /// The driver was disconnected for longer than the reconnect grace, and the trip waits again.
    DriverLost,
    /// Rider, driver or operator cancelled the trip.
    Cancelled {
        /// The party that cancelled.
        by: CancelledBy,
        /// Free text of that party; may be empty.
        reason: String,
    },
    /// The step's driver took the trip over.
    Reassigned {
        /// The driver before.
        from: DriverId,
    },
}

impl StepNote {
    pub(super) fn of(event: &TripEvent) -> Self {
        match event {
            TripEvent::OfferReturned { why, .. } => Self::OfferReturned { why: why.clone() },
            TripEvent::DriverLost { .. } => Self::DriverLost,
            TripEvent::Cancelled { by, reason } => Self::Cancelled { by: by.clone(), reason: reason.clone() },
            TripEvent::Reassigned { from, .. } => Self::Reassigned { from: from.clone() },
            _ => Self::None,
        }
    }
}
