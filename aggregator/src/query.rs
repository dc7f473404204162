//! A validated question and its answer, in the fleet's words.

use kerb_ports::{DriverFilter, Eta, Neighbor, Search};
use kerb_types::Capabilities;

use crate::gather::Coverage;

/// What a caller wants to know. Says how old a position may be, not since when: the moment is that of the search.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Where, and how many.
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
    /// Of any driver whose position is at most `age_max_ms` old.
    pub fn any(search: Search, age_max_ms: u32) -> Self {
        Self { search, statuses: 0, vehicle_classes: 0, capabilities: Capabilities(0), age_max_ms }
    }

    /// The filter that this means at `now_ms`.
    pub fn filter(&self, now_ms: i64) -> DriverFilter {
        DriverFilter {
            statuses: self.statuses,
            vehicle_classes: self.vehicle_classes,
            capabilities: self.capabilities,
            time_min_ms: now_ms.saturating_sub(i64::from(self.age_max_ms)),
        }
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// In the search's order, each driver once, at most the search's limit.
    pub hits: Vec<Neighbor>,
    /// What the hits speak for.
    pub coverage: Coverage,
}

/// What was found by travel time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranked {
    /// By travel time, each driver once, at most as many as were asked for.
    pub hits: Vec<Neighbor>,
    /// The time of each hit's way to the point.
    pub etas: Vec<Eta>,
    /// What the hits speak for.
    pub coverage: Coverage,
    /// Nobody of the covered shards can be sooner who is not among the hits.
    pub exact: bool,
}
