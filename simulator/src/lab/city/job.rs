//! A trip as its driver knows it: from the offer to the drop-off.

use kerb_geometry::LatLng;

use crate::lab::message::Action;

/// An offer, or a trip that the driver has.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// The service's name for it.
    pub(super) trip: String,
    pub(super) pickup: LatLng,
    pub(super) dropoff: LatLng,
    pub(super) stage: Stage,
}

/// How far the driver is with it. Times are milliseconds of the city's day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stage {
    /// Will say this then.
    Thinking(Action, i64),
    /// Lets the offer lapse, and has forgotten it then.
    Ignoring(i64),
    /// Has said this and waits for what comes of it.
    Telling {
        action: Action,
        /// When it was said first.
        since_ms: i64,
        /// When it will be said again.
        again_ms: i64,
    },
    /// Drives to the rider.
    ToPickup,
    /// The rider gets in until then.
    Boarding(i64),
    /// Drives the rider.
    OnTrip,
}

impl Job {
    /// Only an offer as yet: the driver is as free as without it.
    pub(super) fn is_offer(&self) -> bool {
        matches!(
            self.stage,
            Stage::Thinking(..)
                | Stage::Ignoring(_)
                | Stage::Telling { action: Action::Accept | Action::Decline, .. }
        )
    }

    /// The driver has said that it takes the offer.
    pub(super) fn is_promised(&self) -> bool {
        matches!(self.stage, Stage::Telling { action: Action::Accept, .. })
    }

    /// The rider stands at the vehicle or sits in it.
    pub(super) fn has_rider(&self) -> bool {
        matches!(
            self.stage,
            Stage::Boarding(_)
                | Stage::OnTrip
                | Stage::Telling { action: Action::PickUp | Action::DropOff, .. }
        )
    }

    /// When the driver does something about it, other than arriving.
    pub(super) fn due_ms(&self) -> Option<i64> {
        match self.stage {
            Stage::Thinking(_, at_ms) | Stage::Ignoring(at_ms) | Stage::Boarding(at_ms) => Some(at_ms),
            Stage::Telling { again_ms, .. } => Some(again_ms),
            Stage::ToPickup | Stage::OnTrip => None,
        }
    }
}
