//! What one index server has been told, and what it is still to be told. Pure: the session itself is elsewhere.
//!
//! Nothing here grows with time: what is pending is one bit a driver, and a driver's state is read when its row
//! is built, so a slow server gets fewer, merged batches. The queue of forgets is bounded.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use foldhash::quality::RandomState;
use kerb_ports::{Batch, Eviction, Frame, Slot, SlotBinding, Update};
use kerb_types::ShardId;

use crate::bits::Bits;
use crate::entry::State;
use crate::handover::Tick;
use crate::table::DriverTable;

/// Rows of a batch, at most: about 100 KiB on the wire, and 200 µs to build.
pub const LINK_BATCH_ROWS_MAX: usize = 4_096;
/// Pending slots come in words of 64: so many wanted are never more than a batch has rows.
const TAKEN_SLOTS_WANTED: usize = LINK_BATCH_ROWS_MAX - 63;
/// Forgets of a batch, at most.
const BATCH_FORGETS_MAX: usize = 1_024;
/// Forgets that wait for a server, at most; then the oldest is dropped. An hour of 18 reconnects a second.
pub const FORGETS_MAX: usize = 65_536;

/// Which drivers are told of: those that have reported since `gone_before_ms`.
#[derive(Clone, Copy, Debug)]
pub struct Horizon {
    /// The time.
    pub now_ms: i64,
    /// A position measured at this time or before is gone.
    pub gone_before_ms: i64,
}

/// A round of the full part.
#[derive(Debug)]
struct FullPart {
    round: u64,
    slots: Vec<Slot>,
    next: usize,
}

/// One index server as this node sees it.
#[derive(Debug, Default)]
pub struct LinkState {
    /// The server holds them.
    shards: BTreeSet<ShardId>,
    /// The same, one flag a shard, for the row builder.
    holds: Vec<bool>,
    /// A session is open: without one there is nothing to mark, as a session begins with the full part.
    open: bool,
    /// To be looked at again.
    pending: Bits,
    cursor: usize,
    /// The server believes that it has them from here.
    held: Bits,
    /// The server knows their profiles.
    introduced: Bits,
    /// Shards whose full part is to come.
    wanted: BTreeSet<ShardId>,
    full: Option<FullPart>,
    full_turn: bool,
    rounds: u64,
    /// The first full part of the session is complete.
    filled: bool,
    /// The newest tick that has marked.
    tick: Tick,
    /// What left in this tick or before may go.
    released: Tick,
    /// The server shows what this tick and those before marked.
    shown: Tick,
    /// Drivers that have left for other servers, by the tick by which those are told. They stay here until it is
    /// released: every search meets the driver somewhere, and one that meets it twice keeps the newer.
    leaving: VecDeque<(Tick, Slot)>,
    /// By which tick those left who have not come back.
    leaves_with: HashMap<Slot, Tick, RandomState>,
    /// Held back as those who leave.
    evictions: VecDeque<(Tick, Eviction)>,
    /// Forgets that were sent, and when, for as long as the older state may still be at another node: a server that
    /// lost its memory must be told again, because that node's full part may bring the older state back.
    told_forgets: VecDeque<(i64, Eviction)>,
}

impl LinkState {
    /// A server without a session.
    pub fn new(shards: impl IntoIterator<Item = ShardId>) -> Self {
        let mut link = Self::default();
        link.hold(shards.into_iter().collect());
        link
    }

    /// Knows what other servers were told to forget of late.
    #[must_use]
    pub(crate) fn remembering(mut self, evictions: &[Eviction]) -> Self {
        self.evictions.extend(evictions.iter().map(|eviction| (0, eviction.clone())));
        self
    }

    /// What the server was told, or is to be told, to forget of late.
    pub(crate) fn recent_forgets(&self) -> Vec<Eviction> {
        let told = self.told_forgets.iter().map(|(_, forget)| forget);
        told.chain(self.evictions.iter().map(|(_, forget)| forget)).cloned().collect()
    }

    /// A session was opened: the server knows nothing.
    pub fn opened(&mut self) {
        self.closed();
        for (_, forget) in std::mem::take(&mut self.told_forgets).into_iter().rev() {
            self.evictions.push_front((0, forget));
        }
        let surplus = self.evictions.len().saturating_sub(FORGETS_MAX);
        self.evictions.drain(..surplus);
        self.open = true;
        self.wanted.clone_from(&self.shards);
    }

    /// The session is over.
    pub fn closed(&mut self) {
        self.open = false;
        self.pending.clear();
        self.held.clear();
        self.introduced.clear();
        self.leaving.clear();
        self.leaves_with.clear();
        self.wanted.clear();
        self.full = None;
        self.rounds = 0;
        self.filled = false;
        self.shown = 0;
    }

