//! Which record a driver has. Asked when a driver is introduced, forgotten or freed, never by an update.

use std::hash::BuildHasher;

use kerb_ports::Error;
use kerb_types::{DriverId, DriverProfile};

use super::numbers::{Mask, Numbers};
use crate::store::Store;
use crate::store::epoch::Pool;
use crate::store::ids::LongSlots;
use crate::store::record::{Kind, NOWHERE, REFERENCES_MAX};

/// The map is cut into so many, so that the one that grows is small: growing hashes every id of it again, which at
/// 1 M drivers in one table would hold the writer for 0.1 s.
const TABLES: usize = 64;

/// See the module. Records are numbered from 1.
pub(crate) struct Registry {
    tables: Vec<Numbers>,
    mask: Mask,
    hasher: foldhash::fast::RandomState,
    numbers: Pool,
    long_ids: LongSlots,
    len: usize,
}

impl Registry {
    /// For at most so many.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            tables: (0..TABLES).map(|_| Numbers::default()).collect(),
            mask: Mask::new(limit),
            hasher: foldhash::fast::RandomState::default(),
            numbers: Pool::new(),
            long_ids: LongSlots::default(),
            len: 0,
        }
    }

    /// Drivers that have a record.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The record of this id.
    pub(crate) fn find(&self, store: &Store, id: &DriverId) -> Option<u32> {
        let id = id.as_str().as_bytes();
        let hash = self.hasher.hash_one(id);
        self.tables[table(hash)].find(self.mask, hash, |record| store.ids.get(record).as_bytes() == id)
    }

    /// The record of the profile's driver, a new one if it has none.
    pub(crate) fn find_or_add(&mut self, store: &Store, profile: &DriverProfile) -> Result<u32, Error> {
        if let Some(record) = self.find(store, &profile.id) {
            return Ok(record);
        }
        let limit = store.records.limit();
        if self.numbers.left(limit) == 0 {
            return Err(Error::Overloaded { what: "drivers", limit });
        }
        let (record, new) = self.numbers.take();
        if new {
            store.records.make(record);
        }
        store.ids.set(record, &profile.id, &mut self.long_ids);
        store.records.get(record).set_kind(Kind::from(profile));
        let (hasher, hash) = (&self.hasher, self.hasher.hash_one(profile.id.as_str().as_bytes()));
        self.tables[table(hash)].insert(self.mask, hash, record, |record| hash_of(hasher, store, record));
        self.len += 1;
        Ok(record)
    }

    /// One more slot names the record.
    pub(crate) fn refer(store: &Store, record: u32) -> Result<(), Error> {
        let record = store.records.get(record);
        let mut home = record.home();
        if home.references == REFERENCES_MAX {
            return Err(Error::Overloaded { what: "slots of one driver", limit: REFERENCES_MAX as usize });
        }
        home.references += 1;
        record.set_home(home);
        Ok(())
    }

    /// One slot less names the record.
    pub(crate) fn release(&mut self, store: &Store, record: u32) {
        let held = store.records.get(record);
        let mut home = held.home();
        home.references -= 1;
        held.set_home(home);
        self.free_if_unused(store, record);
    }

    /// Frees a record that no slot names and that is in no tree. Its id stays until no search can find it.
    pub(crate) fn free_if_unused(&mut self, store: &Store, record: u32) {
        let held = store.records.get(record);
        if held.home().references > 0 || held.place() != NOWHERE {
            return;
        }
        let (hasher, hash) = (&self.hasher, hash_of(&self.hasher, store, record));
        let table = &mut self.tables[table(hash)];
        if table.remove(self.mask, hash, record, |record| hash_of(hasher, store, record)) {
            self.len -= 1;
            self.numbers.give_back(store.epochs.now(), record);
        }
    }

    /// As [`super::pages::Pages::collect`].
    pub(crate) fn collect(&mut self, store: &Store, oldest: u64) {
        while let Some(record) = self.numbers.leave_limbo(oldest) {
            store.ids.clear(record, &mut self.long_ids);
            self.numbers.free(record);
        }
    }

    /// Memory of the map and the list of free numbers.
    pub(crate) fn bytes(&self) -> usize {
        self.tables.iter().map(Numbers::bytes).sum::<usize>() + self.numbers.bytes()
    }
}

fn hash_of(hasher: &foldhash::fast::RandomState, store: &Store, record: u32) -> u64 {
    hasher.hash_one(store.ids.get(record).as_bytes())
}

/// From bits that decide little within a table. The last one gets twice the share of the first, those between in even
/// ratios, because equal ones would all grow at the same size.
fn table(hash: u64) -> usize {
    let share = 1.0 + (hash >> 40 & 0xffff) as f64 / 65_536.0;
    (share.log2() * TABLES as f64) as usize
}
