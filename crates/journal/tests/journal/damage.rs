//! Damaged files: every bit and every length that was tried gives an error that names the folder, or all the records as
//! they were written. Never a panic, never a wrong record, never a missing one.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use kerb_journal::{FjallJournal, JournalError};
use kerb_ports::conformance::journal::{market, record};
use kerb_ports::{TripJournal, TripJournalError};
use kerb_trips::MarketId;

/// Places that are tried in each file, at most.
const PLACES: u64 = 24;
/// Records of each market.
const RECORDS: u64 = 40;
const MARKETS: [&str; 2] = ["east", "world"];

/// Where the records lie: in the engine's log, or sorted into tables with the rest in the log.
#[derive(Clone, Copy, Debug)]
enum Layout {
    Log,
    Tables,
}

async fn append(folder: &Path, first: u64, last: u64) {
    let journal = FjallJournal::open(folder).unwrap();
    for version in first..=last {
        for name in MARKETS {
            journal.append(market(name), version - 1, record(name, version)).await.unwrap();
        }
    }
    journal.save_snapshot(market("world"), last, b"all of it".to_vec()).await.unwrap();
}

/// Writes all that waits in memory to tables.
fn sort_to_tables(folder: &Path) {
    let db = fjall::Database::builder(folder.join("engine")).open().unwrap();
    for name in ["records", "snapshots"] {
        let keyspace = db.keyspace(name, fjall::KeyspaceCreateOptions::default).unwrap();
        keyspace.rotate_memtable_and_wait().unwrap();
    }
}

async fn make(folder: &Path, layout: Layout) {
    append(folder, 1, RECORDS / 2).await;
    if matches!(layout, Layout::Tables) {
        sort_to_tables(folder);
    }
    append(folder, RECORDS / 2 + 1, RECORDS).await;
    // The engine sets its log to its length when it opens it again.
    drop(FjallJournal::open(folder).unwrap());
}

/// Opens and reads everything, as a matcher does at its start. `Ok` when all is there as it was written.
async fn read_all(folder: &Path) -> Result<(), String> {
    let journal = FjallJournal::open(folder).map_err(|e| e.to_string())?;
    let told = |error: TripJournalError| error.to_string();
    assert_eq!(journal.markets().await.map_err(told)?, MARKETS.map(market));
    for name in MARKETS {
        let read = journal.read(market(name), 0, usize::MAX).await.map_err(told)?;
        let expected: Vec<_> = (1..=RECORDS).map(|version| (version, record(name, version))).collect();
        assert_eq!(read, expected, "a record is wrong or missing, and nobody said so");
    }
    if let Some(snapshot) = journal.snapshot(market("world")).await.map_err(told)? {
        assert!([RECORDS / 2, RECORDS].contains(&snapshot.0) && snapshot.1 == b"all of it", "{snapshot:?}");
    }
    Ok(())
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Places from the first byte to the last, spread over the file.
fn places(length: u64) -> impl Iterator<Item = u64> {
    let count = length.min(PLACES);
    (0..count).map(move |n| n * length.saturating_sub(1) / count.saturating_sub(1).max(1))
}

fn flip(file: &File, place: u64) {
    let mut byte = [0];
    file.read_exact_at(&mut byte, place).unwrap();
    file.write_all_at(&[byte[0] ^ 1 << (place % 8)], place).unwrap();
}

/// Damages a copy at every place of every file, and judges each.
async fn try_all(layout: Layout, damage: impl Fn(&File, u64)) {
    let folder = tempfile::tempdir().unwrap();
    let (whole, copied) = (folder.path().join("whole"), folder.path().join("copied"));
    make(&whole, layout).await;
    read_all(&whole).await.unwrap();
    let (mut found, mut harmless) = (0, 0);
    for file in files_below(&whole) {
        for place in places(file.metadata().unwrap().len()) {
            copy(&whole, &copied);
            let name = file.strip_prefix(&whole).unwrap();
            let damaged = OpenOptions::new().read(true).write(true).open(copied.join(name)).unwrap();
            damage(&damaged, place);
            println!("{layout:?} {} at {place}", name.display());
            match read_all(&copied).await {
                Ok(()) => harmless += 1,
                Err(text) => {
                    assert!(text.contains(&*copied.to_string_lossy()), "names no folder: {text}");
                    println!("    {text}");
                    found += 1;
                }
            }
            std::fs::remove_dir_all(&copied).unwrap();
        }
    }
    println!("{layout:?}: {found} found, {harmless} without harm");
    assert!(found > 0, "nothing was damaged");
}

#[tokio::test]
async fn a_flipped_bit_of_the_log_is_found_or_harmless() {
    try_all(Layout::Log, flip).await;
}

#[tokio::test]
async fn a_flipped_bit_of_the_tables_is_found_or_harmless() {
    try_all(Layout::Tables, flip).await;
}

#[tokio::test]
async fn a_cut_log_is_found_or_harmless() {
    try_all(Layout::Log, |file, length| file.set_len(length).unwrap()).await;
}

#[tokio::test]
async fn a_cut_table_is_found_or_harmless() {
    try_all(Layout::Tables, |file, length| file.set_len(length).unwrap()).await;
}

/// Changes a record's value where the engine cannot see it: through the engine.
fn write_behind(folder: &Path, change: impl FnOnce(&fjall::Keyspace)) {
    let db = fjall::Database::builder(folder.join("engine")).open().unwrap();
    change(&db.keyspace("records", fjall::KeyspaceCreateOptions::default).unwrap());
    db.persist(fjall::PersistMode::SyncAll).unwrap();
}

fn key(market: &MarketId, version: u64) -> Vec<u8> {
    [market.as_str().as_bytes(), &[0], &version.to_be_bytes()].concat()
}

async fn whole() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), 1, 5).await;
    folder
}

