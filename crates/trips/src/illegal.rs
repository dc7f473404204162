//! The error of an event that is illegal for a trip.

use std::fmt;

use crate::event::EventKind;
use crate::id::TripId;
use crate::state::TripState;

/// The error of an event that is illegal in the trip's state, with the events that are legal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IllegalEvent {
    /// The trip that rejects the event.
    pub trip: TripId,
    /// The state of the trip.
    pub state: TripState,
    /// The name of the rejected event.
    pub event: &'static str,
    /// The names of the events that are legal in this state.
    pub legal: Vec<&'static str>,
    /// The rule that the event violates.
    pub why: IllegalReason,
}

/// The rule that an illegal event violates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IllegalReason {
    /// The event is illegal in the trip's state.
    NotLegal,
    /// The event comes from a driver who does not have the trip.
    OtherDriver,
    /// The event offers the trip to a driver who declined an offer of it before.
    DeclinedBefore,
    /// The event is a takeover offer, but another one is open or the driver already has the trip.
    TakeoverOfferOpen,
    /// The event needs an open takeover offer to its driver, but there is none.
    NoTakeoverOffer,
}

impl IllegalEvent {
    pub(super) fn new(trip: &TripId, state: TripState, event: EventKind, why: IllegalReason) -> Self {
        let legal = state.legal_events().map(EventKind::name).collect();
        Self { trip: trip.clone(), state, event: event.name(), legal, why }
    }
}

impl fmt::Display for IllegalEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trip, state, event, legal, why } = self;
        write!(f, "trip {trip} is {state}: ")?;
        match why {
            IllegalReason::OtherDriver => write!(f, "{event} is for its own driver, and that is another"),
            IllegalReason::DeclinedBefore => write!(f, "{event} is not for a driver who declined it before"),
            IllegalReason::TakeoverOfferOpen => {
                write!(f, "{event} is for one driver at a time, and not for the one who has it")
            }
            IllegalReason::NoTakeoverOffer => write!(f, "{event} is for the driver who has a takeover offer"),
            IllegalReason::NotLegal if legal.is_empty() => write!(f, "{event} is not possible, it has ended"),
            IllegalReason::NotLegal => {
                write!(f, "{event} is not possible, legal are {}", legal.join(", "))
            }
        }
    }
}

impl std::error::Error for IllegalEvent {}
