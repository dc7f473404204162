//! An event that a trip does not take.

use std::fmt;

use crate::event::EventKind;
use crate::id::TripId;
use crate::state::TripState;

/// Why a trip does not take an event, and what it would take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IllegalEvent {
    /// The trip.
    pub trip: TripId,
    /// Where it stands.
    pub state: TripState,
    /// The event that came.
    pub event: &'static str,
    /// The events that are possible from here.
    pub legal: Vec<&'static str>,
    /// What is wrong.
    pub why: IllegalReason,
}

/// What is wrong with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IllegalReason {
    /// The state does not allow it.
    NotLegal,
    /// It is a driver's event, and the trip is another driver's.
    NotYours,
    /// It is an offer to a driver who returned this trip before.
    ReturnedBefore,
    /// It asks a driver to take the trip over while another is asked, or the one who has it.
    AskedAlready,
    /// It is for the driver who is asked to take the trip over, and that is another or nobody.
    NotAsked,
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
            IllegalReason::NotYours => write!(f, "{event} is for its own driver, and that is another"),
            IllegalReason::ReturnedBefore => write!(f, "{event} is not for a driver who returned it before"),
            IllegalReason::AskedAlready => {
                write!(f, "{event} is for one driver at a time, and not for the one who has it")
            }
            IllegalReason::NotAsked => write!(f, "{event} is for the driver who is asked to take it over"),
            IllegalReason::NotLegal if legal.is_empty() => write!(f, "{event} is not possible, it has ended"),
            IllegalReason::NotLegal => {
                write!(f, "{event} is not possible, legal are {}", legal.join(", "))
            }
        }
    }
}

impl std::error::Error for IllegalEvent {}
