//! The writer's bookkeeping of pages: which are free, which leaf a block belongs to, and how many each shard has.

use kerb_geometry::Cell;
use kerb_types::ShardId;

use super::index_pool::IndexPool;
use crate::store::Store;
use crate::store::entry::Attributes;
use crate::store::indices::{BLOCK_ENTRIES, BlockIndex, LeafIndex, NodeIndex};
use crate::store::page::{LEAF_BLOCKS, PageLink};

/// Free pages, and counts by shard.
pub(crate) struct PagePools {
    nodes: IndexPool<NodeIndex>,
    leaves: IndexPool<LeafIndex>,
    blocks: IndexPool<BlockIndex>,
    /// The leaf of each block.
    leaf_of: Vec<LeafIndex>,
    counts: Vec<ShardCounts>,
}

/// Numbers of a shard's drivers and pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ShardCounts {
    pub(crate) drivers: u32,
    pub(crate) nodes: u32,
    pub(crate) leaves: u32,
    pub(crate) blocks: u32,
}

impl PagePools {
    pub(crate) fn new(shards: usize) -> Self {
        Self {
            nodes: IndexPool::new(),
            leaves: IndexPool::new(),
            blocks: IndexPool::new(),
            leaf_of: vec![LeafIndex::NONE],
            counts: vec![ShardCounts::default(); shards],
        }
    }

    pub(crate) fn counts_of(&mut self, shard: ShardId) -> &mut ShardCounts {
        &mut self.counts[usize::from(shard.0)]
    }

    pub(crate) fn counts(&self) -> &[ShardCounts] {
        &self.counts
    }

    /// The leaf that a block in use belongs to.
    #[inline]
    pub(crate) fn leaf_of(&self, block: BlockIndex) -> LeafIndex {
        self.leaf_of[block.get() as usize]
    }

    /// Takes a node without children. No search sees it yet.
    pub(crate) fn take_node(&mut self, store: &Store, shard: ShardId, cell: Cell) -> NodeIndex {
        let (index, new) = self.nodes.take();
        if new {
            store.nodes.allocate(index);
        }
        let node = store.nodes.get(index);
        node.header.set_cell(cell);
        for child in &node.children {
            child.store(PageLink::Empty);
        }
        self.counts_of(shard).nodes += 1;
        index
    }

    /// Takes an empty leaf. No search sees it yet.
    pub(crate) fn take_leaf(&mut self, store: &Store, shard: ShardId, cell: Cell) -> LeafIndex {
        let (index, new) = self.leaves.take();
        if new {
            store.leaves.allocate(index);
        }
        let leaf = store.leaves.get(index);
        leaf.set_mask(0);
        leaf.header.set_cell(cell);
        leaf.next.store(PageLink::Empty);
        for k in 0..LEAF_BLOCKS {
            leaf.set_block(k, BlockIndex::NONE);
        }
        self.counts_of(shard).leaves += 1;
        index
    }

    /// Takes a block of vacant entries for a leaf.
    pub(crate) fn take_block(&mut self, store: &Store, shard: ShardId, leaf: LeafIndex) -> BlockIndex {
        let (index, new) = self.blocks.take();
        if new {
            store.blocks.allocate(index);
            // Grows by a quarter instead of doubling: the slack of a large array would cost more than it saves.
            if self.leaf_of.len() == self.leaf_of.capacity() {
                self.leaf_of.reserve_exact(self.leaf_of.len() / 4 + 64);
            }
            self.leaf_of.push(leaf);
        } else {
            self.leaf_of[index.get() as usize] = leaf;
            let block = store.blocks.get(index);
            (0..BLOCK_ENTRIES).for_each(|i| block.entry(i).set_attributes(Attributes::VACANT));
        }
        self.counts_of(shard).blocks += 1;
        index
    }

    /// Takes back a node that is not reachable from the root any more.
    pub(crate) fn retire_node(&mut self, store: &Store, shard: ShardId, node: NodeIndex) {
        self.nodes.retire(store.epochs.now(), node);
        self.counts_of(shard).nodes -= 1;
    }

    /// As [`PagePools::retire_node`], for a leaf and its blocks. Their content stays for the searches that still read
    /// them.
    pub(crate) fn retire_leaf(&mut self, store: &Store, shard: ShardId, leaf: LeafIndex) {
        for k in 0..LEAF_BLOCKS {
            let block = store.leaves.get(leaf).block(k);
            if !block.is_none() {
                self.retire_block(store, shard, block);
            }
        }
        store.leaves.get(leaf).header.retire();
        self.leaves.retire(store.epochs.now(), leaf);
        self.counts_of(shard).leaves -= 1;
    }

    /// As [`PagePools::retire_node`], for a block.
    pub(crate) fn retire_block(&mut self, store: &Store, shard: ShardId, block: BlockIndex) {
        self.blocks.retire(store.epochs.now(), block);
        self.counts_of(shard).blocks -= 1;
    }

    /// Frees the pages that no search can reach any more, see [`crate::store::epoch::Epochs::advance`].
    pub(crate) fn reclaim(&mut self, oldest: u64) {
        self.nodes.reclaim(oldest);
        self.leaves.reclaim(oldest);
        self.blocks.reclaim(oldest);
    }

    /// Memory of the bookkeeping, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.nodes.bytes()
            + self.leaves.bytes()
            + self.blocks.bytes()
            + self.leaf_of.capacity() * size_of::<LeafIndex>()
            + size_of_val(&*self.counts)
    }

    /// Whether `drivers` more can be inserted, each on pages of its own.
    pub(crate) fn have_room(&self, store: &Store, drivers: usize) -> bool {
        // A new driver takes at most a leaf, a block and a node; a split takes five leaves with their blocks.
        let pages = drivers + 4 * LEAF_BLOCKS;
        self.nodes.available(store.nodes.limit()) > pages
            && self.leaves.available(store.leaves.limit()) > pages
            && self.blocks.available(store.blocks.limit()) > pages
    }
}
