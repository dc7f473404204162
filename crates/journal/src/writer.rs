//! The only writer of a journal. It takes all waiting requests, writes them as one commit, and replies once the commit is
//! durable. So all markets share one wait for the disk (group commit).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use fjall::{Database, OwnedWriteBatch, PersistMode};
use kerb_ports::TripJournalError;
use kerb_trips::{MarketId, Record, Version};
use tokio::sync::oneshot;

use crate::key::record_key;
use crate::record::{encode_record, encode_snapshot, no_such_version};
use crate::store::JournalStore;
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
    pub(super) store: Arc<JournalStore>,
    pub(super) db: Database,
    pub(super) watermark: Watermark,
    pub(super) snapshot_versions: BTreeMap<MarketId, Version>,
    /// The reason of the first failed commit. From then on, the writer rejects every request: the content of the disk is
    /// unknown, and a second record under the same version must not replace one that a reader may see later.
    pub(super) failed: Option<String>,
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
    /// Handles requests until all senders of the queue are dropped.
    pub(super) fn run(mut self, queue: &Receiver<WriteRequest>) {
        while let Ok(request) = queue.recv() {
            let mut group = CommitGroup {
                batch: self.db.batch().durability(Some(PersistMode::SyncAll)),
                bytes: 0,
                appended: 0,
                versions: BTreeMap::new(),
                replies: Vec::new(),
            };
            self.add(request, &mut group);
            while group.has_room()
                && let Ok(request) = queue.try_recv()
            {
                self.add(request, &mut group);
            }
            self.commit(group);
        }
        if let Err(e) = self.watermark.sync() {
            tracing::warn!(path = self.store.path, error = %e, "the count of acknowledged records is not durable");
        }
    }

    /// Adds a request to the group, or an error as its reply.
    fn add(&mut self, request: WriteRequest, group: &mut CommitGroup) {
        // The caller dropped its call before the write began, so nothing may be written.
        if request.reply.is_closed() {
            return;
        }
        let result = match &self.failed {
            Some(reason) => Err(self.write_error(reason)),
            None => match request.write {
                Write::Record { expected, record } => self.append(&request.market, expected, &record, group),
                Write::Snapshot { version, snapshot } => {
                    self.save_snapshot(&request.market, version, &snapshot, group)
                }
            },
        };
        group.replies.push((request.reply, result));
    }

    fn append(
        &self,
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
        group.batch.insert(&self.store.records, key, bytes);
        group.versions.insert(market.clone(), version);
        Ok(version)
    }

    fn save_snapshot(
        &mut self,
        market: &MarketId,
        version: Version,
        snapshot: &[u8],
        group: &mut CommitGroup,
    ) -> Result<Version, TripJournalError> {
        if version > self.newest(market, group) {
            return Err(no_such_version(version).into());
        }
        // A late snapshot of an older state must not replace a newer one.
        if self.snapshot_versions.get(market).is_some_and(|newer| *newer > version) {
            return Ok(version);
        }
        let key = market.as_str().as_bytes();
        let bytes = encode_snapshot(key, version, snapshot)?;
        group.bytes += bytes.len();
        group.batch.insert(&self.store.snapshots, key, bytes);
        self.snapshot_versions.insert(market.clone(), version);
        Ok(version)
    }

    /// Returns the newest version of a market, including the records of the group.
    fn newest(&self, market: &MarketId, group: &CommitGroup) -> Version {
        group.versions.get(market).copied().unwrap_or_else(|| self.store.newest(market))
    }

    fn commit(&mut self, mut group: CommitGroup) {
        let committed = group.batch.commit();
        match committed {
            Ok(()) => {
                // Readers see the records from here on, because they are durable.
                self.store.versions.write().append(&mut group.versions);
                // These records are durable, so their replies succeed even if the count fails. But no record may follow
                // that the count does not include.
                if group.appended > 0
                    && let Err(e) = self.watermark.raise(group.appended)
                {
                    self.failed = Some(format!("counting acknowledged records: {e}"));
                }
            }
            Err(e) => {
                let reason = e.to_string();
                for (_, result) in group.replies.iter_mut().filter(|(_, result)| result.is_ok()) {
                    *result = Err(self.write_error(&reason));
                }
                self.failed = Some(reason);
            }
        }
        for (reply, result) in group.replies {
            // A caller that has dropped its call finds the outcome when it reads the journal.
            let _ = reply.send(result);
        }
    }

    fn write_error(&self, reason: &str) -> TripJournalError {
        let path = &self.store.path;
        TripJournalError::Internal(format!(
            "trip journal in {path}: a write failed, nothing more is written: {reason}"
        ))
    }
}
