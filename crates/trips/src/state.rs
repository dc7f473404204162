//! The states of a trip, and the one table that says which event leads from which state to which.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::event::EventKind;

/// Where a trip stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TripState {
    /// Waits for a driver.
    Requested,
    /// One driver is asked.
    Offered,
    /// A driver accepted and is under way to the pickup.
    EnRoute,
    /// The driver waits at the pickup.
    Arrived,
    /// The rider is in the vehicle.
    OnTrip,
    /// The rider got out: the end.
    Completed,
    /// No driver was found within the longest wait: the end.
    Expired,
    /// Rider, driver or operator called it off: the end.
    Cancelled,
}

use EventKind as E;
use TripState as S;

/// From which state which event leads where. What is not here is not possible.
///
/// A pick-up is possible without a told arrival, since drivers forget to tell it: the rider in the vehicle is the better
/// witness. A drop-off without a pick-up is not: there would be no ride to charge.
///
/// A driver who is asked to take a trip over does not change its state: it is under way, and stays so whatever the
/// answer is. Whatever ends being under way ends the query too.
const TABLE: [(S, E, S); 25] = [
    (S::Requested, E::Offered, S::Offered),
    (S::Requested, E::Expired, S::Expired),
    (S::Requested, E::CancelledByRider, S::Cancelled),
    (S::Requested, E::CancelledByOperator, S::Cancelled),
    (S::Offered, E::Accepted, S::EnRoute),
    (S::Offered, E::OfferReturned, S::Requested),
    (S::Offered, E::CancelledByRider, S::Cancelled),
    (S::Offered, E::CancelledByOperator, S::Cancelled),
    (S::EnRoute, E::Arrived, S::Arrived),
    (S::EnRoute, E::PickedUp, S::OnTrip),
    (S::EnRoute, E::ReassignmentOffered, S::EnRoute),
    (S::EnRoute, E::ReassignmentReturned, S::EnRoute),
    (S::EnRoute, E::Reassigned, S::EnRoute),
    (S::EnRoute, E::DriverLost, S::Requested),
    (S::EnRoute, E::CancelledByRider, S::Cancelled),
    (S::EnRoute, E::CancelledByDriver, S::Cancelled),
    (S::EnRoute, E::CancelledByOperator, S::Cancelled),
    (S::Arrived, E::PickedUp, S::OnTrip),
    (S::Arrived, E::DriverLost, S::Requested),
    (S::Arrived, E::CancelledByRider, S::Cancelled),
    (S::Arrived, E::CancelledByDriver, S::Cancelled),
    (S::Arrived, E::CancelledByOperator, S::Cancelled),
    (S::OnTrip, E::Metered, S::OnTrip),
    (S::OnTrip, E::DroppedOff, S::Completed),
    (S::OnTrip, E::CancelledByOperator, S::Cancelled),
];

impl TripState {
    /// All of them, in the order of a trip's life.
    pub const ALL: [Self; 8] = [
        Self::Requested,
        Self::Offered,
        Self::EnRoute,
        Self::Arrived,
        Self::OnTrip,
        Self::Completed,
        Self::Expired,
        Self::Cancelled,
    ];

    /// Its name, as it is written in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Offered => "offered",
            Self::EnRoute => "en_route",
            Self::Arrived => "arrived",
            Self::OnTrip => "on_trip",
            Self::Completed => "completed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    /// Not at its end.
    pub fn is_live(self) -> bool {
        !matches!(self, Self::Completed | Self::Expired | Self::Cancelled)
    }

    /// Some driver is promised to the trip now, from the offer on.
    pub fn has_driver(self) -> bool {
        matches!(self, Self::Offered | Self::EnRoute | Self::Arrived | Self::OnTrip)
    }

    /// Where the event leads; `None`: it is not possible.
    pub fn after(self, event: EventKind) -> Option<Self> {
        TABLE.iter().find(|(from, by, _)| (*from, *by) == (self, event)).map(|(_, _, to)| *to)
    }

    /// What is possible.
    pub fn legal_events(self) -> impl Iterator<Item = EventKind> {
        TABLE.iter().filter(move |(from, _, _)| *from == self).map(|(_, by, _)| *by)
    }
}

impl fmt::Display for TripState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
