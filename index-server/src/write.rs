//! The writer: the only part that changes the index. One lock guards all of it, and no search takes that lock.
//!
//! `tree` and `page_pools` change the trees, `registry` maps ids to records. `update`, `registration`, `resync` and
//! `expiry` do what sources and time require.

pub(crate) mod expiry;
pub(crate) mod expiry_index;
pub(crate) mod id_table;
pub(crate) mod index_pool;
pub(crate) mod page_pools;
pub(crate) mod prefetch;
pub(crate) mod registration;
pub(crate) mod registry;
pub(crate) mod resync;
pub(crate) mod summary_sweep;
pub(crate) mod tombstones;
pub(crate) mod tree;
pub(crate) mod update;

use std::collections::VecDeque;
use std::sync::Arc;

use kerb_types::{Millis, Sharding, Timestamp};

use crate::options::Options;
use crate::replication::coverage::Coverage;
use crate::replication::sources::Sources;
use crate::store::Store;
use crate::store::indices::{EntryIndex, RecordIndex};
use crate::store::record::RecordMeta;
use crate::sync::{Rule, undone};
use expiry_index::ExpiryIndex;
use page_pools::PagePools;
use registry::DriverRegistry;
use summary_sweep::SummarySweep;
use tombstones::Tombstones;

/// The state that only the writer uses, and the store that it shares with searches.
pub(crate) struct Writer {
    pub(crate) store: Arc<Store>,
    pub(crate) sharding: Sharding,
    pub(crate) position_ttl_ms: Millis,
    pub(crate) pages: PagePools,
    pub(crate) registry: DriverRegistry,
    pub(crate) sources: Sources,
    pub(crate) coverage: Coverage,
    pub(crate) expiry_index: ExpiryIndex,
    pub(crate) summary_sweep: SummarySweep,
    pub(crate) tombstones: Tombstones,
    /// Drivers whose positions were too old when they were checked.
    pub(crate) due: VecDeque<RecordIndex>,
    /// Slots of closed streams.
    pub(crate) closed_stream_slots: Vec<Vec<RecordIndex>>,
}

impl Writer {
    pub(crate) fn new(store: Arc<Store>, sharding: Sharding, options: &Options, now: Timestamp) -> Self {
        Self {
            pages: PagePools::new(store.shards.len()),
            registry: DriverRegistry::new(store.records.limit()),
            store,
            sharding,
            position_ttl_ms: options.position_ttl_ms,
            sources: Sources::default(),
            coverage: Coverage::new(sharding.shards()),
            expiry_index: ExpiryIndex::new(now),
            summary_sweep: SummarySweep::default(),
            tombstones: Tombstones::default(),
            due: VecDeque::new(),
            closed_stream_slots: Vec::new(),
        }
    }

    /// Removes a driver from its tree, if it is in one, and frees its record if no slot names it.
    pub(crate) fn deindex(&mut self, index: RecordIndex) {
        let store = Arc::clone(&self.store);
        let record = store.records.get(index);
        let entry = record.entry();
        if entry.is_none() {
            return;
        }
        let (position, kind) = (store.entry(entry).position(), store.entry(entry).attributes().kind());
        // The record first: a search that still finds the entry then sees that the driver is in no tree.
        record.set_entry(EntryIndex::NONE);
        record.set_kind(kind);
        let meta = record.meta();
        record.set_meta(RecordMeta { in_expiry_index: false, ..meta });
        tree::remove(&store, &mut self.pages, meta.shard, position.into(), entry);
        // The removal may have moved another driver of a chain, which it logged.
        store.move_log.settle();
        self.registry.free_if_unused(&store, index);
    }

    /// Makes unlinked pages and records usable again, as far as no search can reach them. Called once per step.
    pub(crate) fn reclaim(&mut self) {
        let oldest = self.store.epochs.advance();
        let oldest = if undone(Rule::ReclaimAfterSearches) { u64::MAX } else { oldest };
        self.pages.reclaim(oldest);
        self.registry.reclaim(&self.store, oldest);
    }

    /// Shows searches which shards are covered.
    pub(crate) fn publish_coverage(&self) {
        for (shard, tree) in self.sharding.all().zip(&self.store.shards) {
            tree.set_covered(self.coverage.is_covered(shard));
        }
    }

    /// Memory of the writer's own state, in bytes, without the slots of streams.
    pub(crate) fn bytes(&self) -> usize {
        self.pages.bytes() + self.registry.bytes() + self.expiry_index.bytes()
    }
}
