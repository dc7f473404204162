//! The only writer of a journal. It takes all waiting requests, writes them as one commit, and replies once the commit is
//! durable. So all markets share one wait for the disk (group commit).
//!
//! After a failed commit the content of the disk is unknown, and a second record under the same version must not replace one
//! that a reader may see later. So the writer opens the engine anew before it writes again, and reads the versions.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use fjall::{Database, OwnedWriteBatch, PersistMode};
use kerb_ports::TripJournalError;
use kerb_trips::{MarketId, Record, Version};
use tokio::sync::oneshot;

use crate::error::JournalError;
use crate::key::record_key;
use crate::record::{encode_record, encode_snapshot, no_such_version};
use crate::steps::{Disk, WriteSteps};
use crate::store::{JournalStore, Keyspaces};
use crate::watermark::Watermark;

/// Maximum requests of one commit.
const COMMIT_REQUESTS_MAX: usize = 256;
/// A commit of at least this many bytes takes no further requests.
const COMMIT_BYTES: usize = 8 * 1024 * 1024;

/// The channel back to the caller of a write.
pub(super) type Reply = oneshot::Sender<Result<Version, TripJournalError>>;

/// One write that waits for the writer.
pub(super) struct WriteRequest {
    pub(super) market: MarketId,
    pub(super) write: Write,
    pub(super) reply: Reply,
}

/// What a request writes.
pub(super) enum Write {
    /// Appends a record after the version `expected`, which must be the newest one.
    Record { expected: Version, record: Record },
    /// Saves a snapshot that contains all records up to `version`.
    Snapshot { version: Version, snapshot: Vec<u8> },
}

/// The state of the writer thread.
pub(super) struct Writer {
    folder: PathBuf,
    pub(super) store: Arc<JournalStore>,
    /// `None` after the engine could not be opened anew.
    engine: Option<WriterEngine>,
    /// Why the engine must be opened anew before the next write.
    failed: Option<JournalError>,
    pub(super) steps: Box<dyn WriteSteps>,
}

/// An open engine, as the writer uses it.
pub(super) struct WriterEngine {
    pub(super) db: Database,
    pub(super) keyspaces: Keyspaces,
    pub(super) watermark: Watermark,
    pub(super) snapshot_versions: BTreeMap<MarketId, Version>,
}

/// The requests that are written and replied to together.
struct CommitGroup {
    batch: OwnedWriteBatch,
    bytes: usize,
    appended: u64,
    /// The newest version of each market in the group, once the group is durable.
    versions: BTreeMap<MarketId, Version>,
    replies: Vec<(Reply, Result<Version, TripJournalError>)>,
}

impl CommitGroup {
    fn has_room(&self) -> bool {
        self.replies.len() < COMMIT_REQUESTS_MAX && self.bytes < COMMIT_BYTES
    }
}

impl Writer {
    /// The writer of an engine that has just been opened.
    pub(super) fn new(folder: PathBuf, store: Arc<JournalStore>, engine: WriterEngine) -> Self {
        Self { folder, store, engine: Some(engine), failed: None, steps: Box::new(Disk) }
    }

    /// Handles requests until all senders of the queue are dropped.
    pub(super) fn run(mut self, queue: &Receiver<WriteRequest>) {
        while let Ok(request) = queue.recv() {
            let Some(mut engine) = self.take_engine() else {
                let error = self.write_error();
                // One look at the disk is enough for all requests that wait. The list is complete before the first reply: its
                // caller may repeat the request at once, which deserves a new look.
                let mut waiting = vec![request];
                waiting.extend(queue.try_iter().take(COMMIT_REQUESTS_MAX));
                for request in waiting {
                    let _ = request.reply.send(Err(error.clone()));
                }
                continue;
            };
            let mut group = CommitGroup {
                batch: engine.db.batch().durability(Some(PersistMode::SyncAll)),
                bytes: 0,
                appended: 0,
                versions: BTreeMap::new(),
                replies: Vec::new(),
            };
            self.add(request, &mut engine, &mut group);
            while group.has_room()
                && let Ok(request) = queue.try_recv()
            {
                self.add(request, &mut engine, &mut group);
            }
            self.commit(&mut engine, group);
            self.engine = Some(engine);
        }
        if let Some(engine) = &self.engine
            && let Err(e) = engine.watermark.sync()
        {
            tracing::warn!(path = self.store.path, error = %e, "the count of acknowledged records is not durable");
        }
    }

    /// Takes the engine; opens it anew if the last commit failed and the disk has room again. `None` if that fails.
    fn take_engine(&mut self) -> Option<WriterEngine> {
        let Some(failed) = &self.failed else { return self.engine.take() };
        if !failed.is_temporary() {
            return None;
        }
        let reopened = match self.steps.probe(&self.folder) {
            Ok(()) => self.reopen(),
            Err(reason) => Err(JournalError::of_file(&self.store.path, &reason)),
        };
        match reopened {
            Ok(engine) => {
                tracing::info!(path = self.store.path, "the trip journal takes writes again");
                self.failed = None;
                Some(engine)
            }
            Err(reason) => {
                tracing::debug!(path = self.store.path, %reason, "the trip journal cannot be opened anew yet");
                self.failed = Some(reason);
                None
            }
        }
    }

