//! The port to travel times: sparse tables, single drives, and how far a driver can be.

use std::sync::Arc;

use kerb_geometry::LatLng;
use kerb_types::TravelSource;

/// Matcher and aggregator → travel times. Computed by the caller's thread: a call for many legs belongs on one for long
/// work. Times may be replaced between two calls; what one call answers is of one set of times, and so is all that a
/// [`TravelTimes::pinned`] value answers.
pub trait TravelTimes: Send + Sync {
    /// The times as they are now, for who asks several queries that belong together. Not to be kept: they grow old.
    fn pinned(self: Arc<Self>) -> Arc<dyn TravelTimes>;

    /// The time of each leg, in their order.
    fn table(&self, query: &TravelTimeQuery) -> TravelTimeTable;

    /// The way between two places. It takes as long as the leg between them.
    fn drive(&self, from: LatLng, to: LatLng) -> Drive;

    /// How far off, in a straight line, one can be and still come to `to` in less than `within_s` seconds; meters. No leg
    /// to there that begins farther away takes less than that. Not smaller for a longer time.
    fn reach_m(&self, to: LatLng, within_s: u32) -> f64;
}

/// A way from one place to another, by their places in the two lists of a [`TravelTimeQuery`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// In the origins.
    pub origin: u32,
    /// In the destinations.
    pub destination: u32,
}

/// A sparse table of travel times: those of the legs are wanted, not of every pair.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TravelTimeQuery {
    /// Where vehicles are.
    pub origins: Vec<LatLng>,
    /// Where they are to go.
    pub destinations: Vec<LatLng>,
    /// Which pairs.
    pub legs: Vec<Leg>,
}

/// Travel times, one a leg in the order of the query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TravelTimeTable {
    /// Whole seconds, rounded up.
    pub seconds: Vec<u32>,
    /// What each was computed from.
    pub sources: Vec<TravelSource>,
}

impl TravelTimeTable {
    /// The times with their sources, leg by leg.
    pub fn etas(&self) -> impl Iterator<Item = Eta> {
        self.seconds
            .iter()
            .zip(&self.sources)
            .map(|(time_s, source)| Eta { time_s: *time_s, source: *source })
    }
}

/// How long a way takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Eta {
    /// Whole seconds, rounded up.
    pub time_s: u32,
    /// What it was computed from.
    pub source: TravelSource,
}

/// A way with its length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drive {
    /// How long it takes.
    pub eta: Eta,
    /// How long it is, meters.
    pub length_m: f64,
}
