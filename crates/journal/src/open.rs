//! Opening the engine, and learning from it each market's newest version.

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

/// The engine's files, below the journal's folder.
const ENGINE: &str = "engine";
/// Cache of the engine: a journal is read from end to end, once.
const CACHE_BYTES: u64 = 8 * 1024 * 1024;
/// Bytes that wait in memory to be sorted to disk.
const MEMTABLE_BYTES: u64 = 16 * 1024 * 1024;

/// An open engine and what it holds.
pub(super) struct Opened {
    pub(super) db: Database,
    pub(super) records: Keyspace,
    pub(super) snapshots: Keyspace,
    /// The newest version of each market that has records.
    pub(super) versions: BTreeMap<MarketId, Version>,
    /// The version of each snapshot that can be read.
    pub(super) snapshot_versions: BTreeMap<MarketId, Version>,
}

/// What is not there of a journal in this folder; `None` when its engine has files. Makes nothing.
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

/// Opens the engine below this folder, or makes it. On damaged files the engine may panic: that is an error, too.
pub(super) fn open(folder: &Path) -> Result<Opened, JournalError> {
    let path = folder.display().to_string();
    let opened = catch_unwind(AssertUnwindSafe(|| open_engine(folder, &path)));
    opened.unwrap_or_else(|panic| {
        let told = panic.downcast_ref::<String>().map(String::as_str);
        let told = told.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words");
        Err(JournalError::Engine { path, reason: format!("the engine gave up: {told}") })
    })
}

fn open_engine(folder: &Path, path: &str) -> Result<Opened, JournalError> {
    let engine = |reason| match reason {
        fjall::Error::Locked => JournalError::InUse(path.to_owned()),
        reason => JournalError::Engine { path: path.to_owned(), reason: reason.to_string() },
    };
    let files = folder.join(ENGINE);
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
    Ok(Opened { db, records, snapshots, versions, snapshot_versions })
}

/// Looks at the first and the last record of each market.
fn newest_versions(records: &Keyspace, path: &str) -> Result<BTreeMap<MarketId, Version>, JournalError> {
    let engine = |reason: String| JournalError::Engine { path: path.to_owned(), reason };
    let parse = |key: &[u8]| {
        parse_record_key(key).ok_or_else(|| engine(format!("{:?} is no record's key", key.escape_ascii())))
    };
    let mut versions = BTreeMap::new();
    let mut from = Vec::new();
    while let Some(first) = records.range(from..).next() {
        let (market, version) = parse(&first.key().map_err(|e| engine(e.to_string()))?)?;
        if version != 1 {
            return Err(JournalError::Gap { path: path.to_owned(), market, version: 1 });
        }
        let last = record_key(&market, Version::MAX);
        let newest = records.range(record_key(&market, 1)..=last.clone()).next_back();
        let newest = newest.ok_or_else(|| engine(format!("the records of market {market} disappeared")))?;
        let (key, value) = newest.into_inner().map_err(|e| engine(e.to_string()))?;
        let (_, version) = parse(&key)?;
        decode_record(&key, &value).map_err(|reason| {
            let market = market.clone();
            JournalError::Damaged { path: path.to_owned(), market, version, reason }
        })?;
        versions.insert(market, version);
        // The next key after the last that this market can have.
        from = [last, vec![0]].concat();
    }
    Ok(versions)
}

/// A snapshot that cannot be read is only a longer replay; one of records that are not there shows a loss.
fn newest_snapshots(
    snapshots: &Keyspace,
    path: &str,
    versions: &BTreeMap<MarketId, Version>,
) -> Result<BTreeMap<MarketId, Version>, JournalError> {
    let unreadable = |reason: String| warn!(path, reason, "a snapshot cannot be read, all records will be");
    let mut newest = BTreeMap::new();
    for item in snapshots.iter() {
        let (key, value) = match item.into_inner() {
            Ok(item) => item,
            Err(e) => {
                unreadable(e.to_string());
                // The engine would come to the same block again and again.
                break;
            }
        };
        match parse_snapshot(&key, &value) {
            Ok((market, version)) if version > versions.get(&market).copied().unwrap_or(0) => {
                return Err(JournalError::Gap { path: path.to_owned(), market, version });
            }
            Ok((market, version)) => {
                newest.insert(market, version);
            }
            Err(reason) => unreadable(reason),
        }
    }
    Ok(newest)
}

fn parse_snapshot(key: &[u8], value: &[u8]) -> Result<(MarketId, Version), String> {
    let market = parse_market(key).ok_or("its key is no market's name")?;
    let (version, _) = decode_snapshot(key, value)?;
    Ok((market, version))
}
