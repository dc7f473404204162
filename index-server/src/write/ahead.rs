//! Brings what moves will need into the cache, for many moves at once, before the first is made.

use std::hint::black_box;

use kerb_geometry::Morton;
use kerb_types::ShardId;

use crate::store::Store;
use crate::store::page::{BLOCK, LEAF, Link};

/// A descent that is made step by step, to bring what it passes into the cache.
#[derive(Clone, Copy)]
pub(crate) struct Way {
    link: Link,
    code: Morton,
}

impl Default for Way {
    fn default() -> Self {
        Self { link: Link::Nothing, code: Morton(0) }
    }
}

impl Way {
    /// At a shard's root.
    pub(crate) fn new(store: &Store, shard: ShardId, code: Morton) -> Self {
        Self { link: store.shard(shard).root.load(), code }
    }

    /// A level down; whether it can go on.
    #[inline]
    pub(crate) fn step(&mut self, store: &Store) -> bool {
        let Link::Node(number) = self.link else { return false };
        let node = store.nodes.get(number);
        let cell = node.cell();
        self.link = if cell.contains(self.code) {
            node.children[cell.child_index(self.code)].load()
        } else {
            Link::Nothing
        };
        true
    }

    /// The leaf at its end; 0 if there is none yet.
    pub(crate) fn leaf(&self) -> u32 {
        match self.link {
            Link::Leaf(number) => number,
            Link::Nothing | Link::Node(_) => 0,
        }
    }
}

/// Loads the words of the entry that a leaf would fill next.
pub(crate) fn fetch_room(store: &Store, leaf: u32) {
    let leaf = store.leaves.get(leaf);
    let bit = (!leaf.mask()).trailing_zeros().min(LEAF - 1);
    let place = leaf.block((bit / BLOCK) as usize) * BLOCK + bit % BLOCK;
    let entry = store.entry(place);
    black_box((entry.traits(), entry.position_bits()));
}
