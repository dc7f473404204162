//! The index: one writer at a time, any number of searches that wait for nobody.
//!
//! # What a search may rely on
//!
//! All shared state is atomics in arrays that never move or shrink, so any read at any instant is memory-safe. That
//! the answers are right depends on seven rules. `sync::Rule` names what each of them consists of, and
//! `tests/explore` runs the functions of this crate with each of these undone until it finds a wrong answer.
//!
//! 1. **A page is not used again while a search runs that could reach it** (`store/epoch.rs`). A leaf that is split,
//!    merged or widened therefore stays as it is at that moment: its entries are copied, not moved, before the link to
//!    the new pages is stored. A search that reads the old leaf got its link after it began, so it sees every position
//!    as of some moment of the search. The same holds for records: a number names one driver for as long as a search
//!    runs. A search announces its epoch before its first look at a tree, with a sequentially consistent fence in
//!    between; the writer has the opposite order, so one of the two sees the other.
//! 2. **A driver's record always leads to an entry of this driver.** A move between leaves writes the new entry, then
//!    the record's place, home and owner, then closes the record's version, and only then clears the old entry. The
//!    writer may stop between any two stores.
//! 3. **A move between leaves is logged before its first store and settled after its last** (`store/journal.rs`). A
//!    search that reads the new leaf before the move and the old leaf after it misses the driver, but has then seen an
//!    effect of the move; by the fences it finds the driver in the log, and looks at its record. A search ends with
//!    that look. The log also covers a driver who enters an entry between a search's looks at the position and at the
//!    traits. A search begins at the newest settled move, so a move that is under way when it begins is in the log of
//!    that search. Settling any earlier would hide a move whose old entry is yet to be cleared.
//! 4. **A move within a leaf, the common one, is one store.** A search sees either position.
//! 5. **Position, place and state of a record change under an odd version** (`store/record.rs`), so an answer about
//!    a driver was true at one instant. A search looks again at a record that is being written, a few times
//!    (`search/sight.rs`); if the writer is stopped just there, the search takes the position with the state before it
//!    and does not wait.
//! 6. **The summary of a page covers all drivers below it, at every instant** (`store/kinds.rs`). A driver who enters a
//!    leaf or changes in it is added to the nodes above first, from the root down, then to the leaf; the entry comes
//!    last. A summary shrinks only to what is still below (`write/sweep.rs`), and only in pages that the root leads
//!    to. A search that skips a page by its summary thus learns what the entries would have shown at that moment. If
//!    a driver has moved away, the summary shrank after the move was logged, so rule 3 covers it as it does an entry.
//!    A driver whose traits change while both the old and the new ones pass is in the summary as one or the other.
//! 7. **A shard's coverage is withdrawn before its drivers are dropped.** A search reads the coverage of each shard
//!    before the trees and again after them; a shard whose coverage has changed is reported as not covered.
//!
//! So each driver is judged as of one moment between the search's begin and end: a driver who is in the area and
//! passes the filter all that time is found, once; a driver who is not, never is. A driver who moves may be met in two
//! leaves; the log shows it, and the second occurrence is dropped. A nearest search then reads on to fill the free
//! place; a search for all whose answer was full starts again and remembers which drivers it has met. No search
//! needs the writer to go on: a writer that stops in the middle of anything, with the lock in its hand, stops none.
//!
//! Only a search that takes so long that the log is lapped, four times, runs once under the writer's lock; that is
//! counted. Splits, merges and moves within leaves never make a search start again.
//!
//! # Steps
//!
//! Long work is cut into steps that take the lock for some 100 µs each, so that other sessions and timers get their
//! turn. Nothing here awaits or reads a clock; [`crate::service`] does.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use kerb_ports::{Batch, Error, ShardQuery, ShardResult, ShardStat};
use kerb_types::{NodeId, ShardId, Sharding};

use crate::coverage::FillingId;
use crate::figures::{Counts, Memory};
use crate::options::Options;
use crate::search::{self, Effort, Scratch, Stop};
use crate::store::Store;
use crate::store::page::{Block, Leaf, Node};
use crate::sync::{Mutex, Rule, undone};
use crate::write::Writer;
use crate::write::session::Session;
use crate::write::update::resolve;

