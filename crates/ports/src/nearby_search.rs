//! The port from the matcher to an aggregator: the nearest drivers of many points in one call.

use kerb_geometry::LatLng;
use tokio::time::Instant;

use crate::PortFuture;
use crate::search::{DriverFilter, Neighbor};
use crate::travel_times::Eta;

crate::port_error! {
    /// Why a [`NearbySearch`] failed.
    pub enum NearbySearchError {
        /// The circle of a query is invalid.
        Invalid,
        /// No travel time was known before the deadline.
        DeadlineExceeded,
        /// The search failed by a defect.
        Internal,
    }
}

/// Matcher → aggregator: the nearest drivers of many points in one call.
pub trait NearbySearch: Send + Sync {
    /// Returns one result per query, in the same order, by the deadline. `complete` is false for a result that lacks a
    /// shard.
    fn nearest(
        &self,
        queries: Vec<NearbyQuery>,
        deadline: Instant,
    ) -> PortFuture<'_, NearbyResults, NearbySearchError>;

    /// Returns the drivers within the radius with the smallest travel times to the point. It fails with a deadline error if
    /// no travel time was known in time.
    fn nearest_by_eta(
        &self,
        query: NearbyQuery,
        deadline: Instant,
    ) -> PortFuture<'_, NearestByEta, NearbySearchError>;
}

/// A query for the drivers nearest to a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NearbyQuery {
    /// The center of the search.
    pub point: LatLng,
    /// The maximum number of drivers.
    pub k: u32,
    /// The radius of the search in meters.
    pub radius_m: f64,
    /// The drivers that the search considers.
    pub filter: DriverFilter,
}

/// The result of one query of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NearbyResult {
    /// Indices into [`NearbyResults::neighbors`], ordered by distance.
    pub indices: Vec<u32>,
    /// Whether every shard that may hold a nearest driver has answered.
    pub complete: bool,
}

/// The results of a batch of queries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NearbyResults {
    /// The drivers of all results. A driver that several searches found may be listed more than once. The distance of an
    /// entry is to the point of one of the queries that share it.
    pub neighbors: Vec<Neighbor>,
    /// One result per query, in the same order.
    pub results: Vec<NearbyResult>,
}

impl NearbyResults {
    /// Appends the result of a search that shares no neighbors with the others.
    pub fn push(&mut self, neighbors: Vec<Neighbor>, complete: bool) {
        let first = self.neighbors.len() as u32;
        self.neighbors.extend(neighbors);
        self.results.push(NearbyResult { indices: (first..self.neighbors.len() as u32).collect(), complete });
    }

    /// Returns the drivers of one result, ordered by distance.
    pub fn neighbors_of<'a>(&'a self, result: &'a NearbyResult) -> impl Iterator<Item = &'a Neighbor> {
        result.indices.iter().map(|index| &self.neighbors[*index as usize])
    }
}

/// The drivers with the smallest travel times to a point.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NearestByEta {
    /// The drivers, ordered by travel time, then by distance.
    pub neighbors: Vec<Neighbor>,
    /// The travel time of each driver to the point, in the order of `neighbors`.
    pub etas: Vec<Eta>,
    /// Whether every shard has answered and no other driver can have a smaller travel time.
    pub complete: bool,
}
