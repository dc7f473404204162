//! A driver's trip or offer, from the offer to the drop-off.

use kerb_geometry::LatLng;

use crate::agents::messages::DriverAction;

/// A trip or an offer, as its driver knows it.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    /// The service's id of the trip.
    pub(crate) trip: String,
    pub(crate) pickup: LatLng,
    pub(crate) dropoff: LatLng,
    pub(crate) stage: AssignmentStage,
}

/// The stage of an assignment. Times are milliseconds of the city's day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum AssignmentStage {
    /// The driver sends this answer to the offer at this time.
    Deciding(DriverAction, i64),
    /// The driver lets the offer time out and drops it at this time.
    Ignoring(i64),
    /// The driver sent this action and waits for the result.
    Reporting {
        action: DriverAction,
        /// Time of the first attempt.
        since_ms: i64,
        /// Time of the next attempt.
        retry_ms: i64,
    },
    /// The driver drives to the rider.
    ToPickup,
    /// The rider boards until this time.
    Boarding(i64),
    /// The driver drives the rider.
    OnTrip,
}

impl Assignment {
    /// Returns true while this is only an offer, which leaves the driver free.
    pub(crate) fn is_offer(&self) -> bool {
        matches!(
            self.stage,
            AssignmentStage::Deciding(..)
                | AssignmentStage::Ignoring(_)
                | AssignmentStage::Reporting { action: DriverAction::Accept | DriverAction::Decline, .. }
        )
    }

    /// Returns true once the driver sent its acceptance of the offer.
    pub(crate) fn is_accept_sent(&self) -> bool {
        matches!(self.stage, AssignmentStage::Reporting { action: DriverAction::Accept, .. })
    }

    /// Returns true while the rider is at the vehicle or in it.
    pub(crate) fn has_rider(&self) -> bool {
        matches!(
            self.stage,
            AssignmentStage::Boarding(_)
                | AssignmentStage::OnTrip
                | AssignmentStage::Reporting { action: DriverAction::PickUp | DriverAction::DropOff, .. }
        )
    }

    /// Returns the time of the driver's next action other than an arrival.
    pub(crate) fn due_ms(&self) -> Option<i64> {
        match self.stage {
            AssignmentStage::Deciding(_, at_ms)
            | AssignmentStage::Ignoring(at_ms)
            | AssignmentStage::Boarding(at_ms) => Some(at_ms),
            AssignmentStage::Reporting { retry_ms, .. } => Some(retry_ms),
            AssignmentStage::ToPickup | AssignmentStage::OnTrip => None,
        }
    }
}
