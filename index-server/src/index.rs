//! The index: one writer at a time, and any number of searches that never wait for it.
//!
//! # What a search may rely on
//!
//! All shared state is atomics in arrays that never move or shrink, so any read at any instant is memory-safe. Seven
//! rules make the answers right. `sync::Rule` names the parts of each rule, and the explorer in `tests/explore` runs the
//! functions of this crate with each part undone until it finds a wrong answer.
//!
//! 1. **A page or a record is not reused while a search runs that can reach it** (`store/epoch.rs`).
//!    A leaf that is split, merged or widened stays as it is at that moment. Its entries are copied, not moved, before
//!    the link to the new pages is stored (`EntriesBeforeLink`). A search that reads the old leaf found its link after
//!    the search began, so it sees every position as of some moment of the search. The same holds for records: a record
//!    belongs to one driver for as long as a search runs (`ReclaimAfterSearches`). A search announces its epoch before
//!    its first load of a tree, with a sequentially consistent fence in between (`FenceAfterPin`). The writer advances
//!    the epoch and then reads the announcements, so one of the two sees the other.
//! 2. **A driver's record always leads to an entry of this driver** (`write/update.rs`).
//!    A move between leaves stores the new entry, then the record's entry, shard and owner, then ends the write of the
//!    record, and only then clears the old entry (`RecordBeforeOldEntry`). The writer may be stopped between any two of
//!    these stores.
//! 3. **A move between leaves is logged before its first store and settled after its last** (`store/move_log.rs`).
//!    A search that reads the new leaf before the move and the old leaf after it misses the driver. It has then seen an
//!    effect of the move, so by the fences of the log (`LogFences`) it finds the driver in the log (`LogBeforeMove`) and
//!    reads its record. Every search ends by reading the log. The log also covers a driver that enters an entry between
//!    a search's loads of the position and of the attributes, and a driver that fills a gap in a chain of leaves
//!    (`LogChainMove`). A search begins at the last settled move, so a move that is under way at that time is in the
//!    search's part of the log. An earlier settlement would hide a move whose old entry is not cleared yet
//!    (`SettleAfterMove`).
//! 4. **A move within a leaf, the common one, is one store** (`write/update/in_place.rs`).
//!    A search sees either position, and the entry is never vacant in between (`OneStoreWithinLeaf`).
//! 5. **Entry, position and state of a record change under an odd version** (`store/record.rs`).
//!    What an answer says about a driver was therefore true at one instant (`OddVersion`, `VersionFences`). A search
//!    reads a record again while it is being written, up to a limit (`search/record_read.rs`). If the writer is stopped
//!    there, the search takes the position with the state before it, and does not wait.
//! 6. **The summary of a page covers all drivers below it, at every instant** (`store/filter_summary.rs`).
//!    A driver that enters a leaf or changes in it is added to the nodes above from the root down, then to the leaf; the
//!    entry is stored last (`SummaryBeforeEntry`). A summary only narrows to what is still below
//!    (`write/summary_sweep.rs`), and only in pages that the root leads to. A search that skips a page by its summary
//!    therefore learns what the entries would have shown at that moment. If a driver has moved away, the summary narrowed
//!    after the move was logged, so rule 3 covers the driver. A driver whose attributes change from one passing value to
//!    another is in the summary with one of them.
//! 7. **A shard's coverage is withdrawn before its drivers are dropped** (`store/shard_tree.rs`).
//!    A search reads the coverage of each shard before the trees and again after them (`CoverAfterSearch`). A shard whose
//!    coverage has changed is reported as uncovered.
//!
//! Together they decide about each driver as of one moment between the beginning and the end of the search. A driver that
//! is in the area and passes the filter all that time is found once. A driver that does not at any moment of that time is
//! never found. A moving driver may be met in two leaves; the log shows that, and the second occurrence is dropped. A
//! nearest search then reads on to fill the free place. A search of an area whose answer was full starts again and tracks
//! the drivers that it meets. No search needs the writer's progress: a writer that is stopped anywhere, holding the lock,
//! stops no search.
//!
//! Only a search during which more drivers move than the log holds, four times in a row, runs once under the writer's
//! lock; a counter shows such searches. Splits, merges and moves within leaves never make a search start again.
//!
//! # Steps
//!
//! Work is cut into steps that hold the lock for some 100 µs each, so that other streams and timers have their turn.
//! Nothing here awaits or reads a clock; [`crate::service`] does.

mod apply;
#[cfg(test)]
mod interleaving_tests;
mod report;
mod search;

use std::cell::RefCell;
use std::sync::Arc;

use kerb_ports::{IndexAdminError, ReplicationError};
use kerb_types::{FieldError, NodeId, ShardId, Sharding, Timestamp};

use crate::metrics::Metrics;
use crate::options::Options;
use crate::replication::coverage::FillId;
use crate::replication::source_stream::SourceStream;
use crate::search::Scratch;
use crate::store::Store;
use crate::store::record::SnapshotNumber;
use crate::sync::Mutex;
use crate::write::Writer;

pub use apply::BatchProgress;

/// Slot bindings, removals, evictions, expired drivers or slots of closed streams that one step handles.
const STEP_CHANGES: usize = 1_024;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Shards of drivers in memory. The module's text explains how searches and the writer share them.
pub struct Index {
    store: Arc<Store>,
    writer: Mutex<Writer>,
    sharding: Sharding,
    metrics: Metrics,
}

/// The shards for which a snapshot is not completed yet.
pub struct SnapshotCompletion {
    snapshot: SnapshotNumber,
    shards: Vec<(ShardId, FillId)>,
}

