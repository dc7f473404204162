//! What the writer keeps of one session: the drivers behind its slots and its open rounds.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use kerb_ports::{Error, Slot};
use kerb_types::ShardId;

use crate::coverage::FillingId;
use crate::store::record::Kind;

/// Slots of a session, at most: they are an array.
pub(crate) const SLOTS_MAX: u32 = 1 << 26;
/// Rounds of a session that are open at the same time, at most.
pub(crate) const ROUNDS_MAX: usize = 1_024;

/// A source's open session. Made by [`crate::Index::open`]; give it back with [`crate::Index::close`].
pub struct Session {
    /// The writer's number of the ingest node.
    pub(crate) source: u16,
    /// Of the node's sessions the how manieth.
    pub(crate) generation: u64,
    /// By slot: record, 0 for a slot that was not introduced.
    slots: Vec<u32>,
    /// What drivers are whose newest state was another source's when they were introduced here: it counts once this
    /// source has the newest.
    pub(crate) pending: HashMap<Slot, Kind, foldhash::fast::RandomState>,
    rounds: BTreeMap<u64, Round>,
    last_round: Option<u64>,
    /// Shards that the source began to send before this server held them.
    pub(crate) too_early: Vec<ShardId>,
}

/// A full part under way.
pub(crate) struct Round {
    /// The source's epoch at its begin: what was last heard of before is not in it.
    pub(crate) epoch: u16,
    pub(crate) shards: Vec<(ShardId, FillingId)>,
}

impl Session {
    pub(crate) fn new(source: u16, generation: u64) -> Self {
        Self {
            source,
            generation,
            slots: Vec::new(),
            pending: HashMap::default(),
            rounds: BTreeMap::new(),
            last_round: None,
            too_early: Vec::new(),
        }
    }

    /// The record behind a slot; an error for one that was not introduced.
    #[inline]
    pub(crate) fn record(&self, slot: Slot) -> Result<u32, Error> {
        match self.slots.get(slot as usize) {
            Some(&record) if record != 0 => Ok(record),
            _ => Err(not_introduced(slot)),
        }
    }

    /// Names a record by a slot, and answers the one that it named before.
    pub(crate) fn name(&mut self, slot: Slot, record: u32) -> Result<Option<u32>, Error> {
        if slot >= SLOTS_MAX {
            return Err(Error::Mismatch(format!("slot {slot}, must be below {SLOTS_MAX}")));
        }
        let needed = slot as usize + 1;
        if needed > self.slots.len() {
            // By quarters instead of by doubling: the slack of a large array would cost more than it saves.
            if needed > self.slots.capacity() {
                let room = needed.max(self.slots.len() + self.slots.len() / 4 + 1_024);
                self.slots.reserve_exact(room - self.slots.len());
            }
            self.slots.resize(needed, 0);
        }
        let before = std::mem::replace(&mut self.slots[slot as usize], record);
        Ok((before != 0).then_some(before))
    }

    /// Opens a round.
    pub(crate) fn begin(&mut self, number: u64, round: Round) -> Result<(), Error> {
        if self.last_round.is_some_and(|last| number <= last) {
            let last = self.last_round.unwrap_or_default();
            return Err(Error::Mismatch(format!("round {number} begins, must be above {last}")));
        }
        if self.rounds.len() == ROUNDS_MAX {
            return Err(Error::Mismatch(format!("more than {ROUNDS_MAX} rounds are open")));
        }
        let mut shards: Vec<_> = round.shards.iter().map(|(shard, _)| *shard).collect();
        let open = self.rounds.values().flat_map(|round| &round.shards);
        shards.extend(open.map(|(shard, _)| *shard));
        shards.sort_unstable();
        if let Some([twice, _]) = shards.array_windows().find(|[a, b]| a == b) {
            return Err(Error::Mismatch(format!("shard {twice} stands twice in open rounds")));
        }
        self.last_round = Some(number);
        self.rounds.insert(number, round);
        Ok(())
    }

    /// Closes a round.
    pub(crate) fn end(&mut self, number: u64) -> Result<Round, Error> {
        let round = self.rounds.remove(&number);
        round.ok_or_else(|| Error::Mismatch(format!("round {number} ends, but it is not open")))
    }

    /// Leaves the session without slots, and answers them.
    pub(crate) fn take_slots(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.slots)
    }

    /// Memory of the slots.
    pub fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<u32>()
    }
}

#[cold]
fn not_introduced(slot: Slot) -> Error {
    Error::Mismatch(format!("slot {slot} was not introduced"))
}
