//! Opens the storage engine and finds the newest version of each market.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions};
use kerb_trips::{MarketId, Version};
use tracing::warn;

use crate::error::JournalError;
use crate::key::{parse_market, parse_record_key, record_key};
use crate::preflight;
use crate::record::{decode_record, decode_snapshot};
use crate::store::Keyspaces;

/// The folder of the engine's files, below the journal's folder.
const ENGINE: &str = "engine";
/// Size of the engine's cache. It is small, because a journal is read once from end to end.
const CACHE_BYTES: u64 = 8 * 1024 * 1024;
/// Maximum bytes that the engine keeps in memory before it sorts them into a table on disk.
const MEMTABLE_BYTES: u64 = 16 * 1024 * 1024;

/// An open engine, its keyspaces, and the newest versions in them.
pub(super) struct OpenEngine {
    pub(super) db: Database,
    pub(super) keyspaces: Keyspaces,
    /// The newest version of each market that has records.
    pub(super) versions: BTreeMap<MarketId, Version>,
    /// The version of each snapshot that is not damaged.
    pub(super) snapshot_versions: BTreeMap<MarketId, Version>,
}

/// Returns why this folder holds no journal; `None` if it does. Makes no files.
pub(super) fn find_absent(folder: &Path) -> io::Result<Option<&'static str>> {
    if !folder.try_exists()? {
        return Ok(Some("there is no such folder"));
    }
    let has_files = match std::fs::read_dir(folder.join(ENGINE)) {
        Ok(mut files) => files.next().is_some(),
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => false,
        Err(e) => return Err(e),
    };
    Ok((!has_files).then_some("it has no folder \"engine\" with files"))
}

/// Opens the engine below this folder, or makes an empty one. The engine may panic on damaged files; a panic becomes an
/// error.
pub(super) fn open(folder: &Path) -> Result<OpenEngine, JournalError> {
    let path = folder.display().to_string();
    // Nothing of the engine outlives a panic, so no broken state can be seen afterwards.
    let opened = catch_unwind(AssertUnwindSafe(|| open_engine(folder, &path)));
    opened.unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        Err(JournalError::Engine { path, reason: format!("the engine panicked: {message}") })
    })
}

fn open_engine(folder: &Path, path: &str) -> Result<OpenEngine, JournalError> {
    let engine = |error: fjall::Error| JournalError::of_engine(path, &error);
    let files = folder.join(ENGINE);
    preflight::remove_unfinished(&files)?;
    preflight::check(&files)?;
    let db = Database::builder(files)
        .cache_size(CACHE_BYTES)
        .journal_compression(CompressionType::None)
        .manual_journal_persist(true)
        .worker_threads(1)
        .open()
        .map_err(engine)?;
    let options = || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES);
    let records = db.keyspace("records", options).map_err(engine)?;
    let snapshots = db.keyspace("snapshots", options).map_err(engine)?;
    let versions = newest_versions(&records, path)?;
    let snapshot_versions = newest_snapshots(&snapshots, path, &versions)?;
    Ok(OpenEngine { db, keyspaces: Keyspaces { records, snapshots }, versions, snapshot_versions })
}

/// Reads the first and the last record of each market and returns the newest versions.
fn newest_versions(records: &Keyspace, path: &str) -> Result<BTreeMap<MarketId, Version>, JournalError> {
    let engine = |reason: String| JournalError::Engine { path: path.to_owned(), reason };
    let parse = |key: &[u8]| {
        parse_record_key(key)
            .ok_or_else(|| engine(format!("{:?} is not the key of a record", key.escape_ascii())))
    };
    let mut versions = BTreeMap::new();
    let mut from = Vec::new();
    while let Some(first) = records.range(from..).next() {
        let (market, version) = parse(&first.key().map_err(|e| engine(e.to_string()))?)?;
        if version != Version::new(1) {
            return Err(JournalError::Gap { path: path.to_owned(), market, version: Version::new(1) });
        }
        let last = record_key(&market, Version::MAX);
        let newest = records.range(record_key(&market, Version::new(1))..=last.clone()).next_back();
        let newest = newest.ok_or_else(|| engine(format!("the records of market {market} disappeared")))?;
        let (key, value) = newest.into_inner().map_err(|e| engine(e.to_string()))?;
        let (_, version) = parse(&key)?;
        decode_record(&key, &value).map_err(|reason| {
            let market = market.clone();
            JournalError::Damaged { path: path.to_owned(), market, version, reason }
        })?;
        versions.insert(market, version);
        // The smallest key after the last possible key of this market.
        from = [last, vec![0]].concat();
    }
    Ok(versions)
}

/// Returns the version of each snapshot. A damaged snapshot is skipped: it only makes the next recovery longer. A snapshot
/// that is newer than the records of its market proves that records are lost.
fn newest_snapshots(
    snapshots: &Keyspace,
    path: &str,
    versions: &BTreeMap<MarketId, Version>,
) -> Result<BTreeMap<MarketId, Version>, JournalError> {
    let damaged =
        |reason: String| warn!(path, reason, "a snapshot is damaged; all records will be read instead");
    let mut newest = BTreeMap::new();
    for item in snapshots.iter() {
        let (key, value) = match item.into_inner() {
            Ok(item) => item,
            Err(e) => {
                damaged(e.to_string());
                // The iterator would return the same damaged block again and again.
                break;
            }
        };
        match parse_snapshot(&key, &value) {
            Ok((market, version)) if version > versions.get(&market).copied().unwrap_or(Version::new(0)) => {
                return Err(JournalError::Gap { path: path.to_owned(), market, version });
            }
            Ok((market, version)) => {
                newest.insert(market, version);
            }
            Err(reason) => damaged(reason),
        }
    }
    Ok(newest)
}

fn parse_snapshot(key: &[u8], value: &[u8]) -> Result<(MarketId, Version), String> {
    let market = parse_market(key).ok_or("its key is not the name of a market")?;
    let (version, _) = decode_snapshot(key, value)?;
    Ok((market, version))
}
