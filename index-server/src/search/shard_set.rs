//! The shards of a search.

use kerb_types::ShardId;

/// Shards, as a bit set and as a list.
#[derive(Default)]
pub(crate) struct ShardSet {
    bits: Vec<u64>,
    list: Vec<ShardId>,
}

impl ShardSet {
    /// Empties the set and makes room for the numbers below `shards`.
    pub(crate) fn clear(&mut self, shards: usize) {
        self.list.clear();
        self.bits.clear();
        self.bits.resize(shards.div_ceil(64), 0);
    }

    pub(crate) fn insert(&mut self, shard: ShardId) {
        let (word, bit) = (usize::from(shard.0) / 64, 1 << (shard.0 % 64));
        if self.bits[word] & bit == 0 {
            self.bits[word] |= bit;
            self.list.push(shard);
        }
    }

    #[inline]
    pub(crate) fn contains(&self, shard: ShardId) -> bool {
        self.bits[usize::from(shard.0) / 64] >> (shard.0 % 64) & 1 == 1
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = ShardId> {
        self.list.iter().copied()
    }
}
