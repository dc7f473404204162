//! The violations that an audit can find.

use std::fmt;

use crate::event::EventKind;
use crate::id::{MarketId, TripId};
use crate::illegal::IllegalEvent;
use crate::record::Version;
use crate::state::TripState;
use kerb_types::{DriverId, Millis};

/// A violation of a rule in a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The market whose journal has the violation.
    pub market: MarketId,
    /// The version of the record.
    pub version: Version,
    /// The trip; `None` for a violation of the journal itself.
    pub trip: Option<TripId>,
    /// The rule that is violated.
    pub kind: ViolationKind,
}

/// The rule that a record violates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ViolationKind {
    /// Records are missing or repeated.
    #[error("version {expected} should come here")]
    VersionGap {
        /// The version that comes next in a correct journal.
        expected: Version,
    },
    /// A market's record contains the trip of another market.
    #[error("the trip is another market's")]
    ForeignTrip,
    /// A market has used a trip's number twice.
    #[error("the trip was requested before")]
    RequestedTwice,
    /// One request has two live trips at the same time.
    #[error("the same request lives as trip {other}, too")]
    OneRequestTwoTrips {
        /// The older trip of the request.
        other: TripId,
    },
    /// An event of a trip without a request.
    #[error("{event} without a request")]
    NeverRequested {
        /// The kind of the illegal event.
        event: EventKind,
    },
    /// An event after the end of its trip.
    #[error("{event} after it was {state}")]
    AfterTheEnd {
        /// The kind of the illegal event.
        event: EventKind,
        /// The final state of the trip.
        state: TripState,
    },
    /// An event that the trip's state does not allow.
    #[error("{0}")]
    Illegal(IllegalEvent),
    /// One trip has two drivers.
    #[error("the trip is driver {has}'s, and {event} makes it driver {other}'s")]
    OneTripTwoDrivers {
        /// The kind of the illegal event.
        event: EventKind,
        /// The trip's driver.
        has: DriverId,
        /// The driver that the event names.
        other: DriverId,
    },
    /// One driver is reserved for two trips.
    #[error("driver {driver} is also reserved for trip {other}")]
    OneDriverTwoTrips {
        /// The reserved driver.
        driver: DriverId,
        /// The trip of the older reservation.
        other: TripId,
    },
    /// One driver has reservations in two markets at one time, by the clocks of their matchers.
    #[error("driver {driver} was also reserved for trip {other}, {}", overlap_text(*overlap_ms))]
    OneDriverTwoMarkets {
        /// The reserved driver.
        driver: DriverId,
        /// The trip of the earlier reservation.
        other: TripId,
        /// The length of the overlap in milliseconds; [`Millis::MAX`] while neither reservation has ended.
        overlap_ms: Millis,
    },
    /// A receipt charges a different rider, or pays a different driver, than the trip has.
    #[error("the receipt names another rider or driver")]
    WrongReceipt,
}

/// Describes an overlap; [`Millis::MAX`] means that neither reservation has ended.
fn overlap_text(overlap_ms: Millis) -> String {
    if overlap_ms == Millis::MAX {
        "and still is".to_owned()
    } else {
        format!("for the same {overlap_ms} ms")
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "market {}, version {}", self.market, self.version)?;
        if let Some(trip) = &self.trip {
            write!(f, ", trip {trip}")?;
        }
        write!(f, ": {}", self.kind)
    }
}
