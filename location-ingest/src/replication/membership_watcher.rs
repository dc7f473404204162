//! Applies every membership view to the fan-out, and runs one task for every index server of the view.

use std::collections::HashMap;
use std::sync::Arc;

use kerb_types::{MembershipView, NodeId};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::fanout::Fanout;
use super::link_task::{LinkTask, LinkTaskContext};

/// Starts and stops the links' tasks.
pub(crate) struct MembershipWatcher {
    pub(crate) fanout: Arc<Fanout>,
    pub(crate) context: LinkTaskContext,
    pub(crate) views: watch::Receiver<Arc<MembershipView>>,
    /// Each link derives the seed of its reconnect waits from it.
    pub(crate) seed: u64,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
    /// Stops the task of each index server.
    pub(crate) running: HashMap<NodeId, CancellationToken>,
}

impl MembershipWatcher {
    /// Applies every new view until the membership ends.
    pub(crate) async fn run(mut self) {
        while self.views.changed().await.is_ok() {
            self.apply_newest_view();
        }
    }

    /// Applies the newest view.
    pub(crate) fn apply_newest_view(&mut self) {
        let view = self.views.borrow_and_update().clone();
        let changes = self.fanout.apply_view(&self.context.table, &view);
        for link in changes.removed {
            if let Some(stop) = self.running.remove(&link.node) {
                stop.cancel();
            }
        }
        for link in changes.added {
            let stop = self.stop.child_token();
            self.running.insert(link.node.clone(), stop.clone());
            let seed = xxh3_64_with_seed(link.node.as_str().as_bytes(), self.seed);
            self.tasks.spawn(LinkTask { context: self.context.clone(), link, seed, stop }.run());
        }
        self.context.metrics.links_wanted.set(self.running.len() as u64);
    }
}
