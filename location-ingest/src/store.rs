//! The driver table on disk, written behind the hot path: after a kill it lacks what came since the last turn.
//!
//! A row a driver and turn would cost the engine 3 µs each. Instead a turn writes what changed as a few **log**
//! records of many rows, in the same atomic commit as the **profiles** of new drivers; and, in rotation, some
//! **pages**: all rows of a range of slots. Once every page was written after a log record, that record is
//! obsolete and removed. Loading reads the pages and then, in order, the log records that are younger.

mod load;
mod record;

use std::collections::VecDeque;
use std::path::Path;

use fjall::config::CompressionPolicy;
use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode};
use kerb_ports::Slot;

use crate::slab::{Mark, slots_of};
use crate::table::DriverTable;
pub use load::Loaded;
use record::{Row, encode_profile, encode_rows};

/// Rows of a log record or a page, at most: some 40 KB.
const RECORD_ROWS: usize = 1_024;
/// Words of 64 slots in one commit, at most: bounds the memory of a turn after a burst.
const COMMIT_WORDS: usize = 1_024;
/// Turns in which all pages are written once: a minute at two turns a second.
const ROTATION_TURNS: usize = 120;
/// Cache of the engine: the store is read once, from end to end.
const CACHE_BYTES: u64 = 8 * 1024 * 1024;

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it open.
    #[error("{0} is in use by another process: give each ingest node a data directory of its own")]
    InUse(String),
    /// The engine failed.
    #[error("driver store in {path}: {reason}")]
    Engine {
        /// The directory.
        path: String,
        /// What the engine says.
        reason: fjall::Error,
    },
}

/// An open store. One turn at a time.
pub struct Store {
    path: String,
    db: Database,
    profiles: Keyspace,
    pages: Keyspace,
    log: Keyspace,
    /// Number of the next commit.
    turn: u64,
    /// Log records on disk, oldest first: turn and number of records.
    logged: VecDeque<(u64, u32)>,
    /// Next page of the rotation.
    page: u32,
    /// First turn of the rotation.
    rotation_start: u64,
}

/// What a turn did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Rows of changes written.
    pub rows: usize,
    /// Profiles written or removed.
    pub profiles: usize,
}

impl Store {
    /// Opens a store, or makes it, and reads all that is in it.
    pub fn open(path: &Path) -> Result<(Self, Loaded), StoreError> {
        let name = path.display().to_string();
        let engine = |reason| match reason {
            fjall::Error::Locked => StoreError::InUse(name.clone()),
            reason => StoreError::Engine { path: name.clone(), reason },
        };
        let db = Database::builder(path)
            .cache_size(CACHE_BYTES)
            .journal_compression(CompressionType::None)
            .manual_journal_persist(true)
            .worker_threads(1)
            .open()
            .map_err(engine)?;
        // Rows do not compress: their low bits are noise.
        let plain = || {
            KeyspaceCreateOptions::default()
                .data_block_compression_policy(CompressionPolicy::disabled())
                .max_memtable_size(16 * 1024 * 1024)
        };
        let profiles = db.keyspace("cards", KeyspaceCreateOptions::default).map_err(engine)?;
        let pages = db.keyspace("pages", plain).map_err(engine)?;
        let log = db.keyspace("log", plain).map_err(engine)?;
        let loaded = load::load(&profiles, &pages, &log).map_err(engine)?;
        let turn = loaded.turn_max + 1;
        let logged = loaded.logged.clone();
        let store =
            Self { path: name, db, profiles, pages, log, turn, logged, page: 0, rotation_start: turn };
        Ok((store, loaded))
    }

    /// Writes what the table marks as changed since the last turn, durably. After a failure the marks stand again.
    pub fn turn(&mut self, table: &DriverTable) -> Result<Turn, StoreError> {
        // Before the marks: the removal of these slots' drivers is among the marks taken now.
        let freed = table.take_waiting_for_store();
        let mut marked = Marked::take(table);
        match self.write(table, &mut marked) {
            Ok(done) => {
                for slot in freed {
                    table.release(slot);
                }
                Ok(done)
            }
            Err(reason) => {
                for slot in freed {
                    table.release_after_turn(slot);
                }
                marked.restore(table);
                Err(StoreError::Engine { path: self.path.clone(), reason })
            }
        }
    }

    fn write(&mut self, table: &DriverTable, marked: &mut Marked) -> fjall::Result<Turn> {
        let mut done = Turn::default();
        while let Some(part) = marked.next_part() {
            self.commit(table, &part, &mut done)?;
            marked.done(&part);
        }
        self.rotate(table)?;
        self.db.persist(PersistMode::SyncAll)?;
        Ok(done)
    }

