//! The state of one replication stream: its slots and its open snapshots.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use kerb_ports::{ReplicationError, Slot};
use kerb_types::ShardId;

use super::coverage::FillId;
use crate::store::indices::RecordIndex;
use crate::store::record::{SnapshotNumber, SourceIndex, VehicleKind};

/// Maximum number of slots of a stream. The slots are an array.
pub(crate) const SLOTS_MAX: u32 = 1 << 26;
/// Maximum number of open snapshots of a stream.
pub(crate) const OPEN_SNAPSHOTS_MAX: usize = 1_024;

/// An ingest node's replication stream. [`crate::Index::open`] makes it, and [`crate::Index::close`] takes it back.
pub struct SourceStream {
    pub(crate) source: SourceIndex,
    /// Counts the streams of this source; the stream with the highest number is in force.
    pub(crate) generation: u64,
    /// Records by slot; "none" for a slot that is not bound.
    slots: Vec<RecordIndex>,
    /// Vehicle kinds of drivers whose newest state was another source's when their slot was bound. A kind takes effect
    /// when this source sends the newest state.
    pub(crate) pending_kinds: HashMap<Slot, VehicleKind, foldhash::fast::RandomState>,
    /// Open snapshots by the number that the source gave them.
    open_snapshots: BTreeMap<u64, OpenSnapshot>,
    last_round: Option<u64>,
    /// Shards that the source began to send before this server held them.
    pub(crate) sent_too_early: Vec<ShardId>,
}

/// A snapshot that has begun and not ended.
pub(crate) struct OpenSnapshot {
    /// At its end, drivers that the source last reported under an older number are removed.
    pub(crate) number: SnapshotNumber,
    pub(crate) shards: Vec<(ShardId, FillId)>,
}

impl SourceStream {
    pub(crate) fn new(source: SourceIndex, generation: u64) -> Self {
        Self {
            source,
            generation,
            slots: Vec::new(),
            pending_kinds: HashMap::default(),
            open_snapshots: BTreeMap::new(),
            last_round: None,
            sent_too_early: Vec::new(),
        }
    }

    /// Returns the record of a slot; an error if the slot is not bound.
    #[inline]
    pub(crate) fn record(&self, slot: Slot) -> Result<RecordIndex, ReplicationError> {
        match self.slots.get(slot.index()) {
            Some(&record) if !record.is_none() => Ok(record),
            _ => Err(not_bound(slot)),
        }
    }

    /// Binds a slot to a record, and returns the record that it was bound to before.
    pub(crate) fn bind(
        &mut self,
        slot: Slot,
        record: RecordIndex,
    ) -> Result<Option<RecordIndex>, ReplicationError> {
        if slot >= Slot::new(SLOTS_MAX) {
            return Err(ReplicationError::Mismatch(format!("slot {slot}, must be below {SLOTS_MAX}")));
        }
        let needed = slot.index() + 1;
        if needed > self.slots.len() {
            // Grows by a quarter instead of doubling: the slack of a large array would cost more than it saves.
            if needed > self.slots.capacity() {
                let room = needed.max(self.slots.len() + self.slots.len() / 4 + 1_024);
                self.slots.reserve_exact(room - self.slots.len());
            }
            self.slots.resize(needed, RecordIndex::NONE);
        }
        let previous = std::mem::replace(&mut self.slots[slot.index()], record);
        Ok((!previous.is_none()).then_some(previous))
    }

    /// Begins the snapshot that the source calls `round`.
    pub(crate) fn begin_snapshot(
        &mut self,
        round: u64,
        snapshot: OpenSnapshot,
    ) -> Result<(), ReplicationError> {
        if self.last_round.is_some_and(|last| round <= last) {
            let last = self.last_round.unwrap_or_default();
            return Err(ReplicationError::Mismatch(format!("round {round} begins, must be above {last}")));
        }
        if self.open_snapshots.len() == OPEN_SNAPSHOTS_MAX {
            return Err(ReplicationError::Mismatch(format!(
                "more than {OPEN_SNAPSHOTS_MAX} rounds are open"
            )));
        }
        let mut shards: Vec<_> = snapshot.shards.iter().map(|(shard, _)| *shard).collect();
        let open = self.open_snapshots.values().flat_map(|snapshot| &snapshot.shards);
        shards.extend(open.map(|(shard, _)| *shard));
        shards.sort_unstable();
        if let Some([twice, _]) = shards.array_windows().find(|[a, b]| a == b) {
            return Err(ReplicationError::Mismatch(format!("shard {twice} is in two open rounds")));
        }
        self.last_round = Some(round);
        self.open_snapshots.insert(round, snapshot);
        Ok(())
    }

    /// Ends the snapshot that the source calls `round`.
    pub(crate) fn end_snapshot(&mut self, round: u64) -> Result<OpenSnapshot, ReplicationError> {
        let snapshot = self.open_snapshots.remove(&round);
        snapshot.ok_or_else(|| ReplicationError::Mismatch(format!("round {round} ends, but it is not open")))
    }

    /// Removes all slots and returns their records.
    pub(crate) fn take_slots(&mut self) -> Vec<RecordIndex> {
        std::mem::take(&mut self.slots)
    }

    /// Memory of the slots, in bytes.
    pub fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<RecordIndex>()
    }
}

#[cold]
fn not_bound(slot: Slot) -> ReplicationError {
    ReplicationError::Mismatch(format!("slot {slot} is not bound"))
}
