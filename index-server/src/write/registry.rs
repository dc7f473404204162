//! Which record a driver has. Asked when a driver is introduced, forgotten or freed, never by an update.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use kerb_fleet::{DriverCard, Error};

use crate::store::Store;
use crate::store::epoch::Pool;
use crate::store::record::{NOWHERE, REFERENCES_MAX};

/// The map is cut into so many, so that the one that grows is small: growing hashes every id of it again, which at
/// 1 M drivers in one table would hold the writer for 0.1 s.
const TABLES: usize = 64;

/// See the module. Records are numbered from 1.
pub(crate) struct Registry {
    tables: Vec<HashTable<u32>>,
    hasher: foldhash::fast::RandomState,
    numbers: Pool,
    len: usize,
}

impl Registry {
    pub(crate) fn new() -> Self {
        Self {
            tables: (0..TABLES).map(|_| HashTable::new()).collect(),
            hasher: foldhash::fast::RandomState::default(),
            numbers: Pool::new(),
            len: 0,
        }
    }

    /// Drivers that have a record.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The record of this id.
    pub(crate) fn find(&self, store: &Store, id: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(id);
        self.tables[table(hash)].find(hash, |record| has_id(store, *record, id)).copied()
    }

    /// The record of the card's driver, a new one if it has none.
    pub(crate) fn find_or_add(&mut self, store: &Store, card: &Arc<DriverCard>) -> Result<u32, Error> {
        let hash = self.hasher.hash_one(card.id.as_str());
        let hasher = &self.hasher;
        let same = |record: &u32| has_id(store, *record, card.id.as_str());
        let hash_of = |record: &u32| {
            let card = store.cards.get(*record).load();
            hasher.hash_one(card.as_ref().map_or("", |card| card.id.as_str()))
        };
        match self.tables[table(hash)].entry(hash, same, hash_of) {
            Entry::Occupied(entry) => Ok(*entry.get()),
            Entry::Vacant(entry) => {
                let limit = store.records.limit();
                if self.numbers.left(limit) == 0 {
                    return Err(Error::Overloaded { what: "drivers", limit });
                }
                let (record, new) = self.numbers.take();
                if new {
                    store.records.make(record);
                    store.cards.make(record);
                }
                store.cards.get(record).store(Some(Arc::clone(card)));
                entry.insert(record);
                self.len += 1;
                Ok(record)
            }
        }
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

    /// Frees a record that no slot names and that is in no tree. Its card stays until no search can find it.
    pub(crate) fn free_if_unused(&mut self, store: &Store, record: u32) {
        let held = store.records.get(record);
        if held.home().references > 0 || held.place() != NOWHERE {
            return;
        }
        let card = store.cards.get(record).load();
        let id = card.as_ref().map_or("", |card| card.id.as_str());
        let hash = self.hasher.hash_one(id);
        if let Ok(entry) = self.tables[table(hash)].find_entry(hash, |other| *other == record) {
            entry.remove();
            self.len -= 1;
            self.numbers.give_back(store.epochs.now(), record);
        }
    }

    /// As [`super::pages::Pages::collect`].
    pub(crate) fn collect(&mut self, store: &Store, oldest: u64) {
        self.numbers.collect(oldest, |record| store.cards.get(record).store(None));
    }

    /// Memory of the map and the list of free numbers.
    pub(crate) fn bytes(&self) -> usize {
        self.tables.iter().map(HashTable::allocation_size).sum::<usize>() + self.numbers.bytes()
    }
}

/// Bits that hashbrown uses neither for the place nor for the tag.
fn table(hash: u64) -> usize {
    (hash >> 40) as usize % TABLES
}

fn has_id(store: &Store, record: u32, id: &str) -> bool {
    store.cards.get(record).load().as_ref().is_some_and(|card| card.id.as_str() == id)
}