    fn reopen(&mut self) -> Result<WriterEngine, JournalError> {
        // Readers wait. A closed engine may still write what the failed commit left in its buffer, so it is closed before the
        // versions are read.
        let mut keyspaces = self.store.keyspaces.write();
        *keyspaces = None;
        self.engine = None;
        let (opened, watermark) = self.steps.open(&self.folder)?;
        *keyspaces = Some(opened.keyspaces.clone());
        *self.store.versions.write() = opened.versions;
        Ok(WriterEngine {
            db: opened.db,
            keyspaces: opened.keyspaces,
            watermark,
            snapshot_versions: opened.snapshot_versions,
        })
    }

    /// Adds a request to the group, or an error as its reply.
    fn add(&self, request: WriteRequest, engine: &mut WriterEngine, group: &mut CommitGroup) {
        // The caller dropped its call before the write began, so nothing may be written.
        if request.reply.is_closed() {
            return;
        }
        let result = match request.write {
            Write::Record { expected, record } => {
                self.append(engine, &request.market, expected, &record, group)
            }
            Write::Snapshot { version, snapshot } => {
                self.save_snapshot(engine, &request.market, version, &snapshot, group)
            }
        };
        group.replies.push((request.reply, result));
    }

    fn append(
        &self,
        engine: &WriterEngine,
        market: &MarketId,
        expected: Version,
        record: &Record,
        group: &mut CommitGroup,
    ) -> Result<Version, TripJournalError> {
        let current = self.newest(market, group);
        if expected != current {
            return Err(TripJournalError::Conflict { market: market.clone(), expected, current });
        }
        let version = current + 1;
        let key = record_key(market, version);
        let bytes = encode_record(&key, record)?;
        group.bytes += bytes.len();
        group.appended += 1;
        group.batch.insert(&engine.keyspaces.records, key, bytes);
        group.versions.insert(market.clone(), version);
        Ok(version)
    }

    fn save_snapshot(
        &self,
        engine: &mut WriterEngine,
        market: &MarketId,
        version: Version,
        snapshot: &[u8],
        group: &mut CommitGroup,
    ) -> Result<Version, TripJournalError> {
        if version > self.newest(market, group) {
            return Err(no_such_version(version).into());
        }
        // A late snapshot of an older state must not replace a newer one.
        if engine.snapshot_versions.get(market).is_some_and(|newer| *newer > version) {
            return Ok(version);
        }
        let key = market.as_str().as_bytes();
        let bytes = encode_snapshot(key, version, snapshot)?;
        group.bytes += bytes.len();
        group.batch.insert(&engine.keyspaces.snapshots, key, bytes);
        engine.snapshot_versions.insert(market.clone(), version);
        Ok(version)
    }

    /// Returns the newest version of a market, including the records of the group.
    fn newest(&self, market: &MarketId, group: &CommitGroup) -> Version {
        group.versions.get(market).copied().unwrap_or_else(|| self.store.newest(market))
    }

    fn commit(&mut self, engine: &mut WriterEngine, mut group: CommitGroup) {
        match self.steps.commit(group.batch) {
            Ok(()) => {
                // Readers see the records from here on, because they are durable.
                self.store.versions.write().append(&mut group.versions);
                // These records are durable, so their replies succeed even if the count fails. But no record may follow
                // that the count does not include.
                if group.appended > 0
                    && let Err(reason) = self.steps.count(&mut engine.watermark, group.appended)
                {
                    self.fail(JournalError::of_file(&self.store.path, &reason));
                }
            }
            Err(reason) => {
                self.fail(JournalError::of_engine(&self.store.path, &reason));
                let error = self.write_error();
                for (_, result) in group.replies.iter_mut().filter(|(_, result)| result.is_ok()) {
                    *result = Err(error.clone());
                }
            }
        }
        for (reply, result) in group.replies {
            // A caller that has dropped its call finds the outcome when it reads the journal.
            let _ = reply.send(result);
        }
    }

    fn fail(&mut self, reason: JournalError) {
        tracing::error!(%reason, "a write to the trip journal failed");
        self.failed = Some(reason);
    }

    /// The reply to writes after a failure.
    fn write_error(&self) -> TripJournalError {
        match &self.failed {
            Some(reason) if reason.is_temporary() => reason.clone().into(),
            Some(reason) => TripJournalError::Internal(format!(
                "{reason}; nothing more is written until the process starts again"
            )),
            None => TripJournalError::Internal(format!("trip journal in {}: it is closed", self.store.path)),
        }
    }
}