#[tokio::test]
async fn a_changed_record_is_named_and_the_others_are_read() {
    let folder = whole().await;
    let world = market("world");
    write_behind(folder.path(), |records| {
        let mut value = records.get(key(&world, 3)).unwrap().unwrap().to_vec();
        *value.last_mut().unwrap() ^= 1;
        records.insert(key(&world, 3), value).unwrap();
    });
    let journal = FjallJournal::open(folder.path()).unwrap();
    let path = folder.path().display();
    let error = journal.read(world.clone(), 0, 10).await.unwrap_err();
    let damaged = format!(
        "internal: trip journal in {path}: record 3 of market world is damaged: its check does not hold"
    );
    assert_eq!(error.to_string(), damaged);
    assert_eq!(journal.read(world.clone(), 3, 10).await.unwrap().len(), 2);
    assert_eq!(journal.read(world, 0, 2).await.unwrap().len(), 2);
    assert_eq!(journal.read(market("east"), 0, 10).await.unwrap().len(), 5);
}

#[tokio::test]
async fn a_missing_record_is_named() {
    let folder = whole().await;
    let (world, path) = (market("world"), folder.path().display().to_string());
    let missing = |version| format!("trip journal in {path}: record {version} of market world is missing");
    // The count of what is there would speak first.
    let forget_count = || std::fs::remove_file(folder.path().join("acknowledged")).unwrap();
    write_behind(folder.path(), |records| records.remove(key(&world, 3)).unwrap());
    forget_count();
    let journal = FjallJournal::open(folder.path()).unwrap();
    let error = journal.read(world.clone(), 0, 10).await.unwrap_err();
    assert_eq!(error, TripJournalError::Internal(missing(3)));
    drop(journal);
    write_behind(folder.path(), |records| records.remove(key(&world, 1)).unwrap());
    forget_count();
    assert_eq!(FjallJournal::open(folder.path()).unwrap_err().to_string(), missing(1));
}

#[tokio::test]
async fn a_record_in_the_place_of_another_is_damaged() {
    let folder = whole().await;
    let world = market("world");
    write_behind(folder.path(), |records| {
        let other = records.get(key(&world, 2)).unwrap().unwrap();
        records.insert(key(&world, 3), other).unwrap();
    });
    let journal = FjallJournal::open(folder.path()).unwrap();
    let error = journal.read(world, 0, 10).await.unwrap_err().to_string();
    assert!(error.contains("record 3 of market world is damaged"), "{error}");
}

#[tokio::test]
async fn acknowledged_records_that_are_gone_from_the_end_are_missed() {
    let folder = whole().await;
    let east = market("east");
    // Without them the last of east is version 3: to the engine and by the versions nothing is wrong.
    write_behind(folder.path(), |records| {
        records.remove(key(&east, 4)).unwrap();
        records.remove(key(&east, 5)).unwrap();
    });
    let error = FjallJournal::open(folder.path()).unwrap_err();
    assert!(matches!(error, JournalError::Missing { acknowledged: 10, found: 8, .. }), "{error}");
    // The way out that the error names.
    std::fs::remove_file(folder.path().join("acknowledged")).unwrap();
    let journal = FjallJournal::open(folder.path()).unwrap();
    assert_eq!(journal.append(east.clone(), 3, record("east", 4)).await, Ok(4));
}

#[tokio::test]
async fn a_snapshot_ahead_of_its_records_shows_a_loss() {
    let folder = whole().await;
    let world = market("world");
    write_behind(folder.path(), |records| records.remove(key(&world, 5)).unwrap());
    std::fs::remove_file(folder.path().join("acknowledged")).unwrap();
    let error = FjallJournal::open(folder.path()).unwrap_err();
    assert!(matches!(&error, JournalError::Gap { version: 5, .. }), "{error}");
}
