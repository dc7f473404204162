//! The handle of an index server, and its ports.

mod frame_applier;
pub(crate) mod server_state;

use std::sync::Arc;

use kerb_ports::{
    IndexAdmin, IndexAdminError, PortFuture, PositionSink, ReplicationError, ReplicationStream, ShardQuery,
    ShardResult, ShardSearch, ShardSearchError, ShardStat, SourceRegistration,
};
use kerb_types::{ShardId, Timestamp, run_blocking};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::index::Index;
use crate::search::{SearchAbort, SearchBudget};
use crate::store::epoch::READERS_MAX;
use frame_applier::FrameApplier;
use server_state::ServerState;

/// Leaves that a search may read on the thread that serves its caller: some 300 µs. A longer search starts again on a
/// thread for blocking work.
const QUICK_LEAVES_MAX: usize = 1_000;

/// A running index server; clones are handles of the same server.
#[derive(Clone)]
pub struct IndexServer {
    pub(crate) state: Arc<ServerState>,
}

impl IndexServer {
    /// The index, for its metrics and its memory.
    pub fn index(&self) -> &Index {
        &self.state.index
    }

    /// Removes the drivers that have expired at `now`, and releases the slots of closed streams. The server does this
    /// by itself every [`crate::Options::maintenance_interval_ms`].
    pub async fn run_maintenance(&self, now: Timestamp) {
        self.state.run_maintenance(now).await;
    }

    /// The token that is cancelled when the server shuts down.
    pub(crate) fn stop(&self) -> &CancellationToken {
        &self.state.stop
    }

    /// Runs a task that [`IndexServer::shutdown`] waits for.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.state.tasks.spawn(task);
    }

    async fn search_within(
        &self,
        query: ShardQuery,
        deadline: Instant,
    ) -> Result<ShardResult, ShardSearchError> {
        self.state.check_running::<ShardSearchError>()?;
        if Instant::now() >= deadline {
            return Err(deadline_exceeded());
        }
        match self.search_quickly(&query, deadline) {
            Err(SearchAbort::BudgetExceeded) => self.search_long(query, deadline).await,
            answer => answer.map_err(error_of),
        }
    }

    fn search_quickly(&self, query: &ShardQuery, deadline: Instant) -> Result<ShardResult, SearchAbort> {
        let is_late = || Instant::now() >= deadline;
        self.state.index.search(query, &mut SearchBudget::new(QUICK_LEAVES_MAX, &is_late))
    }

    async fn search_long(
        &self,
        query: ShardQuery,
        deadline: Instant,
    ) -> Result<ShardResult, ShardSearchError> {
        let permit = self.state.long_searches.acquire();
        let permit = tokio::time::timeout_at(deadline, permit).await;
        // The semaphore is never closed, so the only error is the timeout.
        let Ok(Ok(_permit)) = permit else { return Err(deadline_exceeded()) };
        let state = Arc::clone(&self.state);
        // The guard is dropped with this future, when the caller does not wait any more.
        let caller = CancellationToken::new();
        let (caller_left, _guard) = (caller.clone(), caller.drop_guard());
        let search = run_blocking(move || {
            let is_cancelled =
                || caller_left.is_cancelled() || state.stop.is_cancelled() || Instant::now() >= deadline;
            state.index.search(&query, &mut SearchBudget::new(usize::MAX, &is_cancelled))
        });
        let answer =
            search.await.map_err(|error| ShardSearchError::Internal(format!("a search failed: {error}")))?;
        answer.map_err(error_of)
    }
}

fn deadline_exceeded() -> ShardSearchError {
    ShardSearchError::DeadlineExceeded("the shards were not searched in time".to_owned())
}

fn error_of(abort: SearchAbort) -> ShardSearchError {
    match abort {
        SearchAbort::TooManySearches => ShardSearchError::Overloaded { what: "searches", limit: READERS_MAX },
        SearchAbort::Cancelled => deadline_exceeded(),
        // The caller handles the first, and a search under the writer's lock is not contended.
        SearchAbort::BudgetExceeded | SearchAbort::Contended => {
            ShardSearchError::Internal(format!("a search stopped: {abort:?}"))
        }
    }
}

impl PositionSink for IndexServer {
    fn open(
        &self,
        register: SourceRegistration,
    ) -> PortFuture<'_, Box<dyn ReplicationStream>, ReplicationError> {
        Box::pin(async move {
            self.state.check_running::<ReplicationError>()?;
            if register.settings_fingerprint != self.state.settings_fingerprint {
                return Err(ReplicationError::Mismatch(format!(
                    "{} and {} run with other classes, capabilities or sharding",
                    register.node, self.state.node
                )));
            }
            let stream = self.state.open_stream(&register.node)?;
            // Subscribes before the wakeup below, which is for the node's previous stream: it is superseded now.
            let wakeups = self.state.stream_wakeups.subscribe();
            self.state.wake_streams();
            let stream: Box<dyn ReplicationStream> =
                Box::new(FrameApplier::new(Arc::clone(&self.state), stream, wakeups));
            Ok(stream)
        })
    }
}

impl ShardSearch for IndexServer {
    fn search(&self, query: ShardQuery, deadline: Instant) -> PortFuture<'_, ShardResult, ShardSearchError> {
        Box::pin(self.search_within(query, deadline))
    }
}

impl IndexAdmin for IndexServer {
    fn stats(&self) -> PortFuture<'_, Vec<ShardStat>, IndexAdminError> {
        Box::pin(async move {
            self.state.check_running::<IndexAdminError>()?;
            Ok(self.state.index.stats())
        })
    }

    fn resync(&self, shards: Vec<ShardId>) -> PortFuture<'_, Vec<ShardId>, IndexAdminError> {
        Box::pin(async move {
            self.state.check_running::<IndexAdminError>()?;
            let shards = self.state.index.begin_resync(&shards)?;
            // A task of its own finishes even if the caller does not wait. Otherwise the shards could stay empty.
            let (state, emptied) = (Arc::clone(&self.state), shards.clone());
            let resync = self.state.tasks.spawn(async move {
                for shard in &emptied {
                    state.index.drop_drivers(*shard);
                    tokio::task::yield_now().await;
                }
                state.index.request_resync(&emptied);
                state.wake_streams();
            });
            resync.await.map_err(|error| IndexAdminError::Internal(format!("a resync failed: {error}")))?;
            Ok(shards)
        })
    }
}
