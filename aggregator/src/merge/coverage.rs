//! Which shards a search result covers.

use kerb_types::ShardId;

/// The shards that a result covers, and those that it misses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Number of shards that were searched, because they could hold an answer.
    pub searched: u32,
    /// The shards among them that did not answer, or not in full; in order.
    pub missing: Vec<ShardId>,
}

impl Coverage {
    /// Returns the number of shards that answered in full.
    pub fn answered(&self) -> u32 {
        // At most `SHARDS_MAX` shards are missing, so the cast cannot lose.
        self.searched - self.missing.len() as u32
    }

    /// Whether every shard answered in full.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// Adds the coverage of a further query of the same search, which searched a part of its area.
    pub(crate) fn join(&mut self, further: Self) {
        self.searched = self.searched.max(further.searched);
        self.missing.extend(further.missing);
        self.missing.sort_unstable();
        self.missing.dedup();
    }
}
