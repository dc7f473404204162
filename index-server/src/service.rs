//! Starts and stops an index server.

use std::sync::Arc;
use std::time::Duration;

use kerb_ports::{Membership, ReplicationError};
use kerb_types::{Catalog, Clock, MembershipView, NodeId, Sharding};
use parking_lot::RwLock;
use tokio::sync::{Semaphore, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::handle::IndexServer;
use crate::handle::server_state::ServerState;
use crate::index::Index;
use crate::options::Options;

/// What an index server gets from its node.
pub struct Ports {
    /// The id of this node, by which the shard map assigns shards to it.
    pub node: NodeId,
    /// The same in all processes of a cluster.
    pub sharding: Sharding,
    /// The same in all processes of a cluster.
    pub catalog: Catalog,
    /// The live nodes, and the shards that this node holds.
    pub membership: Arc<dyn Membership>,
    /// Decides when a position is too old.
    pub clock: Arc<dyn Clock>,
}

impl IndexServer {
    /// Starts the server's tasks on the current runtime. The server holds the shards of the current membership view.
    pub async fn start(options: &Options, ports: Ports) -> Result<Self, ReplicationError> {
        let Ports { node, sharding, catalog, membership, clock } = ports;
        let state = Arc::new(ServerState {
            index: Index::new(options, sharding, clock.now()),
            clock,
            node,
            settings_fingerprint: sharding.fingerprint(&catalog),
            ingest_nodes: RwLock::default(),
            stream_wakeups: watch::Sender::new(()),
            long_searches: Semaphore::new(options.long_searches_max),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        let mut views = membership.watch();
        let view = Arc::clone(&views.borrow_and_update());
        state.apply_view(&view).await?;
        state.tasks.spawn(watch_membership(Arc::clone(&state), views));
        let interval = Duration::from_millis(options.maintenance_interval_ms.max(1));
        state.tasks.spawn(maintain(Arc::clone(&state), interval));
        Ok(Self { state })
    }

    /// Closes all streams and ends the server's tasks. Every later call returns the `Unavailable` of its
    /// port.
    pub async fn shutdown(&self) {
        self.state.stop.cancel();
        self.state.wake_streams();
        self.state.tasks.close();
        self.state.tasks.wait().await;
    }
}

async fn watch_membership(state: Arc<ServerState>, mut views: watch::Receiver<Arc<MembershipView>>) {
    while let Some(Ok(())) = state.stop.run_until_cancelled(views.changed()).await {
        let view = Arc::clone(&views.borrow_and_update());
        if let Err(error) = state.apply_view(&view).await {
            tracing::error!(%error, "a membership view was not applied");
        }
    }
}

async fn maintain(state: Arc<ServerState>, interval: Duration) {
    let mut timer = tokio::time::interval(interval);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while state.stop.run_until_cancelled(timer.tick()).await.is_some() {
        state.run_maintenance(state.clock.now()).await;
    }
}
