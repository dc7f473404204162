//! The journal on this machine's disk.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use fjall::Keyspace;
use futures::FutureExt;
use futures::future::ready;
use kerb_ports::{PortFuture, TripJournal, TripJournalError};
use kerb_trips::{MarketId, Record, Version};
use parking_lot::RwLock;
use tokio::sync::oneshot;
use tracing::warn;

use crate::error::JournalError;
use crate::key::record_key;
use crate::open::{Opened, find_absent, open};
use crate::record::{decode_record, decode_snapshot};
use crate::watermark::Watermark;
use crate::writer::{Job, What, Writer};

/// Appends and snapshots that wait for the writer, at most.
pub(super) const JOBS_MAX: usize = 1_024;

/// A journal in a folder of this machine, durable by `fsync`. One process at a time has it open.
///
/// Dropping it waits for the writes that were begun and closes the files. Reads need a Tokio runtime.
pub struct FjallJournal {
    shared: Arc<Shared>,
    /// `None` only while it is dropped.
    jobs: Option<SyncSender<Job>>,
    /// Its thread, until it is dropped.
    writer: Option<JoinHandle<()>>,
}

/// What readers and the writer share.
pub(super) struct Shared {
    pub(super) path: String,
    pub(super) records: Keyspace,
    pub(super) snapshots: Keyspace,
    /// The newest durable version of each market that has records. What is beyond is not read.
    pub(super) versions: RwLock<BTreeMap<MarketId, Version>>,
}

impl FjallJournal {
    /// Opens the journal in this folder, or makes it. Blocks on the disk.
    pub fn open(folder: &Path) -> Result<Self, JournalError> {
        let (mut journal, writer, waiting) = Self::stopped(folder)?;
        let thread = std::thread::Builder::new().name("trip-journal".to_owned());
        let started = thread.spawn(move || writer.run(&waiting));
        journal.writer = Some(started.map_err(|reason| no_journal(folder, &reason))?);
        Ok(journal)
    }

    /// Opens the journal that is in this folder, as [`open`](Self::open) does; [`JournalError::Absent`] when there is none,
    /// and then nothing is made.
    pub fn open_existing(folder: &Path) -> Result<Self, JournalError> {
        match find_absent(folder).map_err(|reason| no_journal(folder, &reason))? {
            Some(reason) => Err(JournalError::Absent { path: folder.display().to_string(), reason }),
            None => Self::open(folder),
        }
    }

    /// A journal, its writer, which does not run yet, and what will wait for it.
    pub(super) fn stopped(folder: &Path) -> Result<(Self, Writer, Receiver<Job>), JournalError> {
        std::fs::create_dir_all(folder).map_err(|reason| no_journal(folder, &reason))?;
        let Opened { db, records, snapshots, versions, snapshot_versions } = open(folder)?;
        let watermark = Watermark::open(folder, versions.values().sum())?;
        let path = folder.display().to_string();
        let shared = Arc::new(Shared { path, records, snapshots, versions: RwLock::new(versions) });
        let writer = Writer { shared: Arc::clone(&shared), db, watermark, snapshot_versions, failed: None };
        let (jobs, waiting) = sync_channel(JOBS_MAX);
        Ok((Self { shared, jobs: Some(jobs), writer: None }, writer, waiting))
    }

    /// Hands a job to the writer and waits for its answer.
    async fn ask(&self, market: MarketId, what: What) -> Result<Version, TripJournalError> {
        let (answer, answered) = oneshot::channel();
        let ended =
            || TripJournalError::Internal(format!("trip journal in {}: its writer ended", self.shared.path));
        let jobs = self.jobs.as_ref().ok_or_else(ended)?;
        jobs.try_send(Job { market, what, answer }).map_err(|refused| match refused {
            TrySendError::Full(_) => {
                TripJournalError::Overloaded { what: "appends waiting for the journal", limit: JOBS_MAX }
            }
            TrySendError::Disconnected(_) => ended(),
        })?;
        answered.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Runs `read` where it may block.
    async fn off_runtime<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Shared) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, TripJournalError> {
        let shared = Arc::clone(&self.shared);
        let done = tokio::task::spawn_blocking(move || read(&shared)).await;
        let path = &self.shared.path;
        Ok(done.map_err(|e| {
            TripJournalError::Internal(format!("trip journal in {path}: reading gave up: {e}"))
        })??)
    }
}

