//! The writer's books about pages: which are free, which leaf a block belongs to, and how many each shard has.

use kerb_geometry::Cell;
use kerb_types::ShardId;

use crate::store::Store;
use crate::store::epoch::Pool;
use crate::store::page::{BLOCK, BLOCKS, Link, Traits};

/// See the module.
pub(crate) struct Pages {
    nodes: Pool,
    leaves: Pool,
    blocks: Pool,
    /// By block: its leaf.
    leaf_of: Vec<u32>,
    counts: Vec<Count>,
}

/// What a shard has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) drivers: u32,
    pub(crate) nodes: u32,
    pub(crate) leaves: u32,
    pub(crate) blocks: u32,
}

impl Pages {
    pub(crate) fn new(shards: usize) -> Self {
        Self {
            nodes: Pool::new(),
            leaves: Pool::new(),
            blocks: Pool::new(),
            leaf_of: vec![0],
            counts: vec![Count::default(); shards],
        }
    }

    pub(crate) fn count(&mut self, shard: ShardId) -> &mut Count {
        &mut self.counts[usize::from(shard.0)]
    }

    pub(crate) fn counts(&self) -> &[Count] {
        &self.counts
    }

    /// The leaf that a taken block belongs to.
    #[inline]
    pub(crate) fn leaf_of(&self, block: u32) -> u32 {
        self.leaf_of[block as usize]
    }

    /// A node that nobody sees yet, without children.
    pub(crate) fn take_node(&mut self, store: &Store, shard: ShardId, cell: Cell) -> u32 {
        let (number, new) = self.nodes.take();
        if new {
            store.nodes.make(number);
        }
        let node = store.nodes.get(number);
        node.page.set_cell(cell);
        for child in &node.children {
            child.store(Link::Nothing);
        }
        self.count(shard).nodes += 1;
        number
    }

    /// A leaf that nobody sees yet, empty.
    pub(crate) fn take_leaf(&mut self, store: &Store, shard: ShardId, cell: Cell) -> u32 {
        let (number, new) = self.leaves.take();
        if new {
            store.leaves.make(number);
        }
        let leaf = store.leaves.get(number);
        leaf.set_mask(0);
        leaf.page.set_cell(cell);
        leaf.next.store(Link::Nothing);
        for k in 0..BLOCKS {
            leaf.set_block(k, 0);
        }
        self.count(shard).leaves += 1;
        number
    }

    /// A block of nobody for a leaf.
    pub(crate) fn take_block(&mut self, store: &Store, shard: ShardId, leaf: u32) -> u32 {
        let (number, new) = self.blocks.take();
        if new {
            store.blocks.make(number);
            // By quarters instead of by doubling: the slack of a large array would cost more than it saves.
            if self.leaf_of.len() == self.leaf_of.capacity() {
                self.leaf_of.reserve_exact(self.leaf_of.len() / 4 + 64);
            }
            self.leaf_of.push(leaf);
        } else {
            self.leaf_of[number as usize] = leaf;
            let block = store.blocks.get(number);
            (0..BLOCK).for_each(|i| block.entry(i).set_traits(Traits::NOBODY));
        }
        self.count(shard).blocks += 1;
        number
    }

    /// The node cannot be reached from the root any more.
    pub(crate) fn retire_node(&mut self, store: &Store, shard: ShardId, node: u32) {
        self.nodes.give_back(store.epochs.now(), node);
        self.count(shard).nodes -= 1;
    }

    /// As [`Pages::retire_node`], of the leaf and its blocks. They stay as they are for who still reads them.
    pub(crate) fn retire_leaf(&mut self, store: &Store, shard: ShardId, leaf: u32) {
        for k in 0..BLOCKS {
            let block = store.leaves.get(leaf).block(k);
            if block != 0 {
                self.retire_block(store, shard, block);
            }
        }
        store.leaves.get(leaf).page.retire();
        self.leaves.give_back(store.epochs.now(), leaf);
        self.count(shard).leaves -= 1;
    }

    /// As [`Pages::retire_node`], of a block.
    pub(crate) fn retire_block(&mut self, store: &Store, shard: ShardId, block: u32) {
        self.blocks.give_back(store.epochs.now(), block);
        self.count(shard).blocks -= 1;
    }

    /// Frees what no reader can see any more, see [`crate::store::epoch::Epochs::turn`].
    pub(crate) fn collect(&mut self, oldest: u64) {
        for pool in [&mut self.nodes, &mut self.leaves, &mut self.blocks] {
            pool.collect(oldest);
        }
    }

    /// Memory of the books.
    pub(crate) fn bytes(&self) -> usize {
        self.nodes.bytes()
            + self.leaves.bytes()
            + self.blocks.bytes()
            + self.leaf_of.capacity() * size_of::<u32>()
            + size_of_val(&*self.counts)
    }

    /// Whether `drivers` more can be placed, each on pages of its own.
    pub(crate) fn have_room(&self, store: &Store, drivers: usize) -> bool {
        // A new driver takes at most a leaf, a block and a node, a split five leaves with their blocks.
        let pages = drivers + 4 * BLOCKS;
        self.nodes.left(store.nodes.limit()) > pages
            && self.leaves.left(store.leaves.limit()) > pages
            && self.blocks.left(store.blocks.limit()) > pages
    }
}
