//! The messages of a replication stream: a snapshot of the shards first, then changes, and requests in the other direction.
//!
//! A stream names drivers by slots: small numbers that the ingest node chooses and binds to a driver once.

use std::fmt;
use std::sync::Arc;

use kerb_geometry::LatLng;

use kerb_types::{DriverId, NodeId, ShardId};
use kerb_types::{DriverProfile, IndexedStatus, Motion, UpdateVersion};

/// The number of a driver on one replication stream. Slots are dense, because the index server indexes an array by them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Slot(u32);

impl Slot {
    /// The slot with this number.
    #[inline]
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// Returns the number.
    #[inline]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Returns the number as a position in an array.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

/// The first message of a replication stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRegistration {
    /// The ingest node that opens the stream.
    pub node: NodeId,
    /// The fingerprint of the settings that must be equal in all processes; see `kerb_types::Sharding::fingerprint`.
    pub settings_fingerprint: u64,
}

/// One message of a replication stream after the registration.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// Begins a snapshot of these shards. Its batches follow until [`Frame::SnapshotEnd`] of the same round. Round numbers
    /// grow, and a shard is in one open round at a time.
    SnapshotBegin {
        /// The number of the round.
        round: u64,
        /// The shards of the snapshot.
        shards: Vec<ShardId>,
    },
    /// The newest positions of a snapshot or of changes. Both are applied alike.
    Batch(Batch),
    /// Ends a snapshot. The index server removes the drivers of this source in the round's shards that the source has not
    /// sent since the begin of the round.
    SnapshotEnd {
        /// The number of the round.
        round: u64,
    },
}

/// Changes, which the index server applies in the order of the fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Bindings of slots, before the first update of a slot. A slot that is bound again names a different driver from then on.
    pub slot_bindings: Vec<SlotBinding>,
    /// The newest positions, at most one per slot. An update with the version that the server has from this source only
    /// replaces the status.
    pub updates: Vec<Update>,
    /// Drivers that left the server's shards or the index. The server ignores a removal if another source has the newer
    /// state.
    pub removals: Vec<Slot>,
    /// Drivers of other sources to remove, by their resume tokens.
    pub evictions: Vec<Eviction>,
}

impl Batch {
    /// Whether the batch contains no change.
    pub fn is_empty(&self) -> bool {
        self.slot_bindings.is_empty()
            && self.updates.is_empty()
            && self.removals.is_empty()
            && self.evictions.is_empty()
    }
}

/// The binding of a slot to a driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotBinding {
    /// The number that names the driver from now on.
    pub slot: Slot,
    /// Id, vehicle class and capabilities of the driver.
    pub profile: Arc<DriverProfile>,
}

/// A driver's newest position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    /// The slot of the driver.
    pub slot: Slot,
    /// The shard of `position`, which indexes the driver.
    pub shard: ShardId,
    /// The position on the lattice.
    pub position: LatLng,
    /// The version of the update; the newest one wins.
    pub update_version: UpdateVersion,
    /// Heading and speed at the time of the update.
    pub motion: Motion,
    /// The driver's status in the index. Between two reports it may change without a newer version.
    pub status: IndexedStatus,
}

/// The removal of a driver whose state is at most `update_version`. The index server also ignores such states later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Eviction {
    /// The id of the driver.
    pub id: DriverId,
    /// The version of the state in the resume token.
    pub update_version: UpdateVersion,
}

/// A request of an index server to an ingest node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// The ingest node must send a new snapshot of these shards.
    Resync(Vec<ShardId>),
}
