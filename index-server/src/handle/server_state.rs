//! The state that all handles, streams and tasks of an index server share.

use std::sync::Arc;

use kerb_ports::{Failure, FromFailure, ReplicationError};
use kerb_types::{Clock, MembershipView, NodeId, Role, Timestamp};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::index::Index;

/// An index with its clock and its tasks.
pub(crate) struct ServerState {
    pub(crate) index: Index,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) node: NodeId,
    pub(crate) settings_fingerprint: u64,
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

    /// Applies a membership view.
    pub(crate) async fn apply_view(&self, view: &MembershipView) -> Result<(), ReplicationError> {
        let held = view.shard_map.shards_of(&self.node);
        let live = view.with_role(Role::LocationIngest).filter(|node| node.live).map(|node| node.id.clone());
        let live: Vec<_> = live.collect();
        let lost = self.index.set_view(&held, &live)?;
        tracing::debug!(held = held.len(), lost = lost.len(), live = live.len(), "applied a membership view");
        for shard in lost {
            self.index.drop_drivers(shard);
            tokio::task::yield_now().await;
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
