//! The state that all handles, streams and tasks of an index server share.

use std::collections::BTreeSet;
use std::sync::Arc;

use kerb_ports::{Failure, FromFailure, ReplicationError};
use kerb_types::{Clock, MembershipView, NodeId, Role, ShardId, Timestamp};
use parking_lot::RwLock;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::index::Index;
use crate::replication::source_stream::SourceStream;

/// An index with its clock and its tasks.
pub(crate) struct ServerState {
    pub(crate) index: Index,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) node: NodeId,
    pub(crate) settings_fingerprint: u64,
    /// The ingest nodes of the membership. Only they may open a replication stream.
    pub(crate) ingest_nodes: RwLock<BTreeSet<NodeId>>,
    /// Wakes all streams: there may be a resync request, or a newer stream.
    pub(crate) stream_wakeups: watch::Sender<()>,
    /// One permit for each long search.
    pub(crate) long_searches: Semaphore,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl ServerState {
    /// Returns the calling port's `Unavailable` once the server shuts down.
    pub(crate) fn check_running<E: FromFailure>(&self) -> Result<(), E> {
        if self.stop.is_cancelled() {
            return Err(E::from_failure(Failure::unavailable(&self.node, "it is shutting down")));
        }
        Ok(())
    }

    /// Makes every stream look for resync requests, and whether it is superseded.
    pub(crate) fn wake_streams(&self) {
        self.stream_wakeups.send_replace(());
    }

    /// Returns an error unless the membership lists this ingest node.
    pub(crate) fn check_listed(&self, node: &NodeId) -> Result<(), ReplicationError> {
        if self.ingest_nodes.read().contains(node) {
            return Ok(());
        }
        Err(ReplicationError::Mismatch(format!(
            "node {node} is no location-ingest in the membership of node {} (cluster.file)",
            self.node
        )))
    }

    /// Opens a stream of an ingest node that the membership lists.
    pub(crate) fn open_stream(&self, node: &NodeId) -> Result<SourceStream, ReplicationError> {
        self.check_listed(node)?;
        let stream = self.index.open(node)?;
        // A new view may have removed the node in between, and its drivers with the streams that were open then.
        if let Err(error) = self.check_listed(node) {
            let mut stream = stream;
            self.index.close(&mut stream);
            return Err(error);
        }
        Ok(stream)
    }

    /// Ends the streams of an ingest node that left the membership, and removes the drivers whose newest state is its own.
    /// A snapshot without a driver does exactly that. Drivers who have reported through another node stay.
    async fn retire(&self, node: &NodeId, held: &[ShardId]) -> Result<(), ReplicationError> {
        let mut stream = self.index.open(node)?;
        let emptied = self.complete_empty_snapshot(&mut stream, held).await;
        self.index.close(&mut stream);
        tracing::info!(source = %node, "an ingest node left the membership: its drivers are removed");
        emptied
    }

    async fn complete_empty_snapshot(
        &self,
        stream: &mut SourceStream,
        held: &[ShardId],
    ) -> Result<(), ReplicationError> {
        self.index.snapshot_begin(stream, 1, held)?;
        let mut completion = self.index.snapshot_end(stream, 1)?;
        while self.index.complete_snapshot_step(stream, &mut completion)? {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Applies a membership view.
    pub(crate) async fn apply_view(&self, view: &MembershipView) -> Result<(), ReplicationError> {
        let listed = view.with_role(Role::LocationIngest).map(|node| node.id.clone()).collect();
        // Before the streams are ended, so that none of them is opened again.
        let before = std::mem::replace(&mut *self.ingest_nodes.write(), listed);
        let held = view.shard_map.shards_of(&self.node);
        let live = view.with_role(Role::LocationIngest).filter(|node| node.live).map(|node| node.id.clone());
        let live: Vec<_> = live.collect();
        let lost = self.index.set_view(&held, &live)?;
        tracing::debug!(held = held.len(), lost = lost.len(), live = live.len(), "applied a membership view");
        for shard in lost {
            self.index.drop_drivers(shard);
            tokio::task::yield_now().await;
        }
        let removed = before.into_iter().filter(|node| self.check_listed(node).is_err());
        for node in removed.collect::<Vec<_>>() {
            self.retire(&node, &held).await?;
        }
        self.wake_streams();
        Ok(())
    }

    /// Removes the drivers that have expired at `now`, and releases the slots of closed streams.
    pub(crate) async fn run_maintenance(&self, now: Timestamp) {
        self.index.expire_due(now);
        while self.index.reclaim_step(now) {
            tokio::task::yield_now().await;
        }
    }
}
