//! Sharding: the virtual shard of a driver, and the shards that a search covers.

use kerb_geometry::{Area, LatLng, Tile, cover};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::catalog::Catalog;
use crate::field_error::FieldError;
use crate::id::{DriverId, ShardId};
use crate::limits::{SHARDS_DEFAULT, SHARDS_MAX};

/// The key by which drivers are spread over shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Partitioning {
    /// By the tile of about 5 km that the driver is in: a search of 2 km covers 1 to 4 shards.
    #[default]
    Tile,
    /// By the driver's id: even load, but every search covers every shard.
    Id,
}

/// The division of space, or of the fleet, into virtual shards. It is equal in all processes of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sharding {
    shards: u16,
    partitioning: Partitioning,
}

impl Default for Sharding {
    fn default() -> Self {
        Self { shards: SHARDS_DEFAULT, partitioning: Partitioning::default() }
    }
}

impl Sharding {
    /// Validates the number of shards: 1 to 16,384.
    pub fn new(shards: u16, partitioning: Partitioning) -> Result<Self, FieldError> {
        if shards == 0 || shards > SHARDS_MAX {
            return Err(FieldError::new("shards", format!("{shards}, must be 1 to {SHARDS_MAX}")));
        }
        Ok(Self { shards, partitioning })
    }

    /// Returns the number of virtual shards.
    pub fn shards(self) -> u16 {
        self.shards
    }

    /// Returns the key by which drivers are spread.
    pub fn partitioning(self) -> Partitioning {
        self.partitioning
    }

    /// Returns every shard.
    pub fn all(self) -> impl Iterator<Item = ShardId> {
        (0..self.shards).map(ShardId)
    }

    /// Returns the shard of a driver at `position`.
    pub fn shard_of(self, id: &DriverId, position: LatLng) -> ShardId {
        match self.partitioning {
            Partitioning::Tile => self.shard_of_tile(Tile::of(position)),
            Partitioning::Id => self.reduce(xxh3_64(id.as_str().as_bytes())),
        }
    }

    /// Returns the shard of a tile.
    pub fn shard_of_tile(self, tile: Tile) -> ShardId {
        self.reduce(xxh3_64(&tile.as_u32().to_le_bytes()))
    }

    /// Returns every shard that may hold a driver inside `area`, in order, each once.
    pub fn shards_for(self, area: &Area) -> Vec<ShardId> {
        // More tiles than shards cover nearly all shards anyway, so `cover` may give up and the search covers all.
        let tiles = match self.partitioning {
            Partitioning::Tile => cover(area, usize::from(self.shards)),
            Partitioning::Id => None,
        };
        let Some(tiles) = tiles else { return self.all().collect() };
        let mut shards: Vec<_> = tiles.into_iter().map(|tile| self.shard_of_tile(tile)).collect();
        shards.sort_unstable();
        shards.dedup();
        shards
    }

    /// Returns a number that differs if the settings that all processes must share differ.
    pub fn fingerprint(self, catalog: &Catalog) -> u64 {
        let text = format!(
            "{}|{:?}|{:?}|{:?}",
            self.shards,
            self.partitioning,
            catalog.vehicle_classes(),
            catalog.all_capabilities()
        );
        xxh3_64(text.as_bytes())
    }

    /// Maps a hash to a shard without division: the high half of the product (Lemire, "Fast random integer
    /// generation in an interval", 2019).
    fn reduce(self, hash: u64) -> ShardId {
        // The product is below `shards << 64`, so its high half is below `shards` and fits 16 bits.
        ShardId(((u128::from(hash) * u128::from(self.shards)) >> 64) as u16)
    }
}

/// Returns the weight of a node for a shard, for rendezvous hashing.
pub(crate) fn weight(shard: ShardId, node: &str) -> u64 {
    xxh3_64_with_seed(node.as_bytes(), u64::from(shard.0))
}
