//! Queries to shards and their answers.

use std::sync::Arc;

use kerb_geometry::{Area, Circle, LatLng, Polygon};

use kerb_types::{Capabilities, VehicleClass};
use kerb_types::{DriverId, NodeId, ShardId};
use kerb_types::{DriverProfile, DriverStatus, Motion, UpdateVersion};

/// Which drivers are wanted. A mask of 0 wants any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DriverFilter {
    /// Bit i: status number i.
    pub statuses: u8,
    /// Bit i: class number i.
    pub vehicle_classes: u64,
    /// All of these.
    pub capabilities: Capabilities,
    /// Positions measured at this time or later, milliseconds since the Unix epoch.
    pub time_min_ms: i64,
}

impl DriverFilter {
    /// Any driver, of any age.
    pub const ANY: Self =
        Self { statuses: 0, vehicle_classes: 0, capabilities: Capabilities(0), time_min_ms: i64::MIN };

    /// Whether a driver passes.
    pub fn accepts(
        &self,
        status: DriverStatus,
        class: VehicleClass,
        capabilities: Capabilities,
        time_ms: i64,
    ) -> bool {
        (self.statuses == 0 || self.statuses >> status as u8 & 1 == 1)
            && (self.vehicle_classes == 0 || self.vehicle_classes >> class.0 & 1 == 1)
            && capabilities.contains_all(self.capabilities)
            && time_ms >= self.time_min_ms
    }
}

/// Where the page before ended, in the order of the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Cursor {
    /// Haversine of the last driver; 0 in a polygon search.
    pub hav: f64,
    /// The last driver.
    pub id: DriverId,
}

/// What is searched for.
#[derive(Clone, Debug, PartialEq)]
pub enum Search {
    /// The k nearest within a circle, by distance; equal distances in no particular order.
    Nearest {
        /// Its center is the point.
        circle: Circle,
        /// How many.
        k: u32,
    },
    /// All within a circle, by distance and then id.
    WithinRadius {
        /// Where.
        circle: Circle,
        /// The first so many.
        limit: u32,
        /// Only what comes after.
        after: Option<Cursor>,
    },
    /// All within a polygon, by id.
    WithinPolygon {
        /// Where.
        polygon: Arc<Polygon>,
        /// The first so many.
        limit: u32,
        /// Only what comes after.
        after: Option<Cursor>,
    },
}

impl Search {
    /// Where drivers can be.
    pub fn area(&self) -> Area {
        match self {
            Self::Nearest { circle, .. } | Self::WithinRadius { circle, .. } => Area::Circle(*circle),
            Self::WithinPolygon { polygon, .. } => Area::Polygon((**polygon).clone()),
        }
    }

    /// At most so many drivers are answered.
    pub fn limit(&self) -> u32 {
        match self {
            Self::Nearest { k, .. } => *k,
            Self::WithinRadius { limit, .. } | Self::WithinPolygon { limit, .. } => *limit,
        }
    }
}

/// A query to some shards of one index server.
#[derive(Clone, Debug, PartialEq)]
pub struct ShardQuery {
    /// Which shards; each once.
    pub shards: Vec<ShardId>,
    /// Shards that others are asked for: neighbors in those that this server holds are registered, nothing is promised of
    /// them. So a driver who moves between two shards of this server, while the other server asked has not heard
    /// of it, is met in one of them.
    pub extra_shards: Vec<ShardId>,
    /// What.
    pub search: Search,
    /// Of which drivers.
    pub filter: DriverFilter,
}

/// An exact answer for the covered ones of the asked shards.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShardResult {
    /// In the search's order, each driver once. As many as the search's limit: there may be more.
    pub neighbors: Vec<Neighbor>,
    /// Asked shards for which this server cannot speak: not held, or not yet filled.
    pub uncovered: Vec<ShardId>,
}

/// A found driver.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbor {
    /// Who.
    pub profile: DriverProfile,
    /// Where.
    pub position: LatLng,
    /// Haversine of the central angle to the search's point; 0 in a polygon search.
    pub hav: f64,
    /// When.
    pub update_version: UpdateVersion,
    /// How it moves.
    pub motion: Motion,
    /// What it does.
    pub status: DriverStatus,
}

/// What a shard of an index server holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardStat {
    /// Which shard.
    pub shard: ShardId,
    /// Drivers in it.
    pub drivers: u64,
    /// Memory of its tree and its drivers' records.
    pub bytes: u64,
    /// Every live ingest node has finished its part.
    pub covered: bool,
    /// Ingest nodes that have finished their part.
    pub sources: Vec<NodeId>,
}

/// Sum of a mask's bits for statuses: bit i is status number i.
pub fn status_mask(statuses: &[DriverStatus]) -> u8 {
    statuses.iter().fold(0, |mask, s| mask | 1 << *s as u8)
}

/// The point from which distances are measured; `None` in a polygon search.
pub fn origin_of(search: &Search) -> Option<LatLng> {
    match search {
        Search::Nearest { circle, .. } | Search::WithinRadius { circle, .. } => Some(circle.center()),
        Search::WithinPolygon { .. } => None,
    }
}
