//! What a store gives back: after turns, kills, cuts and damage.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use kerb_location_ingest::{Counters, DriverTable, Links, RateLimit, State, Store, StoreError};
use kerb_types::{DriverId, DriverProfile};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::fixture::{NOW_MS, place, profile, report, sharding};

type Content = BTreeMap<DriverId, (DriverProfile, Option<State>)>;

/// A table with a store, and what every turn made durable.
struct Kept {
    table: DriverTable,
    links: Links,
    counters: Counters,
    store: Store,
    sequence: u64,
}

impl Kept {
    fn open(path: &Path) -> Self {
        let (store, loaded) = Store::open(path).unwrap();
        let table = DriverTable::new(sharding(), 4_000);
        table.restore(loaded.drivers).unwrap();
        let (links, counters) = (Links::new(sharding().shards()), Counters::default());
        Self { table, links, counters, store, sequence: 1_000_000 }
    }

    fn report(&mut self, driver: usize, at: u64) {
        self.sequence += 1;
        let enrolled = self.table.enrol(&profile(driver), |_| ()).unwrap();
        let report = report(place(at), self.sequence, NOW_MS);
        self.table.apply(&enrolled, &report, NOW_MS, RateLimit::NONE).unwrap();
    }

    fn retire(&mut self, driver: usize) {
        if let Some(slot) = self.table.slot(&profile(driver).id)
            && self.table.retire(slot, |_| true)
        {
            self.links.retire([slot]);
        }
    }

    fn turn(&mut self) {
        self.links.tick(&self.table, &self.counters, true, 0);
        self.store.turn(&self.table).unwrap();
    }

    fn content(&self) -> Content {
        let of = |slot| {
            let profile = self.table.profile(slot)?;
            Some((profile.id.clone(), (profile, self.table.state(slot))))
        };
        (0..self.table.slots_end()).filter_map(of).collect()
    }
}

fn read(path: &Path) -> (Content, u64) {
    let (_store, loaded) = Store::open(path).unwrap();
    let drivers =
        loaded.drivers.into_iter().map(|(_, profile, state)| (profile.id.clone(), (profile, state)));
    (drivers.collect(), loaded.corrupt)
}

fn copy(from: &Path, to: &Path) {
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

fn journals(path: &Path) -> Vec<std::path::PathBuf> {
    let files = fs::read_dir(path).unwrap().map(|item| item.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|e| e == "jnl")).collect()
}

#[test]
fn every_turn_comes_back_through_hundreds_of_them() {
    let seed = 11;
    println!("seed {seed}");
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    let copies = tempfile::tempdir().unwrap();
    let mut kept = Kept::open(folder.path());
    for turn in 0..400_u64 {
        for _ in 0..rng.random_range(0..60) {
            kept.report(rng.random_range(0..2_500), rng.random_range(0..300));
        }
        for _ in 0..rng.random_range(0..4) {
            kept.retire(rng.random_range(0..2_500));
        }
        kept.turn();
        // As a kill leaves it: the files of a running store.
        if turn % 40 == 7 {
            let at = copies.path().join(turn.to_string());
            copy(folder.path(), &at);
            assert_eq!(read(&at), (kept.content(), 0), "turn {turn}");
        }
    }
    let wanted = kept.content();
    drop(kept);
    assert_eq!(read(folder.path()), (wanted.clone(), 0));
    let again = Kept::open(folder.path());
    assert_eq!(again.content(), wanted);
    let searchable = wanted.values().filter(|(_, state)| state.is_some_and(|state| state.listed)).count();
    assert_eq!(again.table.searchable(), searchable, "the reverse index is back");
}

#[test]
fn a_cut_journal_gives_back_an_earlier_turn_and_never_a_mixture() {
    let seed = 12;
    println!("seed {seed}");
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut kept = Kept::open(folder.path());
    let mut turns = vec![Content::new()];
    for turn in 0..30 {
        for driver in 0..40 {
            kept.report(driver, turn * 40 + driver as u64);
        }
        kept.turn();
        turns.push(kept.content());
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
        assert!(turns.contains(&content), "cut {cut}: {} drivers that stood so at no turn", content.len());
    }
}

#[test]
fn damage_in_the_journal_makes_no_driver_up() {
    let seed = 13;
    println!("seed {seed}");
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut kept = Kept::open(folder.path());
    let mut ever = Vec::new();
    for turn in 0..10 {
        for driver in 0..40 {
            kept.report(driver, turn * 40 + driver as u64);
        }
        kept.turn();
        ever.extend(kept.content().into_values());
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
        // Refusing to open is an answer, too.
        if let Ok((_store, loaded)) = Store::open(&at) {
            for (_, profile, state) in loaded.drivers {
                assert!(state.is_none() || ever.contains(&(profile, state)), "round {round}");
            }
        }
    }
}

#[test]
fn one_store_is_for_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let (_first, _) = Store::open(folder.path()).unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::InUse(_)), "{error}");
    assert!(error.to_string().contains("another process"), "{error}");
}

#[test]
fn a_driver_of_a_reused_slot_never_inherits() {
    let folder = tempfile::tempdir().unwrap();
    let copies = tempfile::tempdir().unwrap();
    let mut kept = Kept::open(folder.path());
    for round in 0..40_u64 {
        let driver = round as usize;
        kept.report(driver, round);
        kept.turn();
        kept.retire(driver);
        kept.links.tick(&kept.table, &kept.counters, true, 0);
        // A turn that began before the removal reached the marks, and the next driver: then a kill.
        if round % 2 == 0 {
            kept.turn();
        }
        kept.table.enrol(&profile(driver + 1), |_| ()).unwrap();
        if round % 3 == 0 {
            kept.report(driver + 1, round + 100);
        }
        let at = copies.path().join(round.to_string());
        copy(folder.path(), &at);
        let (content, corrupt) = read(&at);
        assert_eq!(corrupt, 0);
        for (id, (_, state)) in content {
            let number: u64 = id.as_str().trim_start_matches("driver-").parse().unwrap();
            let own = [place(number), place(number + 99)];
            assert!(state.is_none_or(|state| own.contains(&state.position)), "{id} is where another was");
        }
    }
}
