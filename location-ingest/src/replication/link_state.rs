//! What one index server holds, and what it must still get. Pure: [`LinkTask`](super::link_task::LinkTask) does the I/O.
//!
//! Nothing here grows with time. A pending change is one bit for its driver, and the driver's state is read when its row is
//! built, so a slow server gets fewer, merged batches. The queue of evictions is bounded.

use std::collections::BTreeSet;
use std::sync::Arc;

use kerb_ports::{Batch, Eviction, Frame, Slot, SlotBinding, Update};
use kerb_types::{ShardId, Timestamp};

use super::departures::Departures;
use super::eviction_queue::EvictionQueue;
use super::handover::Tick;
use crate::table::DriverTable;
use crate::table::bitset::BitSet;
use crate::table::entry::DriverState;

/// Maximum rows of a batch: about 100 KiB on the wire, and 200 µs to build.
pub const LINK_BATCH_ROWS_MAX: usize = 4_096;
/// Pending slots come in words of 64. With this many requested, the slots that come are never more than a batch has rows.
const TAKEN_SLOTS_TARGET: usize = LINK_BATCH_ROWS_MAX - 63;
/// Maximum evictions of a batch.
const BATCH_EVICTIONS_MAX: usize = 1_024;

/// The time limits of a frame: the index only gets drivers that have reported since `expired_before_ms`.
#[derive(Clone, Copy, Debug)]
pub struct Horizon {
    /// The present, in milliseconds since the Unix epoch.
    pub now: Timestamp,
    /// A position measured at this time or before has expired.
    pub expired_before_ms: Timestamp,
}

impl Horizon {
    /// Whether a driver in this state belongs in the index, in whichever shard.
    fn admits(&self, state: &DriverState) -> bool {
        let time = state.update_version.time;
        state.indexed && time > self.expired_before_ms && !time.is_ahead_of(self.now)
    }
}

/// A snapshot that is being sent.
#[derive(Debug)]
struct SnapshotProgress {
    round: u64,
    /// The drivers of its shards when it began.
    slots: Vec<Slot>,
    /// Index of the next slot to be sent.
    next: usize,
}

/// The state of one index server, as this node sees it.
#[derive(Debug, Default)]
pub struct LinkState {
    /// The shards that the server holds.
    shards: BTreeSet<ShardId>,
    /// The same, one flag for each shard, for the row builder.
    shard_flags: Vec<bool>,
    /// A replication stream is open. Without one there is nothing to mark, because a stream begins with a snapshot.
    open: bool,
    /// Slots whose state the server must get, if it differs from what the server holds.
    pending: BitSet,
    /// Where the next look into `pending` begins.
    cursor: usize,
    /// Slots under which the server holds a driver.
    on_server: BitSet,
    /// Slots whose binding, with the driver's current profile, the server has got.
    bound: BitSet,
    /// Shards whose snapshot is due.
    snapshot_due: BTreeSet<ShardId>,
    snapshot: Option<SnapshotProgress>,
    /// Snapshot and changes take turns: whether the last frame was the snapshot's.
    snapshot_turn: bool,
    /// Number of the last snapshot of this stream.
    last_round: u64,
    /// The stream's first snapshot is complete, so searches rely on the server.
    snapshot_complete: bool,
    /// The newest tick that has marked changes.
    tick: Tick,
    /// The newest tick whose departures and evictions may be sent.
    released: Tick,
    /// The newest tick whose changes the server's searches show.
    confirmed: Tick,
    departures: Departures,
    evictions: EvictionQueue,
}

impl LinkState {
    /// Creates the state of a server that holds `shards` and has no replication stream.
    pub fn new(shards: impl IntoIterator<Item = ShardId>) -> Self {
        let mut link = Self::default();
        link.replace_shards(shards.into_iter().collect());
        link
    }

    /// Adds evictions that other servers have got recently.
    #[must_use]
    pub(crate) fn with_evictions(mut self, evictions: &[Eviction]) -> Self {
        self.evictions.extend(evictions);
        self
    }

    /// Returns the evictions that the server has got recently or will get.
    pub(crate) fn recent_evictions(&self) -> Vec<Eviction> {
        self.evictions.recent()
    }

    /// Begins a replication stream: the server gets a snapshot of all its shards.
    pub fn open(&mut self) {
        self.close();
        self.evictions.requeue_sent();
        self.open = true;
        self.snapshot_due.clone_from(&self.shards);
    }

