//! One question to a set of shards, until each is answered or nobody is left to ask. Pure.

use kerb_ports::Search;
use kerb_types::{ShardId, ShardMap};

use crate::plan::ServerIndex;

/// The question and how far it is.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) search: Search,
    /// In order.
    shards: Vec<ShardState>,
    unanswered: usize,
}

#[derive(Clone, Copy, Debug)]
struct ShardState {
    shard: ShardId,
    answered: bool,
    /// Questions under way.
    pending: u16,
    /// Bit i: the shard's holder number i was asked.
    tried: u64,
}

impl Work {
    pub(super) fn new(search: Search, shards: &[ShardId]) -> Self {
        debug_assert!(shards.is_sorted(), "shards are found by binary search");
        let unanswered = shards.len();
        let state = |&shard: &ShardId| ShardState { shard, answered: false, pending: 0, tried: 0 };
        Self { search, shards: shards.iter().map(state).collect(), unanswered }
    }

    /// How many shards it is about.
    pub(super) fn len(&self) -> usize {
        self.shards.len()
    }

    /// Shards without an answer, in order.
    pub(super) fn unanswered(&self) -> impl Iterator<Item = ShardId> {
        self.shards.iter().filter(|state| !state.answered).map(|state| state.shard)
    }

    /// Whether a holder was not asked for the shard yet. Holders beyond the 64th are never asked.
    pub(super) fn may_ask(&self, map: &ShardMap, shard: ShardId, server: ServerIndex) -> bool {
        holder_bit(map, shard, server) & !self.state(shard).tried != 0
    }

    /// The shards beside these, in order.
    pub(super) fn others(&self, shards: &[ShardId]) -> Vec<ShardId> {
        if shards.len() == self.shards.len() {
            return Vec::new();
        }
        debug_assert!(shards.is_sorted(), "shards are found by binary search");
        let all = self.shards.iter().map(|state| state.shard);
        all.filter(|shard| shards.binary_search(shard).is_err()).collect()
    }

    /// These shards are asked of a server.
    pub(super) fn asked(&mut self, map: &ShardMap, shards: &[ShardId], server: ServerIndex) {
        for &shard in shards {
            let bit = holder_bit(map, shard, server);
            let state = self.state_mut(shard);
            state.tried |= bit;
            state.pending += 1;
        }
    }

    /// A question for these shards is no longer under way.
    pub(super) fn ended(&mut self, shards: &[ShardId]) {
        for &shard in shards {
            self.state_mut(shard).pending -= 1;
        }
    }

    /// Marks the covered ones of these shards; answers those that had no answer before.
    pub(super) fn covered(&mut self, shards: &[ShardId], uncovered: &[ShardId]) -> Vec<ShardId> {
        let mut fresh = Vec::with_capacity(shards.len());
        for &shard in shards {
            let state = self.state_mut(shard);
            if !state.answered && !uncovered.contains(&shard) {
                state.answered = true;
                fresh.push(shard);
            }
        }
        self.unanswered -= fresh.len();
        fresh
    }

    /// Those of `shards` that are not answered.
    pub(super) fn open_of(&self, shards: &[ShardId]) -> Vec<ShardId> {
        shards.iter().copied().filter(|&shard| !self.state(shard).answered).collect()
    }

    /// Those of `shards` that are not answered and for which no question is under way.
    pub(super) fn stranded_of(&self, shards: &[ShardId]) -> Vec<ShardId> {
        let stranded = |shard: &ShardId| matches!(self.state(*shard), s if !s.answered && s.pending == 0);
        shards.iter().copied().filter(stranded).collect()
    }

    /// Something may still come.
    pub(super) fn is_waiting(&self) -> bool {
        self.unanswered > 0 && self.shards.iter().any(|state| !state.answered && state.pending > 0)
    }

    fn state(&self, shard: ShardId) -> ShardState {
        self.shards[self.index(shard)]
    }

    fn state_mut(&mut self, shard: ShardId) -> &mut ShardState {
        let index = self.index(shard);
        &mut self.shards[index]
    }

    fn index(&self, shard: ShardId) -> usize {
        let found = self.shards.binary_search_by_key(&shard, |state| state.shard);
        found.expect("only the work's own shards are planned")
    }
}

fn holder_bit(map: &ShardMap, shard: ShardId, server: ServerIndex) -> u64 {
    let number = map.holders(shard).iter().position(|&holder| holder == server);
    number.map_or(0, |number| 1_u64.checked_shl(number as u32).unwrap_or(0))
}
