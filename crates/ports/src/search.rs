//! Queries to the shards of an index server, and their results.

use std::sync::Arc;

use kerb_geometry::{Area, Circle, LatLng, Polygon};

use kerb_types::{Capabilities, Timestamp, VehicleClass};
use kerb_types::{DriverId, NodeId, ShardId};
use kerb_types::{DriverProfile, IndexedStatus, Motion, UpdateVersion};

/// The drivers that a search considers. A mask of 0 accepts any value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DriverFilter {
    /// Bit i accepts number i of [`IndexedStatus`].
    pub statuses: u8,
    /// Bit i accepts vehicle class number i.
    pub vehicle_classes: u64,
    /// The capabilities that a driver must have.
    pub capabilities: Capabilities,
    /// The earliest accepted measurement of the position, in milliseconds since the Unix epoch.
    pub time_min_ms: Timestamp,
}

impl DriverFilter {
    /// Accepts any driver, whatever the age of the position.
    pub const ANY: Self =
        Self { statuses: 0, vehicle_classes: 0, capabilities: Capabilities(0), time_min_ms: Timestamp::MIN };

    /// Whether the filter accepts a driver.
    pub fn accepts(
        &self,
        status: IndexedStatus,
        class: VehicleClass,
        capabilities: Capabilities,
        time_ms: Timestamp,
    ) -> bool {
        (self.statuses == 0 || self.statuses >> status as u8 & 1 == 1)
            && (self.vehicle_classes == 0 || self.vehicle_classes >> class.0 & 1 == 1)
            && capabilities.contains_all(self.capabilities)
            && time_ms >= self.time_min_ms
    }
}

/// The end of the page before, in the order of the result.
#[derive(Clone, Debug, PartialEq)]
pub struct Cursor {
    /// The haversine of the page's last driver; 0 in a polygon search.
    pub hav: f64,
    /// The id of the page's last driver.
    pub id: DriverId,
}

/// The geometry, order and limit of a search.
#[derive(Clone, Debug, PartialEq)]
pub enum Search {
    /// The k nearest drivers within a circle, ordered by distance. The order of equal distances is not defined.
    Nearest {
        /// The center is the point of the search.
        circle: Circle,
        /// The maximum number of drivers.
        k: u32,
    },
    /// All drivers within a circle, ordered by distance, then by id.
    WithinRadius {
        /// The searched circle, ordered from its center.
        circle: Circle,
        /// The maximum number of drivers.
        limit: u32,
        /// The end of the page before; `None` for the first page.
        after: Option<Cursor>,
    },
    /// All drivers within a polygon, ordered by id.
    WithinPolygon {
        /// The searched polygon.
        polygon: Arc<Polygon>,
        /// The maximum number of drivers.
        limit: u32,
        /// The end of the page before; `None` for the first page.
        after: Option<Cursor>,
    },
}

impl Search {
    /// Returns the area that can contain drivers of the result.
    pub fn area(&self) -> Area {
        match self {
            Self::Nearest { circle, .. } | Self::WithinRadius { circle, .. } => Area::Circle(*circle),
            Self::WithinPolygon { polygon, .. } => Area::Polygon(Arc::clone(polygon)),
        }
    }

    /// Returns the maximum number of drivers in the result.
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
    /// The shards to search, each once.
    pub shards: Vec<ShardId>,
    /// Shards that the aggregator searches at other servers. The server also searches those of them that it holds, without
    /// reporting their coverage. So the search finds a driver who moves between two shards of this server before another
    /// server has received the move.
    pub extra_shards: Vec<ShardId>,
    /// The geometry, order and limit.
    pub search: Search,
    /// The drivers that the search considers.
    pub filter: DriverFilter,
}

/// The exact result of the covered shards of a query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShardResult {
    /// The drivers in the order of the search, each once. If there are as many as the limit, the shards may hold more.
    pub neighbors: Vec<Neighbor>,
    /// Shards of the query that the result does not include: the server does not hold them or has no snapshot of them yet.
    pub uncovered: Vec<ShardId>,
}

/// A driver in the result of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbor {
    /// Id, vehicle class and capabilities.
    pub profile: DriverProfile,
    /// The position on the lattice.
    pub position: LatLng,
    /// The haversine of the central angle to the search's point; 0 in a polygon search.
    pub hav: f64,
    /// The version of the update that reported the position.
    pub update_version: UpdateVersion,
    /// Heading and speed at the time of the update.
    pub motion: Motion,
    /// The newest status in the index.
    pub status: IndexedStatus,
}

/// The statistics of a shard of an index server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardStat {
    /// The shard's number.
    pub shard: ShardId,
    /// The number of drivers in the shard.
    pub drivers: u64,
    /// Memory of the shard's tree and its drivers' records in bytes.
    pub bytes: u64,
    /// Whether every live ingest node has finished its snapshot.
    pub covered: bool,
    /// The ingest nodes that have finished their snapshots.
    pub sources: Vec<NodeId>,
}

/// Returns the mask of a set of statuses: bit i is status number i.
pub fn status_mask(statuses: &[IndexedStatus]) -> u8 {
    statuses.iter().fold(0, |mask, s| mask | 1 << *s as u8)
}

/// Returns the point from which a search measures distances; `None` for a polygon search.
pub fn origin_of(search: &Search) -> Option<LatLng> {
    match search {
        Search::Nearest { circle, .. } | Search::WithinRadius { circle, .. } => Some(circle.center()),
        Search::WithinPolygon { .. } => None,
    }
}