    /// Whether a session is open.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// The server holds other shards now: what it gained gets its full part, what it lost is removed.
    pub fn set_shards(&mut self, table: &DriverTable, shards: BTreeSet<ShardId>) {
        let lost: Vec<_> = self.shards.difference(&shards).copied().collect();
        let gained: Vec<_> = shards.difference(&self.shards).copied().collect();
        self.hold(shards);
        if self.open {
            for slot in table.slots_in(lost.iter().copied()) {
                self.mark(slot);
            }
            self.wanted.retain(|shard| !lost.contains(shard));
            self.wanted.extend(gained);
        }
    }

    fn hold(&mut self, shards: BTreeSet<ShardId>) {
        self.holds = vec![false; shards.last().map_or(0, |last| usize::from(last.0) + 1)];
        for shard in &shards {
            self.holds[usize::from(shard.0)] = true;
        }
        self.shards = shards;
    }

    /// The server wants the full part of these shards again.
    pub fn resync(&mut self, shards: &[ShardId]) {
        self.wanted.extend(shards.iter().filter(|shard| self.shards.contains(*shard)));
    }

    /// A tick has marked. What left in `released` or before may be removed.
    pub(crate) fn end_tick(&mut self, tick: Tick, released: Tick) {
        self.tick = tick;
        self.released = released;
    }

    /// The newest tick whose changes the server shows; `None` for a server that searches do not rely on yet.
    pub(crate) fn shown(&self) -> Option<Tick> {
        (self.open && self.filled).then_some(self.shown)
    }

    /// The tick that the server will show once it has applied all frames; `None` when it shows it already. Right
    /// after [`LinkState::next_frame`] had nothing.
    pub fn unshown(&self) -> Option<Tick> {
        (self.open && self.shown < self.tick).then_some(self.tick)
    }

    /// The server has applied all frames up to this tick's.
    pub fn shows(&mut self, tick: Tick) {
        self.shown = tick;
    }

    /// Up to 64 drivers changed: those that the server has are looked at again.
    #[inline]
    pub(crate) fn mark_held(&mut self, word: usize, bits: u64) {
        self.pending.insert_word(word, bits & self.held.word(word));
    }

    /// A driver of this server's shards changed.
    #[inline]
    pub fn mark(&mut self, slot: Slot) {
        if self.open {
            self.pending.insert(slot);
        }
    }

    /// A driver's profile changed.
    pub(crate) fn mark_profile(&mut self, slot: Slot) {
        self.introduced.remove(slot);
    }

    /// Whether the server may still name a driver by this slot.
    pub(crate) fn knows(&self, slot: Slot) -> bool {
        self.held.contains(slot) || self.pending.contains(slot)
    }

    /// Changes that wait.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Queues a forget for when this tick is released. Answers whether the oldest had to go for it.
    pub fn forget(&mut self, forget: Eviction, tick: Tick) -> bool {
        let full = self.evictions.len() >= FORGETS_MAX;
        if full {
            self.evictions.pop_front();
        }
        self.evictions.push_back((tick, forget));
        full
    }

    /// The next frame of the session; `None` when the server has been told everything.
    ///
    /// Full parts and changes take turns, so that a long full part delays no change by more than a batch.
    pub fn next_frame(&mut self, table: &DriverTable, horizon: Horizon) -> Option<Frame> {
        if !self.open {
            return None;
        }
        if self.full.is_none() && !self.wanted.is_empty() {
            return Some(self.begin_full(table));
        }
        self.full_turn = !self.full_turn;
        if self.full_turn && self.full.is_some() {
            return Some(self.full_frame(table, horizon));
        }
        let changes = self.changes(table, horizon);
        if changes.is_some() || self.full.is_none() {
            return changes;
        }
        Some(self.full_frame(table, horizon))
    }

    fn begin_full(&mut self, table: &DriverTable) -> Frame {
        let shards: Vec<_> = std::mem::take(&mut self.wanted).into_iter().collect();
        self.rounds += 1;
        let slots = table.slots_in(shards.iter().copied());
        self.full = Some(FullPart { round: self.rounds, slots, next: 0 });
        Frame::SnapshotBegin { round: self.rounds, shards }
    }

