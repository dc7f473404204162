//! The records of a journal. A record holds the decisions of one moment and is durable as a whole or not at all.

use kerb_types::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::TripEvent;
use crate::id::TripId;

/// The number of records in a market's journal, which is also the number of the newest one. 0 means that there is none.
pub type Version = u64;

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
