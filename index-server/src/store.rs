//! What readers and the writer share: records, pages, the roots of the shards, the journal and the epochs.
//!
//! Here is only where things are kept and in which order they are stored; what they mean together stands in
//! [`crate::index`].

pub(crate) mod arena;
pub(crate) mod epoch;
pub(crate) mod ids;
pub(crate) mod journal;
pub(crate) mod kinds;
pub(crate) mod page;
pub(crate) mod record;

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use kerb_types::ShardId;

use arena::Arena;
use epoch::Epochs;
use ids::{IdWords, Ids};
use journal::Journal;
use page::{BLOCK, Block, Entry, Leaf, LinkCell, Node};
use record::Record;

use crate::sync::{AtomicU64, fence};

/// See the module.
pub(crate) struct Store {
    pub(crate) records: Arena<Record>,
    pub(crate) ids: Ids,
    pub(crate) nodes: Arena<Node>,
    pub(crate) leaves: Arena<Leaf>,
    pub(crate) blocks: Arena<Block>,
    pub(crate) shards: Box<[Shard]>,
    pub(crate) journal: Journal,
    pub(crate) epochs: Epochs,
}

/// A shard's tree.
#[derive(Default)]
pub(crate) struct Shard {
    pub(crate) root: LinkCell,
    /// Whether it is covered, and how often that has changed.
    cover: AtomicU64,
}

/// Whether a shard was covered at an instant. Equal ones at the begin and at the end of a search: all the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cover(u64);

impl Cover {
    pub(crate) fn is_covered(self) -> bool {
        self.0 & 1 == 1
    }
}

impl Shard {
    pub(crate) fn cover(&self) -> Cover {
        Cover(self.cover.load(Acquire))
    }

    /// As [`Shard::cover`], after all that was loaded before.
    pub(crate) fn cover_after(&self) -> Cover {
        fence(Acquire);
        Cover(self.cover.load(Relaxed))
    }

    /// Visible before any change that the writer makes after it.
    pub(crate) fn set_covered(&self, covered: bool) {
        let now = self.cover.load(Relaxed);
        if Cover(now).is_covered() != covered {
            self.cover.store(now + 1, Release);
            fence(Release);
        }
    }
}

impl Store {
    /// For so many shards, and at most so many drivers.
    pub(crate) fn new(shards: u16, drivers_max: usize) -> Self {
        // A leaf or a block in a tree holds at least one driver, a node leads to at least two leaves; as much again
        // is for those that were taken out and wait for their readers.
        let pages = 2 * drivers_max;
        let store = Self {
            records: Arena::new(drivers_max),
            ids: Ids::new(drivers_max),
            nodes: Arena::new(pages),
            leaves: Arena::new(pages),
            blocks: Arena::new(pages),
            shards: (0..shards).map(|_| Shard::default()).collect(),
            journal: Journal::new(),
            epochs: Epochs::new(),
        };
        // Numbers are counted from 1; what 0 leads to is empty, and there, so that a pass may load it blindly.
        store.leaves.make(0);
        store.blocks.make(0);
        store
    }

    /// Memory of a driver's record and id.
    pub(crate) const BYTES_A_RECORD: usize = size_of::<Record>() + size_of::<IdWords>();

    pub(crate) fn shard(&self, shard: ShardId) -> &Shard {
        &self.shards[usize::from(shard.0)]
    }

    /// The entry at a record's place.
    #[inline]
    pub(crate) fn entry(&self, place: u32) -> Entry<'_> {
        self.blocks.get(place / BLOCK).entry(place % BLOCK)
    }

    /// Memory of all of it.
    pub(crate) fn bytes(&self) -> usize {
        self.records.bytes()
            + self.ids.bytes()
            + self.nodes.bytes()
            + self.leaves.bytes()
            + self.blocks.bytes()
            + size_of_val(&*self.shards)
            + self.journal.bytes()
    }
}
