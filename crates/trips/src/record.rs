//! What a matcher writes to the journal: all that it decided at one moment, which holds as a whole or not at all.

use serde::{Deserialize, Serialize};

use crate::event::TripEvent;
use crate::id::TripId;

/// How many records a market's journal has; the number of the newest. 0: none yet.
pub type Version = u64;

/// The decisions of one moment. Written in a format that names its fields (which one is the journal's choice), so that
/// a record can be read for years: a field that is added has a default, and none changes its meaning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// When, milliseconds since the Unix epoch by the matcher's clock.
    pub at_ms: i64,
    /// The matcher that wrote it: its name and, once it has taken the market over, the version at which it did.
    pub matcher: String,
    /// What changes, in order.
    pub changes: Vec<Change>,
}

/// One decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// Something happened to a trip.
    Trip {
        /// Which.
        trip: TripId,
        /// What.
        event: TripEvent,
    },
    /// The operator stopped or resumed the market: a paused one takes no requests and makes no offers.
    MarketPaused {
        /// Stopped.
        paused: bool,
    },
}