impl Index {
    /// Makes an index that holds no shard yet.
    pub fn new(options: &Options, sharding: Sharding, now: Timestamp) -> Self {
        let store = Arc::new(Store::new(sharding.shards(), options.drivers_max as usize));
        let writer = Mutex::new(Writer::new(Arc::clone(&store), sharding, options, now));
        Self { store, writer, sharding, metrics: Metrics::default() }
    }

    /// Locks the writer, for a test that stops it in the middle of its work.
    #[cfg(test)]
    pub(crate) fn lock_writer(&self) -> crate::sync::MutexGuard<'_, Writer> {
        self.writer.lock()
    }

    /// Opens a stream, which supersedes the node's previous stream.
    pub fn open(&self, node: &NodeId) -> Result<SourceStream, ReplicationError> {
        let mut writer = self.writer.lock();
        let source = writer.sources.index_of(node)?;
        writer.coverage.connect(source);
        writer.publish_coverage();
        Ok(writer.sources.open(source))
    }

    /// Closes a stream. Its drivers stay until they expire.
    pub fn close(&self, stream: &mut SourceStream) {
        let mut writer = self.writer.lock();
        let slots = stream.take_slots();
        if !slots.is_empty() {
            writer.closed_stream_slots.push(slots);
        }
        if writer.sources.is_newest(stream) {
            writer.coverage.disconnect(stream.source);
            writer.publish_coverage();
        }
    }

    /// Returns [`ReplicationError::Superseded`] unless the stream is its node's newest.
    pub fn check(&self, stream: &SourceStream) -> Result<(), ReplicationError> {
        self.writer.lock().sources.check(stream)
    }

    /// Begins a snapshot of these shards. The source chooses `round`, which grows from snapshot to snapshot.
    pub fn snapshot_begin(
        &self,
        stream: &mut SourceStream,
        round: u64,
        shards: &[ShardId],
    ) -> Result<(), ReplicationError> {
        let mut writer = self.writer.lock();
        writer.sources.check(stream)?;
        writer.snapshot_begin(stream, round, shards)
    }

    /// Ends a snapshot. The caller completes it by [`Index::complete_snapshot_step`].
    pub fn snapshot_end(
        &self,
        stream: &mut SourceStream,
        round: u64,
    ) -> Result<SnapshotCompletion, ReplicationError> {
        self.check(stream)?;
        let snapshot = stream.end_snapshot(round)?;
        Ok(SnapshotCompletion { snapshot: snapshot.number, shards: snapshot.shards })
    }

    /// Completes a snapshot for one shard. Returns whether shards are left.
    pub fn complete_snapshot_step(
        &self,
        stream: &SourceStream,
        completion: &mut SnapshotCompletion,
    ) -> Result<bool, ReplicationError> {
        let mut writer = self.writer.lock();
        writer.sources.check(stream)?;
        if let Some((shard, fill)) = completion.shards.pop() {
            let removed = writer.complete_snapshot(stream.source, completion.snapshot, shard, fill);
            writer.reclaim();
            self.metrics.drivers_removed.add(removed);
        }
        Ok(!completion.shards.is_empty())
    }

    /// Takes the shards that the stream's source must send again. Returns [`ReplicationError::Superseded`] when the source
    /// has a newer stream.
    pub fn take_resync_requests(&self, stream: &mut SourceStream) -> Result<Vec<ShardId>, ReplicationError> {
        let mut writer = self.writer.lock();
        writer.sources.check(stream)?;
        writer.request_early_shards(stream);
        Ok(writer.sources.take_resync_requests(stream))
    }

    /// Applies a membership view: the held shards, in order, and the live ingest nodes. Returns the lost shards, for
    /// which the caller must call [`Index::drop_drivers`].
    pub fn set_view(&self, held: &[ShardId], live: &[NodeId]) -> Result<Vec<ShardId>, ReplicationError> {
        let mut writer = self.writer.lock();
        let live = live.iter().map(|node| writer.sources.index_of(node)).collect::<Result<_, _>>()?;
        Ok(writer.set_view(held, live).lost)
    }

    /// Marks shards as empty, all held ones if none is named, and returns them. The caller must call
    /// [`Index::drop_drivers`] for each, and then [`Index::request_resync`].
    pub fn begin_resync(&self, shards: &[ShardId]) -> Result<Vec<ShardId>, IndexAdminError> {
        let mut writer = self.writer.lock();
        if let Some(shard) = shards.iter().find(|shard| !writer.coverage.holds(**shard)) {
            let description = format!("{shard} is not held by this index server");
            return Err(FieldError::new("shards", description).into());
        }
        let mut shards = shards.to_vec();
        if shards.is_empty() {
            shards.extend(writer.coverage.held());
        }
        shards.sort_unstable();
        shards.dedup();
        for shard in &shards {
            writer.begin_resync(*shard);
        }
        Ok(shards)
    }

    /// Drops the drivers of a shard.
    pub fn drop_drivers(&self, shard: ShardId) {
        let mut writer = self.writer.lock();
        writer.drop_drivers(shard);
        writer.reclaim();
    }

    /// Requests a snapshot of these shards from every source.
    pub fn request_resync(&self, shards: &[ShardId]) {
        self.writer.lock().sources.request_resync(shards);
    }

    /// Finds the drivers that expire by now. [`Index::reclaim_step`] removes them.
    pub fn expire_due(&self, now: Timestamp) {
        self.writer.lock().find_due(now);
    }

    /// Removes some of the drivers that [`Index::expire_due`] found, and releases some slots of closed streams. Returns
    /// whether there is more to do.
    pub fn reclaim_step(&self, now: Timestamp) -> bool {
        let mut writer = self.writer.lock();
        let (expired, more_due) = writer.remove_due(now, STEP_CHANGES);
        self.metrics.drivers_expired.add(expired);
        let more_slots = writer.release_closed_streams(STEP_CHANGES);
        writer.reclaim();
        more_due || more_slots
    }
}
