//! The progress of one query over its shards: which have answered, and which replicas were tried. Pure.

use kerb_ports::Search;
use kerb_types::{ServerIndex, ShardId, ShardMap};

/// The progress of one query, which ends when each shard has answered or has no replica left.
#[derive(Debug)]
pub(super) struct ShardProgress {
    pub(super) search: Search,
    /// Ordered by shard, for binary search.
    shards: Vec<ShardState>,
    unanswered: usize,
}

#[derive(Clone, Copy, Debug)]
struct ShardState {
    shard: ShardId,
    answered: bool,
    /// Queries in flight that cover the shard.
    pending: u16,
    /// Bit i is set once the shard's replica number i was queried.
    tried: u64,
}

impl ShardProgress {
    pub(super) fn new(search: Search, shards: &[ShardId]) -> Self {
        debug_assert!(shards.is_sorted(), "shards are found by binary search");
        let unanswered = shards.len();
        let state = |&shard: &ShardId| ShardState { shard, answered: false, pending: 0, tried: 0 };
        Self { search, shards: shards.iter().map(state).collect(), unanswered }
    }

    /// Returns the number of shards.
    pub(super) fn len(&self) -> usize {
        self.shards.len()
    }

    /// Returns the shards without an answer, in order.
    pub(super) fn unanswered(&self) -> impl Iterator<Item = ShardId> {
        self.shards.iter().filter(|state| !state.answered).map(|state| state.shard)
    }

    /// Whether this replica of the shard was not queried yet. Replicas beyond the 64th are never queried.
    pub(super) fn may_query(&self, map: &ShardMap, shard: ShardId, server: ServerIndex) -> bool {
        holder_bit(map, shard, server) & !self.state(shard).tried != 0
    }

    /// Returns the other shards of the query, in order.
    pub(super) fn others(&self, shards: &[ShardId]) -> Vec<ShardId> {
        if shards.len() == self.shards.len() {
            return Vec::new();
        }
        debug_assert!(shards.is_sorted(), "shards are found by binary search");
        let all = self.shards.iter().map(|state| state.shard);
        all.filter(|shard| shards.binary_search(shard).is_err()).collect()
    }

    /// Records that a server is queried for these shards.
    pub(super) fn start(&mut self, map: &ShardMap, shards: &[ShardId], server: ServerIndex) {
        for &shard in shards {
            let bit = holder_bit(map, shard, server);
            let state = self.state_mut(shard);
            state.tried |= bit;
            state.pending += 1;
        }
    }

    /// Records that a query for these shards is no longer in flight.
    pub(super) fn end(&mut self, shards: &[ShardId]) {
        for &shard in shards {
            self.state_mut(shard).pending -= 1;
        }
    }

    /// Marks the covered ones of these shards as answered. Returns those that had no answer before.
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

    /// Returns those of `shards` that have no answer.
    pub(super) fn unanswered_of(&self, shards: &[ShardId]) -> Vec<ShardId> {
        shards.iter().copied().filter(|&shard| !self.state(shard).answered).collect()
    }

    /// Returns those of `shards` that have no answer and no query in flight.
    pub(super) fn stranded_of(&self, shards: &[ShardId]) -> Vec<ShardId> {
        let stranded = |shard: &ShardId| matches!(self.state(*shard), s if !s.answered && s.pending == 0);
        shards.iter().copied().filter(stranded).collect()
    }

    /// Whether an answer may still arrive.
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
        found.expect("a plan covers shards of the query only")
    }
}

fn holder_bit(map: &ShardMap, shard: ShardId, server: ServerIndex) -> u64 {
    let number = map.holder_indices(shard).position(|holder| holder == server);
    // Bit 64 and beyond do not exist: such a replica has no bit and is never queried.
    number.map_or(0, |number| 1_u64.checked_shl(number as u32).unwrap_or(0))
}
