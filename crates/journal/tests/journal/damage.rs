//! Damaged files: after each damage, the journal either returns an error that names the folder, or all records unchanged.
//! It never panics, and never returns a wrong record or leaves one out.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use kerb_journal::{FjallJournal, JournalError};
use kerb_ports::conformance::journal::{market, record};
use kerb_ports::{TripJournal, TripJournalError};
use kerb_trips::{MarketId, Version};

/// Maximum number of offsets in each file that are damaged, one at a time.
const OFFSETS_MAX: u64 = 24;
/// Records of each market.
const RECORDS: u64 = 40;
const MARKETS: [&str; 2] = ["east", "world"];

/// Where the records are: all in the engine's log, or the first half in tables and the rest in the log.
#[derive(Clone, Copy, Debug)]
enum Layout {
    Log,
    Tables,
}

async fn append(folder: &Path, first: u64, last: u64) {
    let journal = FjallJournal::open(folder).unwrap();
    for version in first..=last {
        for name in MARKETS {
            journal.append(market(name), Version::new(version - 1), record(name, version)).await.unwrap();
        }
    }
    journal.save_snapshot(market("world"), Version::new(last), b"all of it".to_vec()).await.unwrap();
}

/// Makes the engine write its memory to tables.
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
    // The engine cuts its preallocated log to its actual length when it opens it again.
    drop(FjallJournal::open(folder).unwrap());
}

/// Opens the journal and reads everything, like a matcher at its start. Returns `Ok` if everything is unchanged.
async fn read_all(folder: &Path) -> Result<(), String> {
    let journal = FjallJournal::open(folder).map_err(|e| e.to_string())?;
    let text = |error: TripJournalError| error.to_string();
    assert_eq!(journal.markets().await.map_err(text)?, MARKETS.map(market));
    for name in MARKETS {
        let read = journal.read(market(name), Version::new(0), usize::MAX).await.map_err(text)?;
        let expected: Vec<_> =
            (1..=RECORDS).map(|version| (Version::new(version), record(name, version))).collect();
        assert_eq!(read, expected, "a record is wrong or missing, without an error");
    }
    if let Some(snapshot) = journal.snapshot(market("world")).await.map_err(text)? {
        assert!(
            [RECORDS / 2, RECORDS].contains(&snapshot.0.get()) && snapshot.1 == b"all of it",
            "{snapshot:?}"
        );
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

/// Returns offsets from the first byte to the last, spread evenly over the file.
fn offsets(length: u64) -> impl Iterator<Item = u64> {
    let count = length.min(OFFSETS_MAX);
    (0..count).map(move |n| n * length.saturating_sub(1) / count.saturating_sub(1).max(1))
}

fn flip_bit(file: &File, offset: u64) {
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[byte[0] ^ 1 << (offset % 8)], offset).unwrap();
}

/// Damages a copy of the journal at every offset of every file, and checks each copy.
async fn damage_everywhere(layout: Layout, damage: impl Fn(&File, u64)) {
    let folder = tempfile::tempdir().unwrap();
    let (whole, copied) = (folder.path().join("whole"), folder.path().join("copied"));
    make(&whole, layout).await;
    read_all(&whole).await.unwrap();
    let (mut detected, mut harmless) = (0, 0);
    for file in files_below(&whole) {
        for offset in offsets(file.metadata().unwrap().len()) {
            copy(&whole, &copied);
            let name = file.strip_prefix(&whole).unwrap();
            let damaged = OpenOptions::new().read(true).write(true).open(copied.join(name)).unwrap();
            damage(&damaged, offset);
            println!("{layout:?} {} at {offset}", name.display());
            match read_all(&copied).await {
                Ok(()) => harmless += 1,
                Err(text) => {
                    assert!(text.contains(&*copied.to_string_lossy()), "does not name the folder: {text}");
                    println!("    {text}");
                    detected += 1;
                }
            }
            std::fs::remove_dir_all(&copied).unwrap();
        }
    }
    println!("{layout:?}: {detected} detected, {harmless} harmless");
    assert!(detected > 0, "nothing was damaged");
}

#[tokio::test]
async fn a_flipped_bit_of_the_log_is_detected_or_harmless() {
    damage_everywhere(Layout::Log, flip_bit).await;
}

#[tokio::test]
async fn a_flipped_bit_of_the_tables_is_detected_or_harmless() {
    damage_everywhere(Layout::Tables, flip_bit).await;
}

#[tokio::test]
async fn a_cut_log_is_detected_or_harmless() {
    damage_everywhere(Layout::Log, |file, length| file.set_len(length).unwrap()).await;
}

#[tokio::test]
async fn a_cut_table_is_detected_or_harmless() {
    damage_everywhere(Layout::Tables, |file, length| file.set_len(length).unwrap()).await;
}

/// Changes the records through the engine, so that the engine's own checksums stay correct.
fn write_through_engine(folder: &Path, change: impl FnOnce(&fjall::Keyspace)) {
    let db = fjall::Database::builder(folder.join("engine")).open().unwrap();
    change(&db.keyspace("records", fjall::KeyspaceCreateOptions::default).unwrap());
    db.persist(fjall::PersistMode::SyncAll).unwrap();
}

fn key(market: &MarketId, version: u64) -> Vec<u8> {
    [market.as_str().as_bytes(), &[0], &version.to_be_bytes()].concat()
}

/// Makes a journal with five records of each market.
async fn five_records() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), 1, 5).await;
    folder
}