/// Updates that one step applies.
const STEP_UPDATES: usize = 2_048;
/// Introductions, removals, forgets, expiries or releases of slots that one step does.
const STEP_CHANGES: usize = 1_024;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// See the module.
pub struct Index {
    store: Arc<Store>,
    writer: Mutex<Writer>,
    sharding: Sharding,
    counts: Counts,
}

/// How far a batch is applied.
#[derive(Debug, Default)]
pub struct Progress {
    introduced: usize,
    /// Records of all updates, once they are checked.
    records: Option<Vec<u32>>,
    updated: usize,
    removed: usize,
    forgotten: usize,
}

/// The end of a full part, shard by shard.
pub struct Ending {
    epoch: u16,
    shards: Vec<(ShardId, FillingId)>,
}

impl Index {
    /// An index that holds no shard yet.
    pub fn new(options: &Options, sharding: Sharding, now_ms: i64) -> Self {
        let store = Arc::new(Store::new(sharding.shards(), options.drivers_max as usize));
        let writer = Mutex::new(Writer::new(Arc::clone(&store), sharding, options, now_ms));
        Self { store, writer, sharding, counts: Counts::default() }
    }

    /// The writer, for a test that stops it in the middle of its work.
    #[cfg(test)]
    pub(crate) fn stopped_writer(&self) -> crate::sync::MutexGuard<'_, Writer> {
        self.writer.lock()
    }

    /// Events since the start.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Opens a session, which supersedes the node's session before.
    pub fn open(&self, node: &NodeId) -> Result<Session, Error> {
        let mut writer = self.writer.lock();
        let number = writer.sources.number(node)?;
        writer.coverage.connect(number);
        writer.publish_cover();
        Ok(writer.sources.open(number))
    }

    /// Ends a session. Its drivers stay, and age.
    pub fn close(&self, session: &mut Session) {
        let mut writer = self.writer.lock();
        let slots = session.take_slots();
        if !slots.is_empty() {
            writer.orphans.push(slots);
        }
        if writer.sources.is_newest(session) {
            writer.coverage.disconnect(session.source);
            writer.publish_cover();
        }
    }

    /// Whether the session is its node's newest.
    pub fn check(&self, session: &Session) -> Result<(), Error> {
        self.writer.lock().sources.check(session)
    }

    /// Does a step of a batch; true: there is more to do.
    pub fn apply(
        &self,
        session: &mut Session,
        batch: &Batch,
        progress: &mut Progress,
        now_ms: i64,
    ) -> Result<bool, Error> {
        let mut writer = self.writer.lock();
        writer.sources.check(session)?;
        let more = self.apply_step(&mut writer, session, batch, progress, now_ms)?;
        writer.collect();
        Ok(more)
    }

    fn apply_step(
        &self,
        writer: &mut Writer,
        session: &mut Session,
        batch: &Batch,
        progress: &mut Progress,
        now_ms: i64,
    ) -> Result<bool, Error> {
        if let Some(step) = take(&batch.slot_bindings, &mut progress.introduced, STEP_CHANGES) {
            writer.introduce(session, step)?;
            return Ok(true);
        }
        if progress.records.is_none() {
            for slot in &batch.removals {
                session.record(*slot)?;
            }
            progress.records = Some(resolve(writer, session, &batch.updates)?);
        }
        let records = progress.records.as_deref().unwrap_or_default();
        let from = progress.updated;
        if let Some(step) = take(&batch.updates, &mut progress.updated, STEP_UPDATES) {
            if !writer.pages.have_room(&self.store, step.len()) {
                let limit = self.store.records.limit();
                return Err(Error::Overloaded { what: "drivers", limit });
            }
            let applied = writer.update(session, step, &records[from..progress.updated], now_ms);
            self.counts.updates_newest.fetch_add(applied.newest, Relaxed);
            self.counts.updates_late.fetch_add(applied.late, Relaxed);
            self.counts.updates_refused.fetch_add(applied.refused, Relaxed);
            self.counts.updates_moved.fetch_add(applied.moved, Relaxed);
        } else if let Some(step) = take(&batch.removals, &mut progress.removed, STEP_CHANGES) {
            self.counts.drivers_removed.fetch_add(writer.remove(session, step, now_ms)?, Relaxed);
        } else if let Some(step) = take(&batch.evictions, &mut progress.forgotten, STEP_CHANGES) {
            self.counts.drivers_removed.fetch_add(writer.forget(step, now_ms), Relaxed);
        }
        Ok(progress.updated < batch.updates.len()
            || progress.removed < batch.removals.len()
            || progress.forgotten < batch.evictions.len())
    }

    /// Begins a full part.
    pub fn snapshot_begin(&self, session: &mut Session, round: u64, shards: &[ShardId]) -> Result<(), Error> {
        let mut writer = self.writer.lock();
        writer.sources.check(session)?;
        writer.snapshot_begin(session, round, shards)
    }

    /// Ends a full part; [`Index::full_end_some`] does the work.
    pub fn snapshot_end(&self, session: &mut Session, round: u64) -> Result<Ending, Error> {
        self.check(session)?;
        let round = session.end(round)?;
        Ok(Ending { epoch: round.epoch, shards: round.shards })
    }

    /// Does a step of an ending, one shard; true: there is more to do.
    pub fn full_end_some(&self, session: &Session, ending: &mut Ending) -> Result<bool, Error> {
        let mut writer = self.writer.lock();
        writer.sources.check(session)?;
        if let Some((shard, filling)) = ending.shards.pop() {
            let removed = writer.snapshot_end(session, ending.epoch, shard, filling);
            writer.collect();
            self.counts.drivers_removed.fetch_add(removed, Relaxed);
        }
        Ok(!ending.shards.is_empty())
    }

    /// What the session's source is to be asked for; [`Error::Superseded`] when it has a newer session.
    pub fn take_wishes(&self, session: &mut Session) -> Result<Vec<ShardId>, Error> {
        let mut writer = self.writer.lock();
        writer.sources.check(session)?;
        writer.wish_early(session);
        Ok(writer.sources.take_wishes(session))
    }

    /// Takes a view: the held shards, in order, and the live ingest nodes. Answers the lost shards, whose drivers
    /// [`Index::drop_drivers`] is to drop.
    pub fn set_view(&self, held: &[ShardId], live: &[NodeId]) -> Result<Vec<ShardId>, Error> {
        let mut writer = self.writer.lock();
        let live = live.iter().map(|node| writer.sources.number(node)).collect::<Result<_, _>>()?;
        Ok(writer.set_view(held, live).lost)
    }

    /// Marks shards as empty, all held ones if none is named; their drivers are to be dropped by
    /// [`Index::drop_drivers`], and then [`Index::wish`] asks for them. Answers the shards.
    pub fn begin_refill(&self, shards: &[ShardId]) -> Result<Vec<ShardId>, Error> {
        let mut writer = self.writer.lock();
        if let Some(shard) = shards.iter().find(|shard| !writer.coverage.holds(**shard)) {
            let description = format!("{shard} is not held by this index server");
            return Err(kerb_types::FieldError::new("shards", description).into());
        }
        let mut shards = shards.to_vec();
        if shards.is_empty() {
            shards.extend(writer.coverage.held());
        }
        shards.sort_unstable();
        shards.dedup();
        for shard in &shards {
            writer.resync(*shard);
        }
        Ok(shards)
    }

    /// Drops the drivers of a shard.
    pub fn drop_drivers(&self, shard: ShardId) {
        let mut writer = self.writer.lock();
        writer.drop_drivers(shard);
        writer.collect();
    }

    /// Asks every source for the full part of these shards.
    pub fn wish(&self, shards: &[ShardId]) {
        self.writer.lock().sources.wish(shards);
    }

    /// Finds who is too old by now; [`Index::tidy_some`] removes them.
    pub fn turn(&self, now_ms: i64) {
        self.writer.lock().find_old(now_ms);
    }

    /// Does a step of what [`Index::turn`] found and of what closed sessions left; true: there is more to do.
    pub fn tidy_some(&self, now_ms: i64) -> bool {
        let mut writer = self.writer.lock();
        let (gone, more) = writer.expire_some(now_ms, STEP_CHANGES);
        self.counts.drivers_expired.fetch_add(gone, Relaxed);
        let orphans = writer.release_orphans(STEP_CHANGES);
        writer.collect();
        more || orphans
    }

    /// What each held shard holds.
    pub fn stats(&self) -> Vec<ShardStat> {
        let writer = self.writer.lock();
        let stat = |shard: ShardId| {
            let count = writer.pages.counts()[usize::from(shard.0)];
            let pages = count.nodes as usize * size_of::<Node>()
                + count.leaves as usize * size_of::<Leaf>()
                + count.blocks as usize * size_of::<Block>();
            let records = count.drivers as usize * Store::BYTES_A_RECORD;
            ShardStat {
                shard,
                drivers: u64::from(count.drivers),
                bytes: (pages + records) as u64,
                covered: writer.coverage.is_covered(shard),
                sources: writer
                    .coverage
                    .finished(shard)
                    .iter()
                    .map(|s| writer.sources.node(*s).clone())
                    .collect(),
            }
        };
        writer.coverage.held().map(stat).collect()
    }

    /// Memory in use.
    pub fn memory(&self) -> Memory {
        let writer = self.writer.lock();
        Memory { store: self.store.bytes(), books: writer.bytes(), drivers: writer.registry.len() }
    }

    /// The exact answer of the covered ones of the asked shards.
    pub fn search(&self, query: &ShardQuery, effort: &mut Effort<'_>) -> Result<ShardResult, Stop> {
        let answer = match self.search_beside(query, effort) {
            Err(Stop::Contended) => {
                self.counts.searches_locked.fetch_add(1, Relaxed);
                let _still = self.writer.lock();
                self.search_beside(query, effort)
            }
            answer => answer,
        }?;
        self.counts.searches.fetch_add(1, Relaxed);
        Ok(answer)
    }

    /// The answer beside a running writer.
    fn search_beside(&self, query: &ShardQuery, effort: &mut Effort<'_>) -> Result<ShardResult, Stop> {
        let _pin = self.store.epochs.pin().ok_or(Stop::Crowded)?;
        SCRATCH.with_borrow_mut(|scratch| {
            let mut uncovered = Vec::new();
            let mut covers = Vec::with_capacity(query.shards.len());
            scratch.asked.clear(self.store.shards.len());
            for shard in &query.shards {
                let cover = (shard.0 < self.sharding.shards()).then(|| self.store.shard(*shard).cover());
                match cover.filter(|cover| cover.is_covered()) {
                    Some(cover) => {
                        scratch.asked.insert(*shard);
                        covers.push((*shard, cover));
                    }
                    None => uncovered.push(*shard),
                }
            }
            for shard in query.extra_shards.iter().filter(|shard| shard.0 < self.sharding.shards()) {
                if self.store.shard(*shard).cover().is_covered() {
                    scratch.asked.insert(*shard);
                }
            }
            let (search, filter) = (&query.search, &query.filter);
            let restarts = &self.counts.search_restarts;
            let neighbors = search::run(&self.store, scratch, search, filter, effort, restarts)?;
            // Emptied while it was read: it may have been read in part.
            let changed = covers.into_iter().filter(|(s, cover)| {
                !undone(Rule::CoverAfterSearch) && self.store.shard(*s).cover_after() != *cover
            });
            uncovered.extend(changed.map(|(shard, _)| shard));
            Ok(ShardResult { neighbors, uncovered })
        })
    }
}

/// The next so many of a list.
fn take<'a, T>(list: &'a [T], done: &mut usize, many: usize) -> Option<&'a [T]> {
    let rest = &list[*done..];
    let step = &rest[..rest.len().min(many)];
    *done += step.len();
    (!step.is_empty()).then_some(step)
}
