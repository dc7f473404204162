//! Compares a store with what was flushed to it, after kills, truncation and damage.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use kerb_location_ingest::{DriverState, DriverTable, Fanout, Metrics, RateLimit, Store, StoreError};
use kerb_ports::Slot;
use kerb_types::{DriverId, DriverProfile, Timestamp};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::fixture::{NOW_MS, place, profile, report, sharding};

type Content = BTreeMap<DriverId, (DriverProfile, Option<DriverState>)>;

/// A table with its store.
struct StoredTable {
    table: DriverTable,
    fanout: Fanout,
    metrics: Metrics,
    store: Store,
    sequence: u64,
}

impl StoredTable {
    fn open(path: &Path) -> Self {
        let (store, contents) = Store::open(path).unwrap();
        let table = DriverTable::new(sharding(), 4_000);
        table.restore(contents.drivers).unwrap();
        let (fanout, metrics) = (Fanout::new(sharding().shards()), Metrics::default());
        Self { table, fanout, metrics, store, sequence: 1_000_000 }
    }

    fn report(&mut self, driver: usize, at: u64) {
        self.sequence += 1;
        let registered = self.table.register(&profile(driver), |_| ()).unwrap();
        let report = report(place(at), self.sequence, NOW_MS);
        self.table.apply(&registered, &report, NOW_MS, RateLimit::NONE).unwrap();
    }

    fn retire(&mut self, driver: usize) {
        if let Some(slot) = self.table.slot(&profile(driver).id)
            && self.table.retire(slot, |_| true)
        {
            self.fanout.retire([slot]);
        }
    }

    fn flush(&mut self) {
        self.fanout.tick(&self.table, &self.metrics, true, Timestamp::from_millis(0));
        self.store.flush(&self.table).unwrap();
    }

    fn content(&self) -> Content {
        let of = |slot| {
            let profile = self.table.profile(slot)?;
            Some((profile.id.clone(), (profile, self.table.state(slot))))
        };
        (0..self.table.slots_end().get()).map(Slot::new).filter_map(of).collect()
    }
}

fn read(path: &Path) -> (Content, u64) {
    let (_store, contents) = Store::open(path).unwrap();
    let drivers =
        contents.drivers.into_iter().map(|(_, profile, state)| (profile.id.clone(), (profile, state)));
    (drivers.collect(), contents.corrupt)
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for item in fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        let to = to.join(item.file_name());
        if item.file_type().unwrap().is_dir() {
            copy(&item.path(), &to);
        } else {
            fs::copy(item.path(), to).unwrap();
        }
    }
}

pub(crate) fn journals(path: &Path) -> Vec<std::path::PathBuf> {
    let files = fs::read_dir(path).unwrap().map(|item| item.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|e| e == "jnl")).collect()
}

#[test]
fn every_flush_is_read_back_through_hundreds_of_them() {
    let seed = 11;
    println!("seed {seed}");
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    let copies = tempfile::tempdir().unwrap();
    let mut stored = StoredTable::open(folder.path());
    for flush in 0..400_u64 {
        for _ in 0..rng.random_range(0..60) {
            stored.report(rng.random_range(0..2_500), rng.random_range(0..300));
        }
        for _ in 0..rng.random_range(0..4) {
            stored.retire(rng.random_range(0..2_500));
        }
        stored.flush();
        // The files of a running store, as a kill leaves them.
        if flush % 40 == 7 {
            let at = copies.path().join(flush.to_string());
            copy(folder.path(), &at);
            assert_eq!(read(&at), (stored.content(), 0), "flush {flush}");
        }
    }
    let wanted = stored.content();
    drop(stored);
    assert_eq!(read(folder.path()), (wanted.clone(), 0));
    let reopened = StoredTable::open(folder.path());
    assert_eq!(reopened.content(), wanted);
    let searchable = wanted.values().filter(|(_, state)| state.is_some_and(|state| state.indexed)).count();
    assert_eq!(reopened.table.searchable(), searchable, "the reverse index is restored");
}