fn no_journal(folder: &Path, reason: &std::io::Error) -> JournalError {
    JournalError::Engine { path: folder.display().to_string(), reason: reason.to_string() }
}

impl Shared {
    /// The newest durable version; 0 for a market without records.
    pub(super) fn newest(&self, market: &MarketId) -> Version {
        self.versions.read().get(market).copied().unwrap_or(0)
    }

    fn read(
        &self,
        market: &MarketId,
        after: Version,
        max: usize,
    ) -> Result<Vec<(Version, Record)>, JournalError> {
        let last = after.saturating_add(max as Version).min(self.newest(market));
        if last <= after {
            return Ok(Vec::new());
        }
        let mut items = self.records.range(record_key(market, after + 1)..=record_key(market, last));
        let versions = after + 1..=last;
        versions.map(|version| Ok((version, self.take_record(market, version, items.next())?))).collect()
    }

    /// The record of this version, when it is the next item.
    fn take_record(
        &self,
        market: &MarketId,
        version: Version,
        item: Option<fjall::Guard>,
    ) -> Result<Record, JournalError> {
        let gap = || JournalError::Gap { path: self.path.clone(), market: market.clone(), version };
        let damaged = |reason| {
            let (path, market) = (self.path.clone(), market.clone());
            JournalError::Damaged { path, market, version, reason }
        };
        let (key, value) = item.ok_or_else(gap)?.into_inner().map_err(|e| damaged(e.to_string()))?;
        if *key != record_key(market, version) {
            return Err(gap());
        }
        decode_record(&key, &value).map_err(damaged)
    }

    fn snapshot(&self, market: &MarketId) -> Option<(Version, Vec<u8>)> {
        let key = market.as_str().as_bytes();
        let read = self.snapshots.get(key).map_err(|e| e.to_string());
        let decoded = read.and_then(|value| {
            let Some(value) = value else { return Ok(None) };
            decode_snapshot(key, &value).map(|(version, snapshot)| Some((version, snapshot.to_vec())))
        });
        decoded.unwrap_or_else(|reason| {
            warn!(path = self.path, %market, reason, "the snapshot cannot be read, all records will be");
            None
        })
    }
}

impl TripJournal for FjallJournal {
    fn append(
        &self,
        market: MarketId,
        expected: Version,
        record: Record,
    ) -> PortFuture<'_, Version, TripJournalError> {
        self.ask(market, What::Append(expected, record)).boxed()
    }

    fn read(
        &self,
        market: MarketId,
        after: Version,
        max: usize,
    ) -> PortFuture<'_, Vec<(Version, Record)>, TripJournalError> {
        self.off_runtime(move |shared| shared.read(&market, after, max)).boxed()
    }

    fn version(&self, market: MarketId) -> PortFuture<'_, Version, TripJournalError> {
        ready(Ok(self.shared.newest(&market))).boxed()
    }

    fn markets(&self) -> PortFuture<'_, Vec<MarketId>, TripJournalError> {
        ready(Ok(self.shared.versions.read().keys().cloned().collect())).boxed()
    }

    fn save_snapshot(
        &self,
        market: MarketId,
        version: Version,
        snapshot: Vec<u8>,
    ) -> PortFuture<'_, (), TripJournalError> {
        self.ask(market, What::Snapshot(version, snapshot)).map(|saved| saved.map(drop)).boxed()
    }

    fn snapshot(&self, market: MarketId) -> PortFuture<'_, Option<(Version, Vec<u8>)>, TripJournalError> {
        self.off_runtime(move |shared| Ok(shared.snapshot(&market))).boxed()
    }
}

impl Drop for FjallJournal {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            warn!(path = self.shared.path, "the journal's writer gave up");
        }
    }
}

impl std::fmt::Debug for FjallJournal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FjallJournal").field("path", &self.shared.path).finish_non_exhaustive()
    }
}
