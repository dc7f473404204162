//! The driver table on disk, written behind the hot path: after a kill it lacks what changed since the last flush.
//!
//! One row for each driver and flush would cost the engine 3 µs each. Instead a flush writes the changes as a few **log**
//! records of many rows, in the same atomic commit as the **profiles** of new drivers. In rotation it also writes some
//! **pages**: all rows of a range of slots. Once every page was written after a log record, the record is obsolete and is
//! removed. Loading reads the pages and then, in order, the younger log records.

mod engine;
mod load;
mod marked_slots;
pub mod record;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use fjall::{OwnedWriteBatch, PersistMode};
use kerb_ports::Slot;

use crate::table::DriverTable;
use crate::table::bitset::slots_of;
use engine::Engine;
pub use load::StoreContents;
pub(crate) use marked_slots::lag;
use marked_slots::{CommitSlots, MarkedSlots};
use record::{RECORD_ROWS, Row, encode_profile, encode_rows};

/// Flushes in which all pages are written once: a minute at two flushes a second.
const ROTATION_FLUSHES: usize = 120;

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the store open.
    #[error("{0} is in use by another process: give each ingest node a data directory of its own")]
    InUse(String),
    /// The engine failed.
    #[error("driver store in {path}: {reason}")]
    Engine {
        /// The store's directory.
        path: String,
        /// The engine's error.
        reason: fjall::Error,
    },
}

impl StoreError {
    fn new(path: &Path, reason: fjall::Error) -> Self {
        let path = path.display().to_string();
        match reason {
            fjall::Error::Locked => Self::InUse(path),
            reason => Self::Engine { path, reason },
        }
    }
}

/// An open store. It allows one flush at a time.
pub struct Store {
    path: PathBuf,
    /// `None` after a failed flush: the engine takes no more writes then. The next flush opens it again.
    engine: Option<Engine>,
    /// Number of the next commit.
    commit: u64,
    /// Commits whose log records are on disk, oldest first: the commit's number and the number of its records.
    logged: VecDeque<(u64, u32)>,
    /// Next page of the rotation.
    page: u32,
    /// First commit of the rotation.
    rotation_start: u64,
}

/// What a flush has written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlushSummary {
    /// Rows of changed drivers.
    pub rows: usize,
    /// Profiles that were written or removed.
    pub profiles: usize,
}

impl Store {
    /// Opens a store, or creates it, and reads everything in it. A damaged one is set aside in the folder
    /// `<name>.damaged`, and counts as one corrupt record.
    pub fn open(path: &Path) -> Result<(Self, StoreContents), StoreError> {
        let (engine, contents) =
            Engine::open_or_set_aside(path).map_err(|reason| StoreError::new(path, reason))?;
        let commit = contents.last_commit + 1;
        let store = Self {
            path: path.to_owned(),
            engine: Some(engine),
            commit,
            logged: contents.logged.clone(),
            page: 0,
            rotation_start: commit,
        };
        Ok((store, contents))
    }

    /// Writes what the table has marked as changed since the last flush, durably. After a failure the marks are set again,
    /// and the next flush begins with a newly opened engine, so the store recovers once the disk has room again.
    pub fn flush(&mut self, table: &DriverTable) -> Result<FlushSummary, StoreError> {
        // Before the marks: the removal of these slots' drivers is then among the marks.
        let released = table.take_waiting_for_flush();
        let marked = MarkedSlots::take(table);
        match self.write(table, marked.clone()) {
            Ok(summary) => {
                for slot in released {
                    table.release(slot);
                }
                Ok(summary)
            }
            Err(reason) => {
                for slot in released {
                    table.release_after_flush(slot);
                }
                // All of them: what was committed before the failure may not be durable.
                marked.restore(table);
                Err(StoreError::new(&self.path, reason))
            }
        }
    }

    fn write(&mut self, table: &DriverTable, mut marked: MarkedSlots) -> fjall::Result<FlushSummary> {
        let mut summary = FlushSummary::default();
        // A failure leaves the field empty.
        let engine = match self.engine.take() {
            Some(engine) => engine,
            None => Engine::open(&self.path)?,
        };
        while let Some(slots) = marked.next_commit() {
            self.commit(&engine, table, &slots, &mut summary)?;
            marked.remove(&slots);
        }
        self.rotate(&engine, table)?;
        engine.db.persist(PersistMode::SyncAll)?;
        self.engine = Some(engine);
        Ok(summary)
    }

