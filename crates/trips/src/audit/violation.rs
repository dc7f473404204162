//! What an audit can find wrong, and where.

use std::fmt;

use crate::event::EventKind;
use crate::id::{MarketId, TripId};
use crate::illegal::IllegalEvent;
use crate::record::Version;
use crate::state::TripState;
use kerb_types::DriverId;

/// Something wrong in a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// In whose journal.
    pub market: MarketId,
    /// In which record.
    pub version: Version,
    /// Of which trip, when it is one's.
    pub trip: Option<TripId>,
    /// What.
    pub wrong: Wrong,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// Records are missing, or stand twice.
    #[error("version {expected} should come here")]
    VersionGap {
        /// The version that should have come.
        expected: Version,
    },
    /// A market decided about another's trip.
    #[error("the trip is another market's")]
    ForeignTrip,
    /// A trip's number was given again.
    #[error("the trip was requested before")]
    RequestedTwice,
    /// One request became two trips that live at once.
    #[error("the same request lives as trip {other}, too")]
    OneRequestTwoTrips {
        /// The older one.
        other: TripId,
    },
    /// An event of a trip that nobody requested.
    #[error("{event} without a request")]
    NeverRequested {
        /// The event.
        event: EventKind,
    },
    /// An event after the trip's end.
    #[error("{event} after it was {state}")]
    AfterTheEnd {
        /// The event.
        event: EventKind,
        /// How it had ended.
        state: TripState,
    },
    /// An event that the trip's state does not allow.
    #[error("{0}")]
    Illegal(IllegalEvent),
    /// One trip was promised to two drivers.
    #[error("the trip is driver {has}'s, and {event} makes it driver {other}'s")]
    OneTripTwoDrivers {
        /// The event.
        event: EventKind,
        /// Whose it is.
        has: DriverId,
        /// Whose the event would make it.
        other: DriverId,
    },
    /// One driver was promised to two trips.
    #[error("driver {driver} is promised to trip {other}, too")]
    OneDriverTwoTrips {
        /// Who.
        driver: DriverId,
        /// The older promise.
        other: TripId,
    },
    /// One driver was promised in two markets at one time, by the clocks of their matchers.
    #[error("driver {driver} was promised to trip {other}, too, {}", for_how_long(*overlap_ms))]
    OneDriverTwoMarkets {
        /// Who.
        driver: DriverId,
        /// The earlier promise.
        other: TripId,
        /// For how long; [`i64::MAX`]: it goes on.
        overlap_ms: i64,
    },
    /// A receipt charges somebody else than the rider, or pays somebody else than the driver.
    #[error("the receipt names another rider or driver")]
    WrongReceipt,
}

/// [`i64::MAX`] where neither promise has ended.
fn for_how_long(overlap_ms: i64) -> String {
    if overlap_ms == i64::MAX { "and still is".to_owned() } else { format!("for the same {overlap_ms} ms") }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "market {}, version {}", self.market, self.version)?;
        if let Some(trip) = &self.trip {
            write!(f, ", trip {trip}")?;
        }
        write!(f, ": {}", self.wrong)
    }
}
