//! The journal on this machine's disk: readers run on the blocking threads of Tokio, and one thread writes.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use futures::FutureExt;
use futures::future::ready;
use kerb_ports::{PortFuture, TripJournal, TripJournalError};
use kerb_trips::{MarketId, Record, Version};
use parking_lot::RwLock;
use tokio::sync::{Semaphore, oneshot};
use tracing::warn;

use crate::error::JournalError;
use crate::open::find_absent;
use crate::steps::{Disk, WriteSteps};
use crate::store::JournalStore;
use crate::writer::{Write, WriteRequest, Writer, WriterEngine};

/// Maximum appends and snapshots that wait for the writer thread.
pub(super) const WRITE_QUEUE_MAX: usize = 1_024;
/// Maximum reads at a time, each on a blocking thread; further ones wait. More threads read nothing sooner, and all other
/// blocking work of the process shares them.
const READS_MAX: usize = 8;

/// A journal in a folder of this machine, durable by `fsync`. One process at a time has it open.
///
/// Reads need a Tokio runtime. Dropping the journal waits for the writes that have begun and closes the files.
pub struct FjallJournal {
    store: Arc<JournalStore>,
    /// The queue of the writer thread; `None` only during the drop.
    requests: Option<SyncSender<WriteRequest>>,
    /// The writer thread; `None` during the drop, and in tests that run the writer themselves.
    pub(super) writer: Option<JoinHandle<()>>,
    /// Permits of the reads at a time.
    reads: Arc<Semaphore>,
}

impl FjallJournal {
    /// Opens the journal in this folder, or makes an empty one. Blocks on the disk.
    pub fn open(folder: &Path) -> Result<Self, JournalError> {
        let (mut journal, writer, queue) = Self::open_without_writer(folder)?;
        let thread = std::thread::Builder::new().name("trip-journal".to_owned());
        let started = thread.spawn(move || writer.run(&queue));
        journal.writer = Some(started.map_err(|reason| io_error(folder, &reason))?);
        Ok(journal)
    }

    /// Opens the journal in this folder like [`open`](Self::open). If there is none, it returns [`JournalError::Absent`]
    /// and makes no files.
    pub fn open_existing(folder: &Path) -> Result<Self, JournalError> {
        match find_absent(folder).map_err(|reason| io_error(folder, &reason))? {
            Some(reason) => Err(JournalError::Absent { path: folder.display().to_string(), reason }),
            None => Self::open(folder),
        }
    }

    /// Opens a journal whose writer does not run yet. Returns the writer and its queue.
    pub(super) fn open_without_writer(
        folder: &Path,
    ) -> Result<(Self, Writer, Receiver<WriteRequest>), JournalError> {
        std::fs::create_dir_all(folder).map_err(|reason| io_error(folder, &reason))?;
        let (opened, watermark) = Disk.open(folder)?;
        let store = Arc::new(JournalStore {
            path: folder.display().to_string(),
            keyspaces: RwLock::new(Some(opened.keyspaces.clone())),
            versions: RwLock::new(opened.versions),
        });
        let engine = WriterEngine {
            db: opened.db,
            keyspaces: opened.keyspaces,
            watermark,
            snapshot_versions: opened.snapshot_versions,
        };
        let writer = Writer::new(folder.to_owned(), Arc::clone(&store), engine);
        let (requests, queue) = sync_channel(WRITE_QUEUE_MAX);
        let reads = Arc::new(Semaphore::new(READS_MAX));
        Ok((Self { store, requests: Some(requests), writer: None, reads }, writer, queue))
    }

    /// Hands a request to the writer thread and waits for its reply.
    async fn write(&self, market: MarketId, write: Write) -> Result<Version, TripJournalError> {
        let (reply, replied) = oneshot::channel();
        let ended =
            || TripJournalError::Internal(format!("trip journal in {}: its writer ended", self.store.path));
        let requests = self.requests.as_ref().ok_or_else(ended)?;
        requests.try_send(WriteRequest { market, write, reply }).map_err(|error| match error {
            TrySendError::Full(_) => TripJournalError::Overloaded {
                what: "appends waiting for the journal",
                limit: WRITE_QUEUE_MAX,
            },
            TrySendError::Disconnected(_) => ended(),
        })?;
        replied.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Runs `read` on a blocking thread.
    async fn run_blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce(&JournalStore) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, TripJournalError> {
        // A caller that gives up while it waits here costs no thread.
        let permit = Arc::clone(&self.reads).acquire_owned().await.expect("it is never closed");
        let store = Arc::clone(&self.store);
        let work = move || {
            let _permit = permit;
            read(&store)
        };
        let done = tokio::task::spawn_blocking(work).await;
        let path = &self.store.path;
        Ok(done.map_err(|e| {
            TripJournalError::Internal(format!("trip journal in {path}: a read was interrupted: {e}"))
        })??)
    }
}

fn io_error(folder: &Path, reason: &std::io::Error) -> JournalError {
    JournalError::of_file(&folder.display().to_string(), reason)
}

impl TripJournal for FjallJournal {
    fn append(
        &self,
        market: MarketId,
        expected: Version,
        record: Record,
    ) -> PortFuture<'_, Version, TripJournalError> {
        self.write(market, Write::Record { expected, record }).boxed()
    }

    fn read(
        &self,
        market: MarketId,
        after: Version,
        max: usize,
    ) -> PortFuture<'_, Vec<(Version, Record)>, TripJournalError> {
        self.read_page(market, after, max, usize::MAX)
    }

    fn read_page(
        &self,
        market: MarketId,
        after: Version,
        max: usize,
        bytes_max: usize,
    ) -> PortFuture<'_, Vec<(Version, Record)>, TripJournalError> {
        self.run_blocking(move |store| store.read(&market, after, max, bytes_max)).boxed()
    }

    fn version(&self, market: MarketId) -> PortFuture<'_, Version, TripJournalError> {
        ready(Ok(self.store.newest(&market))).boxed()
    }

    fn markets(&self) -> PortFuture<'_, Vec<MarketId>, TripJournalError> {
        ready(Ok(self.store.versions.read().keys().cloned().collect())).boxed()
    }

    fn save_snapshot(
        &self,
        market: MarketId,
        version: Version,
        snapshot: Vec<u8>,
    ) -> PortFuture<'_, (), TripJournalError> {
        self.write(market, Write::Snapshot { version, snapshot }).map(|saved| saved.map(drop)).boxed()
    }

    fn snapshot(&self, market: MarketId) -> PortFuture<'_, Option<(Version, Vec<u8>)>, TripJournalError> {
        self.run_blocking(move |store| store.snapshot(&market)).boxed()
    }
}

impl Drop for FjallJournal {
    fn drop(&mut self) {
        // The writer thread ends when the last sender of its queue is dropped.
        self.requests = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            warn!(path = self.store.path, "the journal's writer panicked");
        }
    }
}

impl std::fmt::Debug for FjallJournal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FjallJournal").field("path", &self.store.path).finish_non_exhaustive()
    }
}
