//! What an ingest node tells an index server: the full part first, then changes, and what comes back.
//!
//! A session names drivers by slots: small numbers of the source's own, introduced once.

use std::sync::Arc;

use kerb_geometry::LatLng;

use kerb_types::{DriverId, NodeId, ShardId};
use kerb_types::{DriverProfile, DriverStatus, Motion, UpdateVersion};

/// A source's number of a driver, good for one session. Dense: the index server keeps an array by it.
pub type Slot = u32;

/// Who opens a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRegistration {
    /// The ingest node.
    pub node: NodeId,
    /// Of the settings that must be equal, see `crate::Sharding::fingerprint`.
    pub settings_fingerprint: u64,
}

/// One step of a session.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// The full part of these shards follows, in batches, until [`Frame::SnapshotEnd`] of the same round. Rounds
    /// grow; a shard stands in one open round at a time.
    SnapshotBegin {
        /// Number of the round.
        round: u64,
        /// Its shards.
        shards: Vec<ShardId>,
    },
    /// Newest positions, of a full part or of changes: they are applied alike.
    Batch(Batch),
    /// The round is complete: what this source owned in its shards before it, and has not sent since its
    /// begin, is removed.
    SnapshotEnd {
        /// Number of the round.
        round: u64,
    },
}

/// Changes, applied in the order of the fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// New slots, before their first update. A slot that is introduced again names another driver from then on.
    pub slot_bindings: Vec<SlotBinding>,
    /// Newest positions; at most one a slot.
    pub updates: Vec<Update>,
    /// Drivers that left this server's shards, or the index. Ignored where another source has the newer state.
    pub removals: Vec<Slot>,
    /// Drivers of other sources that a resume token says are here.
    pub evictions: Vec<Eviction>,
}

impl Batch {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.slot_bindings.is_empty()
            && self.updates.is_empty()
            && self.removals.is_empty()
            && self.evictions.is_empty()
    }
}

/// A slot gets its driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotBinding {
    /// The source's number.
    pub slot: Slot,
    /// The driver.
    pub profile: Arc<DriverProfile>,
}

/// A driver's newest position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    /// Which driver.
    pub slot: Slot,
    /// Where it is indexed: the shard of `position`.
    pub shard: ShardId,
    /// Where it is.
    pub position: LatLng,
    /// Newer wins.
    pub update_version: UpdateVersion,
    /// How it moves.
    pub motion: Motion,
    /// What it does; never offline.
    pub status: DriverStatus,
}

/// Remove this driver, and refuse it from now on, unless its state is newer than `stamp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Eviction {
    /// Which driver.
    pub id: DriverId,
    /// The state that the resume token speaks of.
    pub update_version: UpdateVersion,
}

/// What an index server tells a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// Send the full part of these shards again.
    Resync(Vec<ShardId>),
}
