//! The records of a journal. A record holds the decisions of one moment and is durable as a whole or not at all.

use std::fmt;
use std::ops::{Add, Sub};

use kerb_types::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::TripEvent;
use crate::id::TripId;

/// The number of records in a market's journal, which is also the number of the newest one. 0 means that there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(u64);

impl Version {
    /// The version of an empty journal.
    pub const EMPTY: Self = Self(0);
    /// After every version of a journal.
    pub const MAX: Self = Self(u64::MAX);

    /// The version with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// The version after `records` more records.
impl Add<u64> for Version {
    type Output = Self;

    fn add(self, records: u64) -> Self {
        Self(self.0.saturating_add(records))
    }
}

/// The number of records after the earlier version.
impl Sub for Version {
    type Output = u64;

    fn sub(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

/// The decisions of one moment. The journal chooses a format that names the fields, so that records stay readable for
/// years: a new field has a default, and no field changes its meaning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The time of the decisions by the matcher's clock, in milliseconds since the Unix epoch.
    pub at_ms: Timestamp,
    /// The matcher that wrote the record: its name and, once it leads the market, the version at which it began to lead.
    pub matcher: String,
    /// The decisions, in order.
    pub changes: Vec<Change>,
}

/// One decision of a matcher.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// An event of a trip.
    Trip {
        /// The id of the trip.
        trip: TripId,
        /// The event that the trip applies.
        event: TripEvent,
    },
    /// The operator paused or resumed the market. A paused market accepts no requests and makes no offers.
    MarketPaused {
        /// Whether the market is paused from now on.
        paused: bool,
    },
}
