//! The steps of a trip, numbered by their place: a watcher who saw `n` of them goes on with the `n`th, without a gap.

use serde::{Deserialize, Serialize};

use crate::event::{CancelledBy, ReturnReason, TripEvent};
use crate::state::TripState;
use kerb_types::DriverId;

/// One change of a trip's state, or of its driver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The state from then on.
    pub state: TripState,
    /// The driver whom the change concerns: the trip's own, or who has just left it.
    pub driver: Option<DriverId>,
    /// What the state alone does not tell.
    pub note: StepNote,
}

/// What the state alone does not tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum StepNote {
    /// Nothing more.
    None,
    /// The trip waits again: the offer came to nothing.
    OfferReturned {
        /// Why.
        why: ReturnReason,
    },
    /// The trip waits again: its driver was away for too long.
    DriverLost,
    /// Called off.
    Cancelled {
        /// By whom.
        by: CancelledBy,
        /// Their words.
        reason: String,
    },
    /// The step's driver has taken the trip over from another.
    Reassigned {
        /// Whose it was.
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
