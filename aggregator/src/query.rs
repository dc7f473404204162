//! A validated query and its results.

use kerb_ports::{DriverFilter, Eta, Neighbor, Search};
use kerb_types::{Capabilities, Millis, Timestamp};

use crate::merge::Coverage;

/// A search of a caller. It limits the age of a position, not its time: the age counts from the moment of the search.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The shape, the limit and the cursor.
    pub search: Search,
    /// As [`DriverFilter::statuses`].
    pub statuses: u8,
    /// As [`DriverFilter::vehicle_classes`].
    pub vehicle_classes: u64,
    /// As [`DriverFilter::capabilities`].
    pub capabilities: Capabilities,
    /// Positions are at most this old, milliseconds.
    pub age_max_ms: u32,
}

impl Query {
    /// A query for any driver whose position is at most `age_max_ms` old.
    pub fn any(search: Search, age_max_ms: u32) -> Self {
        Self { search, statuses: 0, vehicle_classes: 0, capabilities: Capabilities(0), age_max_ms }
    }

    /// Returns the filter of this query for a search at `now`.
    pub fn filter(&self, now: Timestamp) -> DriverFilter {
        DriverFilter {
            statuses: self.statuses,
            vehicle_classes: self.vehicle_classes,
            capabilities: self.capabilities,
            time_min_ms: now - Millis::from(self.age_max_ms),
        }
    }
}

/// The result of a search.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchResult {
    /// The drivers in the search's order, each once, at most the search's limit.
    pub neighbors: Vec<Neighbor>,
    /// The shards that the result covers.
    pub coverage: Coverage,
}

/// The result of a search by travel time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EtaRanking {
    /// The drivers by travel time, each once, at most k.
    pub neighbors: Vec<Neighbor>,
    /// The travel time of each driver to the point.
    pub etas: Vec<Eta>,
    /// The shards that the result covers.
    pub coverage: Coverage,
    /// Whether no other driver of the covered shards can arrive before these.
    pub exact: bool,
}
