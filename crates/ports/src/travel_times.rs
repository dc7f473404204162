//! The port to travel times: sparse tables, single routes, and the reach within a time.

use std::sync::Arc;

use kerb_geometry::LatLng;
use kerb_types::TravelSource;

/// Matcher and aggregator → travel times. The caller's thread computes them, so a call with many legs belongs on a thread
/// for blocking work. The times may be replaced between two calls, but one call uses one set of times. All calls to a
/// [`TravelTimes::pinned`] value use the same set. A call cannot fail: a leg off the map falls back to a straight line. A
/// leg with both ends on the map and no way between them is [unreachable](Eta::is_reachable), however short it is.
pub trait TravelTimes: Send + Sync {
    /// Returns the present set of times, for several queries that must be consistent. A caller must not keep it, because it
    /// becomes outdated.
    fn pinned(self: Arc<Self>) -> Arc<dyn TravelTimes>;

    /// Returns the travel time of each leg, in the order of the query.
    fn table(&self, query: &TravelTimeQuery) -> TravelTimeTable;

    /// Returns the same as [`TravelTimes::table`] for origins that head in known directions: degrees clockwise from north,
    /// one for each origin, `None` where it is not known. A heading decides on which side of a divided road an origin is.
    /// The default implementation ignores the headings.
    fn table_toward(&self, query: &TravelTimeQuery, headings_deg: &[Option<f64>]) -> TravelTimeTable {
        let _ = headings_deg;
        self.table(query)
    }

    /// Returns travel time and length of the route between two positions. The time equals that of the leg between them.
    fn drive(&self, from: LatLng, to: LatLng) -> Drive;

    /// Returns an upper bound in meters: every leg to `to` that starts farther away than this takes at least `within_s`
    /// seconds. The bound does not shrink as `within_s` grows.
    fn reach_m(&self, to: LatLng, within_s: u32) -> f64;
}

/// A pair of origin and destination, as indices into the two lists of a [`TravelTimeQuery`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// The index into the origins.
    pub origin: u32,
    /// The index into the destinations.
    pub destination: u32,
}

/// A query for a sparse table of travel times: it lists the wanted legs instead of every pair.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TravelTimeQuery {
    /// The positions where legs begin.
    pub origins: Vec<LatLng>,
    /// The positions where legs end.
    pub destinations: Vec<LatLng>,
    /// The wanted pairs.
    pub legs: Vec<Leg>,
}

/// The travel times of a query's legs, in the same order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TravelTimeTable {
    /// The travel times in whole seconds, rounded up.
    pub seconds: Vec<u32>,
    /// The source of each travel time.
    pub sources: Vec<TravelSource>,
}

impl TravelTimeTable {
    /// Returns the travel times with their sources, leg by leg.
    pub fn etas(&self) -> impl Iterator<Item = Eta> {
        self.seconds
            .iter()
            .zip(&self.sources)
            .map(|(time_s, source)| Eta { time_s: *time_s, source: *source })
    }
}

/// The travel time in seconds of a leg that no way connects: 34 years. Sums of a few of them fit 32 bits.
pub const UNREACHABLE_S: u32 = 1 << 30;

/// A travel time and its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Eta {
    /// The travel time in whole seconds, rounded up.
    pub time_s: u32,
    /// The source of the travel time.
    pub source: TravelSource,
}

impl Eta {
    /// The travel time of a leg whose ends are on the map without a way between them.
    pub const UNREACHABLE: Eta = Eta { time_s: UNREACHABLE_S, source: TravelSource::Roads };

    /// Returns whether there is a way.
    pub fn is_reachable(self) -> bool {
        self.time_s < UNREACHABLE_S
    }
}

/// The travel time and the length of a route.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drive {
    /// The travel time of the route.
    pub eta: Eta,
    /// The length of the route in meters.
    pub length_m: f64,
}
