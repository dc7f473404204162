//! What searches and the writer share: records, ids, pages, the roots of the shards, the move log and the epochs.
//!
//! The modules here define where data is kept and in which order it is stored. [`crate::index`] explains what these
//! orders guarantee together.

pub(crate) mod arena;
pub(crate) mod driver_ids;
pub(crate) mod entry;
pub(crate) mod epoch;
pub(crate) mod filter_summary;
pub(crate) mod indices;
pub(crate) mod move_log;
pub(crate) mod page;
pub(crate) mod record;
pub(crate) mod shard_tree;

use kerb_types::ShardId;

use arena::Arena;
use driver_ids::{DriverIds, IdWords};
use entry::{Block, Entry};
use epoch::Epochs;
use indices::{BlockIndex, EntryIndex, LeafIndex};
use move_log::MoveLog;
use page::{Leaf, Node};
use record::Record;
use shard_tree::ShardTree;

/// The shared state of an index.
pub(crate) struct Store {
    pub(crate) records: Arena<Record>,
    pub(crate) ids: DriverIds,
    pub(crate) nodes: Arena<Node>,
    pub(crate) leaves: Arena<Leaf>,
    pub(crate) blocks: Arena<Block>,
    pub(crate) shards: Box<[ShardTree]>,
    pub(crate) move_log: MoveLog,
    pub(crate) epochs: Epochs,
}

impl Store {
    /// Memory of a driver's record and id, in bytes.
    pub(crate) const BYTES_PER_RECORD: usize = size_of::<Record>() + size_of::<IdWords>();

    /// Makes room for `shards` trees and at most `drivers_max` drivers.
    pub(crate) fn new(shards: u16, drivers_max: usize) -> Self {
        // A leaf or a block in a tree holds at least one driver, and a node leads to at least two leaves. As many pages
        // again are for those that are unlinked and wait until no search reads them.
        let pages = 2 * drivers_max;
        let store = Self {
            records: Arena::new(drivers_max),
            ids: DriverIds::new(drivers_max),
            nodes: Arena::new(pages),
            leaves: Arena::new(pages),
            blocks: Arena::new(pages),
            shards: (0..shards).map(|_| ShardTree::default()).collect(),
            move_log: MoveLog::new(),
            epochs: Epochs::new(),
        };
        // Page 0 is in no tree. It is allocated and empty, so that a prefetch may load it without a test.
        store.leaves.allocate(LeafIndex::NONE);
        store.blocks.allocate(BlockIndex::NONE);
        store
    }

    pub(crate) fn shard(&self, shard: ShardId) -> &ShardTree {
        &self.shards[usize::from(shard.0)]
    }

    #[inline]
    pub(crate) fn entry(&self, entry: EntryIndex) -> Entry<'_> {
        self.blocks.get(entry.block()).entry(entry.offset())
    }

    /// Memory of the whole store, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.records.bytes()
            + self.ids.bytes()
            + self.nodes.bytes()
            + self.leaves.bytes()
            + self.blocks.bytes()
            + size_of_val(&*self.shards)
            + self.move_log.bytes()
    }
}
