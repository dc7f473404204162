//! The port from the matcher to an aggregator: candidates around many points at once.

use kerb_geometry::LatLng;
use tokio::time::Instant;

use crate::Answer;
use crate::search::{DriverFilter, Neighbor};
use crate::travel_times::Eta;

/// Matcher → aggregator: candidates around many points at once.
pub trait NearbySearch: Send + Sync {
    /// Answers each query, in their order, at the deadline at the latest. What a shard did not answer in time is
    /// missing from the answer, and said by `complete`.
    fn nearest(&self, queries: Vec<NearbyQuery>, deadline: Instant) -> Answer<'_, NearbyResults>;

    /// As [`NearbySearch::nearest`], of those within the radius who need the least time to the point.
    ///
    /// `Error::DeadlineExceeded`: no travel time was known by then.
    fn nearest_by_eta(&self, query: NearbyQuery, deadline: Instant) -> Answer<'_, NearestByEta>;
}

/// A query for the drivers nearest to a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NearbyQuery {
    /// From where.
    pub point: LatLng,
    /// How many at most.
    pub k: u32,
    /// Within.
    pub radius_m: f64,
    /// Which.
    pub filter: DriverFilter,
}

/// The drivers nearest to one of the points that were asked about together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NearbyResult {
    /// Places in [`NearbyResults::neighbors`], by distance.
    pub places: Vec<u32>,
    /// Every shard that can hold an answer has answered.
    pub complete: bool,
}

/// Answers to queries that were asked together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NearbyResults {
    /// Whoever stands in an answer. A driver whom several searches met may stand here more than once, as each saw it;
    /// the distance is that to the point of one of them.
    pub neighbors: Vec<Neighbor>,
    /// One a query, in their order.
    pub answers: Vec<NearbyResult>,
}

impl NearbyResults {
    /// One more answer, of a search of its own.
    pub fn push(&mut self, neighbors: Vec<Neighbor>, complete: bool) {
        let first = self.neighbors.len() as u32;
        self.neighbors.extend(neighbors);
        self.answers.push(NearbyResult { places: (first..self.neighbors.len() as u32).collect(), complete });
    }

    /// The drivers of an answer, by distance.
    pub fn hits_of<'a>(&'a self, answer: &'a NearbyResult) -> impl Iterator<Item = &'a Neighbor> {
        answer.places.iter().map(|place| &self.neighbors[*place as usize])
    }
}

/// The drivers who are soonest at a point.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NearestByEta {
    /// By travel time, and by distance where that is the same.
    pub neighbors: Vec<Neighbor>,
    /// Of each of them, to the point.
    pub etas: Vec<Eta>,
    /// Every shard that can hold an answer has answered, and nobody who was not looked at can be sooner there.
    pub complete: bool,
}