#[test]
fn a_truncated_journal_yields_an_earlier_flush_and_never_a_mixture() {
    let seed = 12;
    println!("seed {seed}");
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut stored = StoredTable::open(folder.path());
    let mut flushes = vec![Content::new()];
    for flush in 0..30 {
        for driver in 0..40 {
            stored.report(driver, flush * 40 + driver as u64);
        }
        stored.flush();
        flushes.push(stored.content());
    }
    let copies = tempfile::tempdir().unwrap();
    for cut in 0..40 {
        let at = copies.path().join(cut.to_string());
        copy(folder.path(), &at);
        let journal = journals(&at).pop().expect("there is a journal");
        let length = fs::metadata(&journal).unwrap().len();
        let file = fs::OpenOptions::new().write(true).open(&journal).unwrap();
        file.set_len(rng.random_range(0..length)).unwrap();
        drop(file);
        let (content, _) = read(&at);
        assert!(flushes.contains(&content), "cut {cut}: {} drivers in a state of no flush", content.len());
    }
}

#[test]
fn damage_in_the_journal_invents_no_driver() {
    let seed = 13;
    println!("seed {seed}");
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut stored = StoredTable::open(folder.path());
    let mut ever = Vec::new();
    for flush in 0..10 {
        for driver in 0..40 {
            stored.report(driver, flush * 40 + driver as u64);
        }
        stored.flush();
        ever.extend(stored.content().into_values());
    }
    let copies = tempfile::tempdir().unwrap();
    let whole = fs::read(journals(folder.path()).pop().unwrap()).unwrap();
    let used = whole.iter().rposition(|b| *b != 0).unwrap();
    for round in 0..20 {
        let at = copies.path().join(round.to_string());
        copy(folder.path(), &at);
        let journal = journals(&at).pop().unwrap();
        let mut bytes = whole.clone();
        for _ in 0..4 {
            bytes[rng.random_range(0..used)] ^= 1 << rng.random_range(0..8);
        }
        fs::write(&journal, bytes).unwrap();
        // A damaged store is set aside.
        if let Ok((_store, contents)) = Store::open(&at) {
            for (_, profile, state) in contents.drivers {
                assert!(state.is_none() || ever.contains(&(profile, state)), "round {round}");
            }
        }
    }
}

#[test]
fn a_flipped_bit_anywhere_leaves_a_store_that_opens_and_stores() {
    let (folder, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut stored = StoredTable::open(folder.path());
    for round in 0..5 {
        (0..300).for_each(|driver| stored.report(driver, round + driver as u64));
        stored.flush();
    }
    drop(stored);
    let seed = 9;
    println!("seed {seed}");
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    for round in 0..60 {
        let at = copies.path().join(round.to_string());
        copy(folder.path(), &at);
        let files = files_below(&at);
        let file = &files[round % files.len()];
        let mut bytes = fs::read(file).unwrap();
        if bytes.is_empty() {
            continue;
        }
        let index = rng.random_range(0..bytes.len());
        bytes[index] ^= 1 << rng.random_range(0..8);
        fs::write(file, bytes).unwrap();
        let mut stored = StoredTable::open(&at);
        stored.report(1, 7);
        stored.flush();
        let right = stored.content();
        drop(stored);
        assert_eq!(StoredTable::open(&at).content(), right, "{} at {index}", file.display());
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            files.extend(files_below(&entry.path()));
        } else {
            files.push(entry.path());
        }
    }
    files.sort();
    files
}

#[test]
fn a_store_belongs_to_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let (_first, _) = Store::open(folder.path()).unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::InUse(_)), "{error}");
    assert!(error.to_string().contains("another process"), "{error}");
}

#[test]
fn a_driver_never_inherits_the_state_of_its_slots_last_driver() {
    let folder = tempfile::tempdir().unwrap();
    let copies = tempfile::tempdir().unwrap();
    let mut stored = StoredTable::open(folder.path());
    for round in 0..40_u64 {
        let driver = round as usize;
        stored.report(driver, round);
        stored.flush();
        stored.retire(driver);
        stored.fanout.tick(&stored.table, &stored.metrics, true, Timestamp::from_millis(0));
        // A flush that began before the removal was marked, then the next driver, then a kill.
        if round % 2 == 0 {
            stored.flush();
        }
        stored.table.register(&profile(driver + 1), |_| ()).unwrap();
        if round % 3 == 0 {
            stored.report(driver + 1, round + 100);
        }
        let at = copies.path().join(round.to_string());
        copy(folder.path(), &at);
        let (content, corrupt) = read(&at);
        assert_eq!(corrupt, 0);
        for (id, (_, state)) in content {
            let number: u64 = id.as_str().trim_start_matches("driver-").parse().unwrap();
            let own = [place(number), place(number + 99)];
            assert!(
                state.is_none_or(|state| own.contains(&state.position)),
                "{id} has the position of another driver"
            );
        }
    }
}
