//! Who answers: probes every other node and marks those that do not.
//!
//! It decides for nobody else: each node sees for itself. The shard map does not depend on it, so a wrong guess costs
//! a detour and never moves a shard.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{StreamExt, stream};
use kerb_ports::Membership;
use kerb_types::{FieldError, MembershipView, NodeId};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::task::AbortOnDropHandle;

/// Probes at one time.
const PROBES_MAX: usize = 64;

/// Settings of the probing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LivenessOptions {
    /// A node is probed this often, milliseconds.
    pub interval_ms: u32,
    /// A probe without an answer for this long has failed, milliseconds.
    pub timeout_ms: u32,
    /// Probes failed in a row that make a node count as not live. One answer makes it live again.
    pub failures: u32,
}

impl Default for LivenessOptions {
    fn default() -> Self {
        Self { interval_ms: 500, timeout_ms: 500, failures: 3 }
    }
}

impl LivenessOptions {
    /// Checks the values.
    pub fn check(&self) -> Result<(), FieldError> {
        let values =
            [("interval_ms", self.interval_ms), ("timeout_ms", self.timeout_ms), ("failures", self.failures)];
        match values.into_iter().find(|(_, value)| *value == 0) {
            Some((field, _)) => Err(FieldError::new(field, "0, must be at least 1")),
            None => Ok(()),
        }
    }
}

/// Asks a node whether it is well.
pub trait Probe: Send + Sync + 'static {
    /// Any answer that says so is `Ok`. Dropping the future ends the probe.
    fn probe(&self, node: &NodeId) -> BoxFuture<'_, Result<(), String>>;
}

/// What the probes of all nodes have come to. Pure.
#[derive(Clone, Debug, Default)]
pub struct Tracker {
    /// Failures in a row; nodes without any are not listed.
    failures: HashMap<NodeId, u32>,
    /// Where the listed nodes are.
    addresses: HashMap<NodeId, Option<String>>,
}

impl Tracker {
    /// A probe ended.
    pub fn record(&mut self, node: &NodeId, well: bool) {
        if well {
            self.failures.remove(node);
        } else {
            let failures = self.failures.entry(node.clone()).or_default();
            *failures = failures.saturating_add(1);
        }
    }

    /// Forgets nodes that are not listed any more, and the failures of those that are at another address now: there
    /// they were never probed.
    pub fn keep_only(&mut self, view: &MembershipView) {
        let listed = view.nodes.iter().map(|node| (node.id.clone(), node.address.clone())).collect();
        let before = std::mem::replace(&mut self.addresses, listed);
        let stayed = |node: &NodeId| {
            let now = view.node(node);
            now.is_some_and(|now| before.get(node).is_none_or(|address| *address == now.address))
        };
        self.failures.retain(|node, _| stayed(node));
    }

    /// A node that was never probed counts as live.
    pub fn is_live(&self, node: &NodeId, failures_max: u32) -> bool {
        self.failures.get(node).is_none_or(|failures| *failures < failures_max)
    }

    /// The view with each node's liveness.
    pub fn mark(&self, view: &MembershipView, failures_max: u32) -> MembershipView {
        let mut marked = view.clone();
        for node in &mut marked.nodes {
            node.live = self.is_live(&node.id, failures_max);
        }
        marked
    }
}

/// The membership of `inner`, with liveness.
pub struct Liveness {
    view: watch::Sender<Arc<MembershipView>>,
    _prober: AbortOnDropHandle<()>,
}

impl Liveness {
    /// Probes until dropped. `own` is not probed. Whoever holds this holds `inner` too: it is what the views come from.
    pub fn start(
        inner: &dyn Membership,
        own: NodeId,
        probe: Arc<dyn Probe>,
        options: LivenessOptions,
    ) -> Result<Self, FieldError> {
        options.check()?;
        let listed = inner.watch();
        let view = watch::Sender::new(Arc::clone(&listed.borrow()));
        let prober = Prober { listed, own, probe, options, tracker: Tracker::default(), view: view.clone() };
        Ok(Self { view, _prober: AbortOnDropHandle::new(tokio::spawn(prober.run())) })
    }
}

impl Membership for Liveness {
    fn watch(&self) -> watch::Receiver<Arc<MembershipView>> {
        self.view.subscribe()
    }
}

struct Prober {
    listed: watch::Receiver<Arc<MembershipView>>,
    own: NodeId,
    probe: Arc<dyn Probe>,
    options: LivenessOptions,
    tracker: Tracker,
    view: watch::Sender<Arc<MembershipView>>,
}

impl Prober {
    async fn run(mut self) {
        let mut ticks = interval(Duration::from_millis(u64::from(self.options.interval_ms)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.probe_all().await,
                // A new list counts at once, not after the next round. A list that never changes again is no reason
                // to stop.
                Ok(()) = self.listed.changed() => {}
            }
            self.publish();
        }
    }

    async fn probe_all(&mut self) {
        let nodes: Vec<NodeId> = {
            let listed = self.listed.borrow();
            listed.nodes.iter().map(|node| node.id.clone()).filter(|id| *id != self.own).collect()
        };
        let wait = Duration::from_millis(u64::from(self.options.timeout_ms));
        let probes = nodes.into_iter().map(|node| {
            let probe = &self.probe;
            async move {
                let well = match timeout(wait, probe.probe(&node)).await {
                    Ok(Ok(())) => true,
                    Ok(Err(reason)) => {
                        tracing::debug!(%node, %reason, "a probe failed");
                        false
                    }
                    Err(_elapsed) => false,
                };
                (node, well)
            }
        });
        let results: Vec<_> = stream::iter(probes).buffer_unordered(PROBES_MAX).collect().await;
        for (node, well) in results {
            self.tracker.record(&node, well);
        }
    }

    fn publish(&mut self) {
        let listed = Arc::clone(&self.listed.borrow_and_update());
        self.tracker.keep_only(&listed);
        let marked = self.tracker.mark(&listed, self.options.failures);
        self.view.send_if_modified(|view| {
            if **view == marked {
                return false;
            }
            for node in &marked.nodes {
                let was_live = view.node(&node.id).is_none_or(|old| old.live);
                if was_live != node.live {
                    tracing::info!(node = %node.id, live = node.live, "a node's liveness changed");
                }
            }
            *view = Arc::new(marked);
            true
        });
    }
}