    /// The commit of some changes: their rows, and the profiles that they need.
    fn commit(&mut self, table: &DriverTable, part: &Part, done: &mut Turn) -> fjall::Result<()> {
        let mut batch = self.db.batch();
        for slot in part.profiles.iter().flat_map(|(word, bits)| slots_of(*word, *bits)) {
            match table.profile(slot) {
                Some(profile) => batch.insert(&self.profiles, slot.to_be_bytes(), encode_profile(&profile)),
                None => batch.remove(&self.profiles, slot.to_be_bytes()),
            }
            done.profiles += 1;
        }
        let slots = part.states.iter().flat_map(|(word, bits)| slots_of(*word, *bits));
        let rows: Vec<Row> = slots.map(|slot| (slot, table.state(slot))).collect();
        let turn = self.turn;
        for (number, rows) in rows.chunks(RECORD_ROWS).enumerate() {
            batch.insert(&self.log, log_key(turn, number as u32), encode_rows(turn, rows));
        }
        batch.commit()?;
        self.turn += 1;
        self.logged.push_back((turn, rows.len().div_ceil(RECORD_ROWS) as u32));
        done.rows += rows.len();
        Ok(())
    }

    /// Writes this turn's share of the pages; when all were written, removes the log that they have overtaken.
    fn rotate(&mut self, table: &DriverTable) -> fjall::Result<()> {
        let pages = (table.slots_end() as usize).div_ceil(RECORD_ROWS) as u32;
        let share = pages.div_ceil(ROTATION_TURNS as u32).max(1);
        let mut batch = self.db.batch();
        let turn = self.turn;
        let end = (self.page + share).min(pages);
        for page in self.page..end {
            self.write_page(table, turn, page, &mut batch);
        }
        let complete = end == pages;
        if complete {
            self.remove_log(&mut batch);
        }
        batch.commit()?;
        self.turn += 1;
        self.page = end;
        if complete {
            let obsolete = self.logged.partition_point(|(of, _)| *of < self.rotation_start);
            self.logged.drain(..obsolete);
            self.page = 0;
            self.rotation_start = self.turn;
        }
        Ok(())
    }

    /// A page holds what the marks have not shown yet, too: its rows are as new as its turn.
    fn write_page(&self, table: &DriverTable, turn: u64, page: u32, batch: &mut OwnedWriteBatch) {
        let start = page * RECORD_ROWS as Slot;
        let end = (start + RECORD_ROWS as Slot).min(table.slots_end());
        let rows: Vec<Row> = (start..end).map(|slot| (slot, table.state(slot))).collect();
        batch.insert(&self.pages, page.to_be_bytes(), encode_rows(turn, &rows));
    }

    fn remove_log(&self, batch: &mut OwnedWriteBatch) {
        for (turn, records) in self.logged.iter().take_while(|(turn, _)| *turn < self.rotation_start) {
            for number in 0..*records {
                batch.remove(&self.log, log_key(*turn, number));
            }
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.path).field("turn", &self.turn).finish_non_exhaustive()
    }
}

/// Log records sort by turn.
fn log_key(turn: u64, number: u32) -> [u8; 12] {
    let mut key = [0; 12];
    key[..8].copy_from_slice(&turn.to_be_bytes());
    key[8..].copy_from_slice(&number.to_be_bytes());
    key
}

/// Marks that were taken from the table and are not yet written, in order of slots.
struct Marked {
    states: VecDeque<(usize, u64)>,
    profiles: VecDeque<(usize, u64)>,
}

/// The marks of one commit. A slot's profile and state are in the same part.
struct Part {
    states: Vec<(usize, u64)>,
    profiles: Vec<(usize, u64)>,
}

impl Marked {
    /// States first: a profile's mark is set before its state's.
    fn take(table: &DriverTable) -> Self {
        let (mut states, mut profiles) = (VecDeque::new(), VecDeque::new());
        table.slab().take_marks(Mark::StoreState, |word, bits| states.push_back((word, bits)));
        table.slab().take_marks(Mark::StoreProfile, |word, bits| profiles.push_back((word, bits)));
        Self { states, profiles }
    }

    fn next_part(&self) -> Option<Part> {
        let first = [self.states.front(), self.profiles.front()]
            .into_iter()
            .flatten()
            .map(|(word, _)| *word)
            .min()?;
        let end = first + COMMIT_WORDS;
        let cut = |marks: &VecDeque<(usize, u64)>| {
            marks.iter().copied().take_while(|(word, _)| *word < end).collect()
        };
        Some(Part { states: cut(&self.states), profiles: cut(&self.profiles) })
    }

    fn done(&mut self, part: &Part) {
        self.states.drain(..part.states.len());
        self.profiles.drain(..part.profiles.len());
    }

    fn restore(&self, table: &DriverTable) {
        table.slab().mark_words(Mark::StoreState, &self.states);
        table.slab().mark_words(Mark::StoreProfile, &self.profiles);
    }
}

/// Drivers whose newest state is not in the store.
pub(crate) fn lag(table: &DriverTable) -> u64 {
    table.slab().count_marks(Mark::StoreState)
}