    /// Ends the replication stream.
    pub fn close(&mut self) {
        self.open = false;
        self.pending.clear();
        self.on_server.clear();
        self.bound.clear();
        self.departures.clear();
        self.snapshot_due.clear();
        self.snapshot = None;
        self.last_round = 0;
        self.snapshot_complete = false;
        self.confirmed = 0;
    }

    /// Whether a replication stream is open.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Replaces the server's shards. Gained shards get a snapshot; drivers of lost shards are removed.
    pub fn set_shards(&mut self, table: &DriverTable, shards: BTreeSet<ShardId>) {
        let lost: Vec<_> = self.shards.difference(&shards).copied().collect();
        let gained: Vec<_> = shards.difference(&self.shards).copied().collect();
        self.replace_shards(shards);
        if self.open {
            for slot in table.slots_in(lost.iter().copied()) {
                self.mark(slot);
            }
            self.snapshot_due.retain(|shard| !lost.contains(shard));
            self.snapshot_due.extend(gained);
        }
    }

    fn replace_shards(&mut self, shards: BTreeSet<ShardId>) {
        self.shard_flags = vec![false; shards.last().map_or(0, |last| usize::from(last.0) + 1)];
        for shard in &shards {
            self.shard_flags[usize::from(shard.0)] = true;
        }
        self.shards = shards;
    }

    /// Schedules a snapshot of these shards, at the server's request.
    pub fn resync(&mut self, shards: &[ShardId]) {
        self.snapshot_due.extend(shards.iter().filter(|shard| self.shards.contains(*shard)));
    }

    /// Ends a tick that has marked its changes. Departures and evictions up to `released` may be sent.
    pub(crate) fn end_tick(&mut self, tick: Tick, released: Tick) {
        self.tick = tick;
        self.released = released;
    }

    /// Returns the newest tick whose changes the server's searches show; `None` for a server that searches do not rely on
    /// yet.
    pub(crate) fn confirmed_tick(&self) -> Option<Tick> {
        (self.open && self.snapshot_complete).then_some(self.confirmed)
    }

    /// Returns the tick that a flush confirms; `None` when it is confirmed already. Call it right after
    /// [`LinkState::next_frame`] returned nothing: only then have all frames of the tick been sent.
    pub fn unconfirmed_tick(&self) -> Option<Tick> {
        (self.open && self.confirmed < self.tick).then_some(self.tick)
    }

    /// Records that the server has applied all frames up to this tick's.
    pub fn confirm(&mut self, tick: Tick) {
        self.confirmed = tick;
    }

    /// Marks up to 64 changed drivers, as far as the server holds them.
    #[inline]
    pub(crate) fn mark_on_server(&mut self, word: usize, bits: u64) {
        self.pending.insert_word(word, bits & self.on_server.word(word));
    }

    /// Marks a changed driver of this server's shards.
    #[inline]
    pub fn mark(&mut self, slot: Slot) {
        if self.open {
            self.pending.insert(slot);
        }
    }

    /// Marks a changed profile: the driver's next update brings a new slot binding.
    pub(crate) fn mark_profile(&mut self, slot: Slot) {
        self.bound.remove(slot);
    }

    /// Whether a frame may still use this slot for its present driver.
    pub(crate) fn uses_slot(&self, slot: Slot) -> bool {
        self.on_server.contains(slot) || self.pending.contains(slot)
    }

    /// Returns the number of changes that wait to be sent.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Queues an eviction until this tick is released. Returns whether the oldest one was dropped for it.
    pub fn evict(&mut self, eviction: Eviction, tick: Tick) -> bool {
        self.evictions.push(eviction, tick)
    }

    /// Returns the next frame of the stream; `None` when the server has got everything.
    ///
    /// Snapshot and changes take turns, so a long snapshot delays no change by more than a batch.
    pub fn next_frame(&mut self, table: &DriverTable, horizon: Horizon) -> Option<Frame> {
        if !self.open {
            return None;
        }
        if self.snapshot.is_none() && !self.snapshot_due.is_empty() {
            return Some(self.begin_snapshot(table));
        }
        self.snapshot_turn = !self.snapshot_turn;
        if self.snapshot_turn
            && let Some(snapshot) = self.snapshot.take()
        {
            return Some(self.snapshot_frame(snapshot, table, horizon));
        }
        if let Some(changes) = self.changes(table, horizon) {
            return Some(changes);
        }
        let snapshot = self.snapshot.take()?;
        Some(self.snapshot_frame(snapshot, table, horizon))
    }

