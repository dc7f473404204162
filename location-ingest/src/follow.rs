//! Following the membership: one link and one task for every index server of the view.

use std::collections::HashMap;
use std::sync::Arc;

use kerb_ports::SourceRegistration;
use kerb_types::{MembershipView, NodeId};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::node::IngestNode;
use crate::outbound::Outbound;
use crate::service::{LocationIngest, Ports};

/// Starts and stops the links' tasks.
pub(crate) struct Follower {
    node: Arc<IngestNode>,
    ports: Ports,
    views: watch::Receiver<Arc<MembershipView>>,
    tasks: TaskTracker,
    stop: CancellationToken,
    running: HashMap<NodeId, CancellationToken>,
}

impl Follower {
    pub(crate) fn new(service: &LocationIngest, ports: &Ports) -> Self {
        Self {
            node: service.node.clone(),
            views: ports.membership.watch(),
            ports: ports.clone(),
            tasks: service.background.clone(),
            stop: service.stop_background.clone(),
            running: HashMap::new(),
        }
    }

    /// Follows until the membership ends.
    pub(crate) async fn run(mut self) {
        while self.views.changed().await.is_ok() {
            self.take_view();
        }
    }

    /// Takes over the newest view.
    pub(crate) fn take_view(&mut self) {
        let view = self.views.borrow_and_update().clone();
        let changes = self.node.links.apply_view(&self.node.table, &view);
        for link in changes.removed {
            if let Some(stop) = self.running.remove(&link.node) {
                stop.cancel();
            }
        }
        for link in changes.added {
            let stop = self.stop.child_token();
            self.running.insert(link.node.clone(), stop.clone());
            let settings_fingerprint = self.ports.sharding.fingerprint(&self.ports.catalog);
            let register = SourceRegistration { node: self.node.id.clone(), settings_fingerprint };
            let seed = xxh3_64_with_seed(link.node.as_str().as_bytes(), self.ports.seed);
            let (node, peers) = (self.node.clone(), self.ports.peers.clone());
            self.tasks.spawn(Outbound { node, link, peers, register, seed, stop }.run());
        }
        self.node.counters.links_wanted.set(self.running.len() as u64);
    }
}
