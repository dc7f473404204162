//! The one writer of a journal: takes all that waits, writes it as one commit, and answers once that is durable. The
//! disk's wait is so shared by all markets (group commit).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use fjall::{Database, OwnedWriteBatch, PersistMode};
use kerb_ports::TripJournalError;
use kerb_trips::{MarketId, Record, Version};
use tokio::sync::oneshot;

use crate::disk::Shared;
use crate::key::record_key;
use crate::memory::no_such_version;
use crate::record::{encode_record, encode_snapshot};
use crate::watermark::Watermark;

/// Jobs of one commit, at most.
const GROUP_MAX: usize = 256;
/// No more is added to a commit of so many bytes.
const GROUP_BYTES: usize = 8 * 1024 * 1024;

/// Who waits for the writer.
pub(super) type Asker = oneshot::Sender<Result<Version, TripJournalError>>;

/// One wish to the writer.
pub(super) struct Job {
    pub(super) market: MarketId,
    pub(super) what: What,
    pub(super) answer: Asker,
}

/// What to write.
pub(super) enum What {
    /// The next record, when this is the newest version.
    Append(Version, Record),
    /// All up to this version.
    Snapshot(Version, Vec<u8>),
}

/// The writer's own things.
pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) db: Database,
    pub(super) watermark: Watermark,
    pub(super) snapshot_versions: BTreeMap<MarketId, Version>,
    /// Why nothing is written any more: after a failed commit nobody knows what is on disk, and another record under
    /// the same version must not come over one that somebody will read.
    pub(super) failed: Option<String>,
}

/// What is written and answered together.
struct Group {
    batch: OwnedWriteBatch,
    bytes: usize,
    appended: u64,
    /// The newest versions, once this is durable.
    versions: BTreeMap<MarketId, Version>,
    answers: Vec<(Asker, Result<Version, TripJournalError>)>,
}

impl Group {
    fn has_room(&self) -> bool {
        self.answers.len() < GROUP_MAX && self.bytes < GROUP_BYTES
    }
}

impl Writer {
    /// Works until all senders are gone.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            let mut group = Group {
                batch: self.db.batch().durability(Some(PersistMode::SyncAll)),
                bytes: 0,
                appended: 0,
                versions: BTreeMap::new(),
                answers: Vec::new(),
            };
            self.take(job, &mut group);
            while group.has_room()
                && let Ok(job) = jobs.try_recv()
            {
                self.take(job, &mut group);
            }
            self.commit(group);
        }
        if let Err(e) = self.watermark.sync() {
            tracing::warn!(path = self.shared.path, error = %e, "the count of acknowledged records is not durable");
        }
    }

    fn take(&mut self, job: Job, group: &mut Group) {
        // Nobody waits any more: the call was cancelled before it was begun.
        if job.answer.is_closed() {
            return;
        }
        let written = match &self.failed {
            Some(reason) => Err(self.refusal(reason)),
            None => match job.what {
                What::Append(expected, record) => self.append(&job.market, expected, &record, group),
                What::Snapshot(version, snapshot) => self.snapshot(&job.market, version, &snapshot, group),
            },
        };
        group.answers.push((job.answer, written));
    }

    fn append(
        &self,
        market: &MarketId,
        expected: Version,
        record: &Record,
        group: &mut Group,
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
        group.batch.insert(&self.shared.records, key, bytes);
        group.versions.insert(market.clone(), version);
        Ok(version)
    }

    fn snapshot(
        &mut self,
        market: &MarketId,
        version: Version,
        snapshot: &[u8],
        group: &mut Group,
    ) -> Result<Version, TripJournalError> {
        if version > self.newest(market, group) {
            return Err(no_such_version(version).into());
        }
        if self.snapshot_versions.get(market).is_some_and(|newer| *newer > version) {
            return Ok(version);
        }
        let key = market.as_str().as_bytes();
        let bytes = encode_snapshot(key, version, snapshot)?;
        group.bytes += bytes.len();
        group.batch.insert(&self.shared.snapshots, key, bytes);
        self.snapshot_versions.insert(market.clone(), version);
        Ok(version)
    }

    fn newest(&self, market: &MarketId, group: &Group) -> Version {
        group.versions.get(market).copied().unwrap_or_else(|| self.shared.newest(market))
    }

    fn commit(&mut self, mut group: Group) {
        let done = group.batch.commit();
        match done {
            Ok(()) => {
                self.shared.versions.write().append(&mut group.versions);
                // The records are durable, so they are answered; but nothing comes after what cannot be counted.
                if group.appended > 0
                    && let Err(e) = self.watermark.raise(group.appended)
                {
                    self.failed = Some(format!("counting acknowledged records: {e}"));
                }
            }
            Err(e) => {
                let reason = e.to_string();
                for (_, written) in group.answers.iter_mut().filter(|(_, written)| written.is_ok()) {
                    *written = Err(self.refusal(&reason));
                }
                self.failed = Some(reason);
            }
        }
        for (answer, written) in group.answers {
            // Who went away meanwhile will read what came of it.
            let _ = answer.send(written);
        }
    }

    fn refusal(&self, reason: &str) -> TripJournalError {
        let path = &self.shared.path;
        TripJournalError::Internal(format!(
            "trip journal in {path}: a write failed, nothing more is written: {reason}"
        ))
    }
}