    /// Commits some changes: their rows, and the profiles that they need.
    fn commit(
        &mut self,
        engine: &Engine,
        table: &DriverTable,
        slots: &CommitSlots,
        summary: &mut FlushSummary,
    ) -> fjall::Result<()> {
        let mut batch = engine.db.batch();
        for slot in slots.profiles.iter().flat_map(|(word, bits)| slots_of(*word, *bits)) {
            let key = slot.get().to_be_bytes();
            match table.profile(slot) {
                Some(profile) => batch.insert(&engine.profiles, key, encode_profile(&profile)),
                None => batch.remove(&engine.profiles, key),
            }
            summary.profiles += 1;
        }
        let changed = slots.states.iter().flat_map(|(word, bits)| slots_of(*word, *bits));
        let rows: Vec<Row> = changed.map(|slot| (slot, table.state(slot))).collect();
        let commit = self.commit;
        for (number, rows) in (0_u32..).zip(rows.chunks(RECORD_ROWS)) {
            batch.insert(&engine.log, log_key(commit, number), encode_rows(commit, rows));
        }
        // Before the attempt: records of a failed commit may be on disk, and no other commit may have its number.
        self.commit += 1;
        // Cannot lose: a commit has at most 65,536 slots.
        self.logged.push_back((commit, rows.len().div_ceil(RECORD_ROWS) as u32));
        batch.commit()?;
        summary.rows += rows.len();
        Ok(())
    }

    /// Writes this flush's share of the pages. When all pages were written, removes the log records that they replace.
    fn rotate(&mut self, engine: &Engine, table: &DriverTable) -> fjall::Result<()> {
        // Cannot lose: slots are 32-bit numbers, and a page has many.
        let pages = table.slots_end().index().div_ceil(RECORD_ROWS) as u32;
        let share = pages.div_ceil(ROTATION_FLUSHES as u32).max(1);
        let mut batch = engine.db.batch();
        let commit = self.commit;
        let end = (self.page + share).min(pages);
        for page in self.page..end {
            write_page(engine, table, commit, page, &mut batch);
        }
        let complete = end == pages;
        if complete {
            self.remove_obsolete_log(engine, &mut batch);
        }
        self.commit += 1;
        batch.commit()?;
        self.page = end;
        if complete {
            let obsolete = self.logged.partition_point(|(commit, _)| *commit < self.rotation_start);
            self.logged.drain(..obsolete);
            self.page = 0;
            self.rotation_start = self.commit;
        }
        Ok(())
    }

    fn remove_obsolete_log(&self, engine: &Engine, batch: &mut OwnedWriteBatch) {
        for (commit, records) in self.logged.iter().take_while(|(commit, _)| *commit < self.rotation_start) {
            for number in 0..*records {
                batch.remove(&engine.log, log_key(*commit, number));
            }
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.path)
            .field("commit", &self.commit)
            .finish_non_exhaustive()
    }
}

/// Writes a page. It also has the changes whose marks have not been taken yet: its rows are as new as its commit.
fn write_page(engine: &Engine, table: &DriverTable, commit: u64, page: u32, batch: &mut OwnedWriteBatch) {
    let start = page * RECORD_ROWS as u32;
    let end = (start + RECORD_ROWS as u32).min(table.slots_end().get());
    let rows: Vec<Row> = (start..end).map(Slot::new).map(|slot| (slot, table.state(slot))).collect();
    batch.insert(&engine.pages, page.to_be_bytes(), encode_rows(commit, &rows));
}

/// Returns the key of a log record. Big-endian, so records sort by commit.
fn log_key(commit: u64, number: u32) -> [u8; 12] {
    let mut key = [0; 12];
    key[..8].copy_from_slice(&commit.to_be_bytes());
    key[8..].copy_from_slice(&number.to_be_bytes());
    key
}
