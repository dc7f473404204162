//! The writer: the one that changes the index. All of it is behind one lock, which no search takes.
//!
//! `tree` and `pages` know places, `registry` knows ids; `update`, `change`, `round` and `expiry` are what sources
//! and time ask for.

pub(crate) mod ahead;
pub(crate) mod change;
pub(crate) mod deadlines;
pub(crate) mod expiry;
pub(crate) mod numbers;
pub(crate) mod pages;
pub(crate) mod registry;
pub(crate) mod round;
pub(crate) mod session;
pub(crate) mod source;
pub(crate) mod sweep;
pub(crate) mod tombstones;
pub(crate) mod tree;
pub(crate) mod update;

use std::collections::VecDeque;
use std::sync::Arc;

use kerb_types::Sharding;

use crate::coverage::Coverage;
use crate::options::Options;
use crate::store::Store;
use crate::store::record::{Home, NOWHERE};
use crate::sync::{Rule, undone};
use deadlines::Deadlines;
use pages::Pages;
use registry::Registry;
use source::Sources;
use sweep::Sweep;
use tombstones::Tombstones;

/// See the module.
pub(crate) struct Writer {
    pub(crate) store: Arc<Store>,
    pub(crate) sharding: Sharding,
    pub(crate) position_ttl_ms: i64,
    pub(crate) pages: Pages,
    pub(crate) registry: Registry,
    pub(crate) sources: Sources,
    pub(crate) coverage: Coverage,
    pub(crate) deadlines: Deadlines,
    pub(crate) sweep: Sweep,
    pub(crate) tombstones: Tombstones,
    /// Records that were found old.
    pub(crate) expired: VecDeque<u32>,
    /// Slots of sessions that have ended.
    pub(crate) orphans: Vec<Vec<u32>>,
}

impl Writer {
    pub(crate) fn new(store: Arc<Store>, sharding: Sharding, options: &Options, now_ms: i64) -> Self {
        Self {
            pages: Pages::new(store.shards.len()),
            registry: Registry::new(store.records.limit()),
            store,
            sharding,
            position_ttl_ms: options.position_ttl_ms,
            sources: Sources::default(),
            coverage: Coverage::new(sharding.shards()),
            deadlines: Deadlines::new(now_ms),
            sweep: Sweep::default(),
            tombstones: Tombstones::default(),
            expired: VecDeque::new(),
            orphans: Vec::new(),
        }
    }

    /// Takes a driver out of its tree, if it is in one, and frees its record if no slot names it.
    pub(crate) fn unplace(&mut self, number: u32) {
        let store = Arc::clone(&self.store);
        let record = store.records.get(number);
        let place = record.place();
        if place == NOWHERE {
            return;
        }
        let (position, kind) = (store.entry(place).position(), store.entry(place).traits().kind());
        record.set_place(NOWHERE);
        record.set_kind(kind);
        let home = record.home();
        record.set_home(Home { watched: false, ..home });
        tree::take_out(&store, &mut self.pages, home.shard, position.into(), place);
        store.journal.settle();
        self.registry.free_if_unused(&store, number);
    }

    /// Makes what was taken out usable again, as far as no search can see it. Called once a step.
    pub(crate) fn collect(&mut self) {
        let oldest = self.store.epochs.turn();
        let oldest = if undone(Rule::ReclaimAfterSearches) { u64::MAX } else { oldest };
        self.pages.collect(oldest);
        self.registry.collect(&self.store, oldest);
    }

    /// Shows searches whether the shards are covered.
    pub(crate) fn publish_cover(&self) {
        for (shard, shown) in self.sharding.all().zip(&self.store.shards) {
            shown.set_covered(self.coverage.is_covered(shard));
        }
    }

    /// Memory of the writer's books. Sessions are not in it.
    pub(crate) fn bytes(&self) -> usize {
        self.pages.bytes() + self.registry.bytes() + self.deadlines.bytes()
    }
}