#[tokio::test]
async fn a_changed_record_is_named_and_the_others_are_read() {
    let folder = five_records().await;
    let world = market("world");
    write_through_engine(folder.path(), |records| {
        let mut value = records.get(key(&world, 3)).unwrap().unwrap().to_vec();
        *value.last_mut().unwrap() ^= 1;
        records.insert(key(&world, 3), value).unwrap();
    });
    let journal = FjallJournal::open(folder.path()).unwrap();
    let path = folder.path().display();
    let error = journal.read(world.clone(), Version::new(0), 10).await.unwrap_err();
    let damaged = format!(
        "internal: trip journal in {path}: record 3 of market world is damaged: its checksum does not match"
    );
    assert_eq!(error.to_string(), damaged);
    assert_eq!(journal.read(world.clone(), Version::new(3), 10).await.unwrap().len(), 2);
    assert_eq!(journal.read(world, Version::new(0), 2).await.unwrap().len(), 2);
    assert_eq!(journal.read(market("east"), Version::new(0), 10).await.unwrap().len(), 5);
}

#[tokio::test]
async fn a_missing_record_is_named() {
    let folder = five_records().await;
    let (world, path) = (market("world"), folder.path().display().to_string());
    let missing = |version| format!("trip journal in {path}: record {version} of market world is missing");
    // With the count of acknowledged records, another error would come first.
    let remove_count = || std::fs::remove_file(folder.path().join("acknowledged")).unwrap();
    write_through_engine(folder.path(), |records| records.remove(key(&world, 3)).unwrap());
    remove_count();
    let journal = FjallJournal::open(folder.path()).unwrap();
    let error = journal.read(world.clone(), Version::new(0), 10).await.unwrap_err();
    assert_eq!(error, TripJournalError::Internal(missing(3)));
    drop(journal);
    write_through_engine(folder.path(), |records| records.remove(key(&world, 1)).unwrap());
    remove_count();
    assert_eq!(FjallJournal::open(folder.path()).unwrap_err().to_string(), missing(1));
}

#[tokio::test]
async fn a_record_under_the_key_of_another_is_damaged() {
    let folder = five_records().await;
    let world = market("world");
    write_through_engine(folder.path(), |records| {
        let other = records.get(key(&world, 2)).unwrap().unwrap();
        records.insert(key(&world, 3), other).unwrap();
    });
    let journal = FjallJournal::open(folder.path()).unwrap();
    let error = journal.read(world, Version::new(0), 10).await.unwrap_err().to_string();
    assert!(error.contains("record 3 of market world is damaged"), "{error}");
}

#[tokio::test]
async fn missing_acknowledged_records_at_the_end_are_detected() {
    let folder = five_records().await;
    let east = market("east");
    // Without them, the newest version of east is 3: neither the engine nor the versions show the loss.
    write_through_engine(folder.path(), |records| {
        records.remove(key(&east, 4)).unwrap();
        records.remove(key(&east, 5)).unwrap();
    });
    let error = FjallJournal::open(folder.path()).unwrap_err();
    assert!(matches!(error, JournalError::Missing { acknowledged: 10, found: 8, .. }), "{error}");
    // The error names this remedy.
    std::fs::remove_file(folder.path().join("acknowledged")).unwrap();
    let journal = FjallJournal::open(folder.path()).unwrap();
    assert_eq!(journal.append(east.clone(), Version::new(3), record("east", 4)).await, Ok(Version::new(4)));
}

#[tokio::test]
async fn a_snapshot_newer_than_its_records_proves_a_loss() {
    let folder = five_records().await;
    let world = market("world");
    write_through_engine(folder.path(), |records| records.remove(key(&world, 5)).unwrap());
    std::fs::remove_file(folder.path().join("acknowledged")).unwrap();
    let error = FjallJournal::open(folder.path()).unwrap_err();
    let JournalError::Gap { version, .. } = &error else { panic!("{error}") };
    assert_eq!(*version, Version::new(5));
}