    fn begin_snapshot(&mut self, table: &DriverTable) -> Frame {
        let shards: Vec<_> = std::mem::take(&mut self.snapshot_due).into_iter().collect();
        self.last_round += 1;
        let slots = table.slots_in(shards.iter().copied());
        self.snapshot = Some(SnapshotProgress { round: self.last_round, slots, next: 0 });
        Frame::SnapshotBegin { round: self.last_round, shards }
    }

    /// Returns the next batch of a snapshot, or its end. A driver that has left the shards since the snapshot began is not
    /// missed: its move marks it.
    fn snapshot_frame(
        &mut self,
        mut snapshot: SnapshotProgress,
        table: &DriverTable,
        horizon: Horizon,
    ) -> Frame {
        let mut batch = Batch::default();
        while snapshot.next < snapshot.slots.len() && batch.is_empty() {
            let end = snapshot.slots.len().min(snapshot.next + LINK_BATCH_ROWS_MAX);
            let slots = &snapshot.slots[snapshot.next..end];
            table.states(slots, |slot, state| self.add_row(table, horizon, slot, state, &mut batch));
            snapshot.next = end;
        }
        if batch.is_empty() {
            self.snapshot_complete = true;
            return Frame::SnapshotEnd { round: snapshot.round };
        }
        self.snapshot = Some(snapshot);
        Frame::Batch(batch)
    }

    /// Returns a batch of evictions, departures and changed drivers.
    fn changes(&mut self, table: &DriverTable, horizon: Horizon) -> Option<Frame> {
        let Horizon { now, expired_before_ms } = horizon;
        let evictions =
            self.evictions.take_released(self.released, BATCH_EVICTIONS_MAX, now, expired_before_ms);
        let mut batch = Batch { evictions, ..Batch::default() };
        self.remove_departed(&mut batch);
        let mut slots = Vec::new();
        // Pending slots may yield no row: a driver may have left the index before the server got it.
        while self.pending.len() > 0 && batch.updates.is_empty() && batch.removals.is_empty() {
            slots.clear();
            self.pending.take(&mut self.cursor, TAKEN_SLOTS_TARGET, &mut slots);
            table.states(&slots, |slot, state| self.add_row(table, horizon, slot, state, &mut batch));
        }
        (!batch.is_empty()).then_some(Frame::Batch(batch))
    }

    /// Adds a driver's row for the state that was read just now: an update, a removal, or nothing.
    fn add_row(
        &mut self,
        table: &DriverTable,
        horizon: Horizon,
        slot: Slot,
        state: Option<DriverState>,
        batch: &mut Batch,
    ) {
        self.pending.remove(slot);
        let state = state.filter(|state| horizon.admits(state));
        if let Some(state) = state.filter(|state| self.holds_shard(state))
            && let Some(status) = table.indexed_status(slot, state.status)
            && self.bind(table, slot, batch)
        {
            self.on_server.insert(slot);
            self.departures.cancel(slot);
            batch.updates.push(Update {
                slot,
                shard: state.shard,
                position: state.position,
                update_version: state.update_version,
                motion: state.motion,
                status,
            });
        } else if state.is_some_and(|state| !self.holds_shard(&state)) && self.on_server.contains(slot) {
            // The state was read just now. The tick in progress may have passed this driver before it moved, so only the
            // tick after it surely brings the driver to its new server.
            self.departures.add(slot, self.tick + 2);
        } else if self.on_server.remove(slot) {
            batch.removals.push(slot);
        }
    }

    /// Removes the drivers whose handover is over.
    fn remove_departed(&mut self, batch: &mut Batch) {
        while batch.removals.len() < LINK_BATCH_ROWS_MAX
            && let Some(slot) = self.departures.take_released(self.released)
        {
            if self.on_server.remove(slot) {
                batch.removals.push(slot);
            }
        }
    }

    fn holds_shard(&self, state: &DriverState) -> bool {
        self.shard_flags.get(usize::from(state.shard.0)).is_some_and(|holds| *holds)
    }

    /// Adds the slot's binding unless the server has got it. Returns false when the driver was retired meanwhile.
    fn bind(&mut self, table: &DriverTable, slot: Slot, batch: &mut Batch) -> bool {
        if self.bound.contains(slot) {
            return true;
        }
        let Some(profile) = table.profile(slot) else { return false };
        self.bound.insert(slot);
        batch.slot_bindings.push(SlotBinding { slot, profile: Arc::new(profile) });
        true
    }
}
