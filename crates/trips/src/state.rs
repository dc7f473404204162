//! The states of a trip, and the table of transitions between them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::event::EventKind;

/// The state of a trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TripState {
    /// The request waits for an offer.
    Requested,
    /// One driver has an offer.
    Offered,
    /// A driver accepted and is on the way to the pickup.
    EnRoute,
    /// The driver waits at the pickup.
    Arrived,
    /// The rider is in the vehicle.
    OnTrip,
    /// The rider got out. This is a final state.
    Completed,
    /// No driver accepted within the rider's maximum wait. This is a final state.
    Expired,
    /// Rider, driver or operator cancelled the trip. This is a final state.
    Cancelled,
}

use EventKind as E;
use TripState as S;

/// The transitions: state, event, next state. An event is illegal in every state that has no row for it.
///
/// A pick-up without a report of arrival is legal, because drivers forget to report it. A drop-off without a pick-up is
/// illegal, because there is no ride to charge.
///
/// A takeover offer and its reply do not change the state: the trip stays en route. Every event that leaves the state en
/// route also ends an open takeover offer.
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
    /// All states, in the order of a trip's life.
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

    /// Returns the name of the state, as in snapshots and on the wire.
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

    /// Whether the state is not final.
    pub fn is_live(self) -> bool {
        !matches!(self, Self::Completed | Self::Expired | Self::Cancelled)
    }

    /// Whether a driver is reserved for the trip: from the offer to the end.
    pub fn has_driver(self) -> bool {
        matches!(self, Self::Offered | Self::EnRoute | Self::Arrived | Self::OnTrip)
    }

    /// Returns the state after the event; `None` if the event is illegal in this state.
    pub fn after(self, event: EventKind) -> Option<Self> {
        TABLE.iter().find(|(from, by, _)| (*from, *by) == (self, event)).map(|(_, _, to)| *to)
    }

    /// Returns the kinds of event that are legal in this state.
    pub fn legal_events(self) -> impl Iterator<Item = EventKind> {
        TABLE.iter().filter(move |(from, _, _)| *from == self).map(|(_, by, _)| *by)
    }
}

impl fmt::Display for TripState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
