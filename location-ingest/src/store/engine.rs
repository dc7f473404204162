//! The storage engine below the store: its database and keyspaces, and what to do with a damaged one.

use std::fs;
use std::io::ErrorKind;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use fjall::config::CompressionPolicy;
use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions};

use super::load::{self, StoreContents};

/// Cache of the engine. Small, because the store is only read once, from end to end.
const CACHE_BYTES: u64 = 8 * 1024 * 1024;

/// An open database.
pub(super) struct Engine {
    pub(super) db: Database,
    pub(super) profiles: Keyspace,
    pub(super) pages: Keyspace,
    pub(super) log: Keyspace,
}

impl Engine {
    /// Opens a database, or creates it.
    pub(super) fn open(path: &Path) -> fjall::Result<Self> {
        let db = Database::builder(path)
            .cache_size(CACHE_BYTES)
            .journal_compression(CompressionType::None)
            .manual_journal_persist(true)
            .worker_threads(1)
            .open()?;
        // Rows do not compress: their low bits are noise.
        let uncompressed = || {
            KeyspaceCreateOptions::default()
                .data_block_compression_policy(CompressionPolicy::disabled())
                .max_memtable_size(16 * 1024 * 1024)
        };
        // The names are part of the format on disk.
        let profiles = db.keyspace("cards", KeyspaceCreateOptions::default)?;
        let pages = db.keyspace("pages", uncompressed)?;
        let log = db.keyspace("log", uncompressed)?;
        Ok(Self { db, profiles, pages, log })
    }

    /// Opens a database and reads all of it. One that cannot be read is moved aside, and an empty one takes its place: the
    /// drivers come back with their next reports.
    pub(super) fn open_or_set_aside(path: &Path) -> fjall::Result<(Self, StoreContents)> {
        // The engine panics at some damage.
        let reason = match catch_unwind(|| Self::load(path)) {
            Ok(Ok(opened)) => return Ok(opened),
            Ok(Err(reason)) if !is_damage(&reason) => return Err(reason),
            Ok(Err(reason)) => reason.to_string(),
            Err(_panic) => "the engine panicked".to_owned(),
        };
        let aside = set_aside(path)?;
        tracing::error!(
            path = %path.display(), aside = %aside.display(), reason,
            "the stored driver table is damaged: it is set aside, and drivers return with their next reports"
        );
        let (engine, contents) = Self::load(path)?;
        Ok((engine, StoreContents { corrupt: 1, ..contents }))
    }

    fn load(path: &Path) -> fjall::Result<(Self, StoreContents)> {
        let engine = Self::open(path)?;
        let contents = load::load(&engine.profiles, &engine.pages, &engine.log)?;
        Ok((engine, contents))
    }
}

/// Whether the error comes from the bytes of the database. Another process, missing rights or a full disk do not damage it.
fn is_damage(error: &fjall::Error) -> bool {
    let kind = match error {
        fjall::Error::Locked => return false,
        fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) => error.kind(),
        _ => return true,
    };
    !matches!(
        kind,
        ErrorKind::PermissionDenied
            | ErrorKind::StorageFull
            | ErrorKind::QuotaExceeded
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::NotADirectory
            | ErrorKind::OutOfMemory
    )
}

/// Moves a database to a folder next to it, in place of an older damaged one. Returns that folder.
fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
    let aside = path.with_extension("damaged");
    if aside.exists() {
        fs::remove_dir_all(&aside)?;
    }
    fs::rename(path, &aside)?;
    Ok(aside)
}
