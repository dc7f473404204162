//! Finds the record of a driver id.
//!
//! A slot binding, an eviction or the release of a record needs it; an update does not.

use std::hash::BuildHasher;

use kerb_ports::ReplicationError;
use kerb_types::{DriverId, DriverProfile};

use super::id_table::{IdTable, NumberMask};
use super::index_pool::IndexPool;
use crate::store::Store;
use crate::store::driver_ids::LongIdPool;
use crate::store::indices::RecordIndex;
use crate::store::record::{REFERENCES_MAX, VehicleKind};

/// Number of tables that share the ids, so that the one that grows is small. Growing hashes every id of a table again,
/// which in one table of 1 M drivers would block the writer for 0.1 s.
const TABLES: usize = 64;

/// The map from driver ids to records.
pub(crate) struct DriverRegistry {
    tables: Vec<IdTable>,
    mask: NumberMask,
    hasher: foldhash::fast::RandomState,
    records: IndexPool<RecordIndex>,
    long_ids: LongIdPool,
    len: usize,
}

impl DriverRegistry {
    /// Makes room for at most `limit` drivers.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            tables: (0..TABLES).map(|_| IdTable::default()).collect(),
            mask: NumberMask::up_to(limit),
            hasher: foldhash::fast::RandomState::default(),
            records: IndexPool::new(),
            long_ids: LongIdPool::default(),
            len: 0,
        }
    }

    /// Number of drivers that have a record.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Returns the record of this id.
    pub(crate) fn find(&self, store: &Store, id: &DriverId) -> Option<RecordIndex> {
        let id = id.as_str().as_bytes();
        let hash = self.hasher.hash_one(id);
        let has_id = |record| store.ids.get(RecordIndex::new(record)).as_bytes() == id;
        self.tables[table_of(hash)].find(self.mask, hash, has_id).map(RecordIndex::new)
    }

    /// Returns the record of the profile's driver, a new one if there is none.
    pub(crate) fn find_or_add(
        &mut self,
        store: &Store,
        profile: &DriverProfile,
    ) -> Result<RecordIndex, ReplicationError> {
        if let Some(record) = self.find(store, &profile.id) {
            return Ok(record);
        }
        let limit = store.records.limit();
        if self.records.available(limit) == 0 {
            return Err(ReplicationError::Overloaded { what: "drivers", limit });
        }
        let (record, new) = self.records.take();
        if new {
            store.records.allocate(record);
        }
        store.ids.set(record, &profile.id, &mut self.long_ids);
        store.records.get(record).set_kind(VehicleKind::from(profile));
        let (hasher, hash) = (&self.hasher, self.hasher.hash_one(profile.id.as_str().as_bytes()));
        let table = &mut self.tables[table_of(hash)];
        table.insert(self.mask, hash, record.get(), |record| hash_of(hasher, store, record));
        self.len += 1;
        Ok(record)
    }

    /// Counts one more slot that names the record.
    pub(crate) fn add_reference(store: &Store, record: RecordIndex) -> Result<(), ReplicationError> {
        let record = store.records.get(record);
        let mut meta = record.meta();
        if meta.references == REFERENCES_MAX {
            return Err(ReplicationError::Overloaded {
                what: "slots of one driver",
                limit: REFERENCES_MAX as usize,
            });
        }
        meta.references += 1;
        record.set_meta(meta);
        Ok(())
    }

    /// Counts one slot less, and frees the record if it has no use any more.
    pub(crate) fn release(&mut self, store: &Store, index: RecordIndex) {
        let record = store.records.get(index);
        let mut meta = record.meta();
        meta.references -= 1;
        record.set_meta(meta);
        self.free_if_unused(store, index);
    }

    /// Frees a record that no slot names and that is in no tree. Its id stays until no search can find it.
    pub(crate) fn free_if_unused(&mut self, store: &Store, index: RecordIndex) {
        let record = store.records.get(index);
        if record.meta().references > 0 || !record.entry().is_none() {
            return;
        }
        let (hasher, hash) = (&self.hasher, hash_of(&self.hasher, store, index.get()));
        let table = &mut self.tables[table_of(hash)];
        if table.remove(self.mask, hash, index.get(), |record| hash_of(hasher, store, record)) {
            self.len -= 1;
            self.records.retire(store.epochs.now(), index);
        }
    }

    /// Frees the records that no search can reach any more, as [`super::page_pools::PagePools::reclaim`] frees pages.
    pub(crate) fn reclaim(&mut self, store: &Store, oldest: u64) {
        while let Some(record) = self.records.take_reclaimable(oldest) {
            store.ids.clear(record, &mut self.long_ids);
            self.records.free(record);
        }
    }

    /// Memory of the tables and the list of free records, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.tables.iter().map(IdTable::bytes).sum::<usize>() + self.records.bytes()
    }
}

fn hash_of(hasher: &foldhash::fast::RandomState, store: &Store, record: u32) -> u64 {
    hasher.hash_one(store.ids.get(RecordIndex::new(record)).as_bytes())
}

/// Chooses the table of a hash, by bits that hardly affect the place within a table.
///
/// The last table gets twice the share of the first, and those between grow in equal ratios. Equal shares would make all
/// tables grow at the same time.
fn table_of(hash: u64) -> usize {
    let share = 1.0 + (hash >> 40 & 0xffff) as f64 / 65_536.0;
    (share.log2() * TABLES as f64) as usize
}
