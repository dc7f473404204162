//! Which record a driver has. Asked when a driver is introduced, forgotten or freed, never by an update.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use kerb_fleet::{DriverCard, Error};

use crate::store::Store;
use crate::store::cards::{CARDS, CardsNow};
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
    /// By chunk of cards: records that are nobody's, whose cards are still there.
    dead: Vec<Vec<u32>>,
    len: usize,
}

impl Registry {
    pub(crate) fn new() -> Self {
        Self {
            tables: (0..TABLES).map(|_| HashTable::new()).collect(),
            hasher: foldhash::fast::RandomState::default(),
            numbers: Pool::new(),
            dead: Vec::new(),
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
        let cards = store.cards.now();
        self.tables[table(hash)].find(hash, |record| id_of(&cards, *record) == id).copied()
    }

    /// The record of the card's driver, a new one if it has none.
    pub(crate) fn find_or_add(&mut self, store: &Store, card: &Arc<DriverCard>) -> Result<u32, Error> {
        let hash = self.hasher.hash_one(card.id.as_str());
        let (hasher, cards) = (&self.hasher, store.cards.now());
        let same = |record: &u32| id_of(&cards, *record) == card.id.as_str();
        let hash_of = |record: &u32| hasher.hash_one(id_of(&cards, *record));
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
                }
                store.cards.add(record, Arc::clone(card));
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
        let hash = self.hasher.hash_one(id_of(&store.cards.now(), record));
        if let Ok(entry) = self.tables[table(hash)].find_entry(hash, |other| *other == record) {
            entry.remove();
            self.len -= 1;
            self.numbers.give_back(store.epochs.now(), record);
        }
    }

    /// As [`super::pages::Pages::collect`]. Cards go by the dozen, because a chunk of them is copied for it.
    pub(crate) fn collect(&mut self, store: &Store, oldest: u64) {
        while let Some(record) = self.numbers.leave_limbo(oldest) {
            let chunk = record as usize / CARDS;
            if chunk >= self.dead.len() {
                self.dead.resize_with(chunk + 1, Vec::new);
            }
            self.dead[chunk].push(record);
            if self.dead[chunk].len() == CARDS / 4 {
                self.bury(store, chunk);
            }
        }
        if self.numbers.left(store.records.limit()) == 0 {
            (0..self.dead.len()).for_each(|chunk| self.bury(store, chunk));
        }
    }

    /// Drops a chunk's dead cards and frees their records.
    fn bury(&mut self, store: &Store, chunk: usize) {
        let mut dead = std::mem::take(&mut self.dead[chunk]);
        dead.sort_unstable();
        store.cards.empty(&dead);
        self.numbers.free(&dead);
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

fn id_of(cards: &CardsNow, record: u32) -> &str {
    cards.get(record).map_or("", |card| card.id.as_str())
}