    /// The next batch of the round, or its end. A driver that has left the shards since the round began is
    /// marked by its move.
    fn full_frame(&mut self, table: &DriverTable, horizon: Horizon) -> Frame {
        let mut full = self.full.take().expect("a round is open");
        let mut batch = Batch::default();
        while full.next < full.slots.len() && batch.is_empty() {
            let end = full.slots.len().min(full.next + LINK_BATCH_ROWS_MAX);
            let slots = &full.slots[full.next..end];
            table.states(slots, |slot, state| self.put(table, horizon, slot, state, &mut batch));
            full.next = end;
        }
        if batch.is_empty() {
            self.filled = true;
            return Frame::SnapshotEnd { round: full.round };
        }
        self.full = Some(full);
        Frame::Batch(batch)
    }

    fn changes(&mut self, table: &DriverTable, horizon: Horizon) -> Option<Frame> {
        let mut batch = Batch::default();
        let is_released = |(tick, _): &&(Tick, Eviction)| *tick <= self.released;
        let count = self.evictions.iter().take(BATCH_FORGETS_MAX).take_while(is_released).count();
        batch.evictions.extend(self.evictions.drain(..count).map(|(_, forget)| forget));
        self.remember_told(&batch.evictions, horizon);
        self.remove_left(&mut batch);
        let mut slots = Vec::new();
        while self.pending.len() > 0 && batch.updates.len() + batch.removals.len() == 0 {
            slots.clear();
            self.pending.take(&mut self.cursor, TAKEN_SLOTS_WANTED, &mut slots);
            table.states(&slots, |slot, state| self.put(table, horizon, slot, state, &mut batch));
        }
        (!batch.is_empty()).then_some(Frame::Batch(batch))
    }

    fn remember_told(&mut self, evictions: &[Eviction], horizon: Horizon) {
        self.told_forgets.extend(evictions.iter().map(|eviction| (horizon.now_ms, eviction.clone())));
        let surplus = self.told_forgets.len().saturating_sub(FORGETS_MAX);
        self.told_forgets.drain(..surplus);
        while self.told_forgets.front().is_some_and(|(at_ms, _)| *at_ms <= horizon.gone_before_ms) {
            self.told_forgets.pop_front();
        }
    }

    /// Adds a driver's row by its state read just now: an update, a removal, or nothing that the server must know.
    fn put(
        &mut self,
        table: &DriverTable,
        horizon: Horizon,
        slot: Slot,
        state: Option<State>,
        batch: &mut Batch,
    ) {
        self.pending.remove(slot);
        let state = state.filter(|state| is_current(state, horizon));
        if let Some(state) = state.filter(|state| self.holds_shard(state))
            && self.introduce(table, slot, batch)
        {
            self.held.insert(slot);
            if !self.leaves_with.is_empty() {
                self.leaves_with.remove(&slot);
            }
            batch.updates.push(Update {
                slot,
                shard: state.shard,
                position: state.position,
                update_version: state.update_version,
                motion: state.motion,
                status: state.status,
            });
        } else if state.is_some_and(|state| !self.holds_shard(&state)) && self.held.contains(slot) {
            // The state was read just now: a tick that is under way may have passed it by, and the next tells of it.
            let tick = self.tick + 2;
            if let Entry::Vacant(place) = self.leaves_with.entry(slot) {
                place.insert(tick);
                self.leaving.push_back((tick, slot));
            }
        } else if self.held.remove(slot) {
            batch.removals.push(slot);
        }
    }

    /// Removes those whose handover is over. Who has come back meanwhile leaves at another time, or not.
    fn remove_left(&mut self, batch: &mut Batch) {
        while let Some(&(tick, slot)) = self.leaving.front()
            && tick <= self.released
            && batch.removals.len() < LINK_BATCH_ROWS_MAX
        {
            self.leaving.pop_front();
            if self.leaves_with.get(&slot) == Some(&tick) {
                self.leaves_with.remove(&slot);
                if self.held.remove(slot) {
                    batch.removals.push(slot);
                }
            }
        }
    }

    fn holds_shard(&self, state: &State) -> bool {
        self.holds.get(usize::from(state.shard.0)).is_some_and(|holds| *holds)
    }

    /// Adds the profile where the server does not know it. False when the driver was retired meanwhile.
    fn introduce(&mut self, table: &DriverTable, slot: Slot, batch: &mut Batch) -> bool {
        if self.introduced.contains(slot) {
            return true;
        }
        let Some(profile) = table.profile(slot) else { return false };
        self.introduced.insert(slot);
        batch.slot_bindings.push(SlotBinding { slot, profile: Arc::new(profile) });
        true
    }
}

/// Whether a driver with this state belongs in the index, wherever.
fn is_current(state: &State, horizon: Horizon) -> bool {
    state.listed && state.update_version.time_ms > horizon.gone_before_ms
}
