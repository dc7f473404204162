//! Loads into the cache what moves will need, for many moves at once, before the first is made.

use std::hint::black_box;

use kerb_geometry::Morton;
use kerb_types::ShardId;

use crate::store::Store;
use crate::store::indices::LeafIndex;
use crate::store::page::{LEAF_ENTRIES, PageLink};

/// A descent to a code that advances one level per step.
#[derive(Clone, Copy)]
pub(crate) struct DescentCursor {
    link: PageLink,
    code: Morton,
}

impl Default for DescentCursor {
    fn default() -> Self {
        Self { link: PageLink::Empty, code: Morton(0) }
    }
}

impl DescentCursor {
    /// Begins at a shard's root.
    pub(crate) fn new(store: &Store, shard: ShardId, code: Morton) -> Self {
        Self { link: store.shard(shard).root.load(), code }
    }

    /// Goes down one level. Returns false when the descent has ended.
    #[inline]
    pub(crate) fn step(&mut self, store: &Store) -> bool {
        let PageLink::Node(node) = self.link else { return false };
        let node = store.nodes.get(node);
        let cell = node.cell();
        self.link = if cell.contains(self.code) {
            node.children[cell.child_index(self.code)].load()
        } else {
            PageLink::Empty
        };
        true
    }

    /// The leaf at the end of the descent; "none" if there is none yet.
    pub(crate) fn leaf(&self) -> LeafIndex {
        match self.link {
            PageLink::Leaf(leaf) => leaf,
            PageLink::Empty | PageLink::Node(_) => LeafIndex::NONE,
        }
    }
}

/// Loads the words of the entry that the leaf's next driver will get.
pub(crate) fn prefetch_free_entry(store: &Store, leaf: LeafIndex) {
    let leaf = store.leaves.get(leaf);
    let bit = (!leaf.mask()).trailing_zeros().min(LEAF_ENTRIES - 1);
    let entry = store.entry(leaf.entry_at(bit));
    black_box((entry.attributes(), entry.position_bits()));
}
