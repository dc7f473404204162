//! Failure detection: probes every other node and marks the nodes that do not answer.
//!
//! Each node detects failures for itself and does not share the result. The shard map does not depend on liveness, so a
//! wrong result sends a search to another replica and never moves a shard.

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

/// Maximum probes at one time.
const PROBES_MAX: usize = 64;

/// Settings of failure detection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LivenessOptions {
    /// Time between two probes of a node, in milliseconds.
    pub interval_ms: u32,
    /// A probe fails if there is no answer within this time, in milliseconds.
    pub timeout_ms: u32,
    /// After this many failed probes in a row, a node is not live. One success makes it live again.
    pub failures: u32,
}

impl Default for LivenessOptions {
    fn default() -> Self {
        Self { interval_ms: 500, timeout_ms: 500, failures: 3 }
    }
}

impl LivenessOptions {
    /// Returns the first setting that is out of range.
    pub fn validate(&self) -> Result<(), FieldError> {
        let values =
            [("interval_ms", self.interval_ms), ("timeout_ms", self.timeout_ms), ("failures", self.failures)];
        match values.into_iter().find(|(_, value)| *value == 0) {
            Some((field, _)) => Err(FieldError::new(field, "0, must be at least 1")),
            None => Ok(()),
        }
    }
}

/// A way to find out whether a node is healthy.
pub trait Probe: Send + Sync + 'static {
    /// Probes a node. `Ok` means that it answered and is healthy; the error is a reason for the log. Dropping the future
    /// ends the probe.
    fn probe(&self, node: &NodeId) -> BoxFuture<'_, Result<(), String>>;
}

/// Counts failed probes and derives which nodes are live. It does no I/O and reads no clock.
#[derive(Clone, Debug, Default)]
pub struct FailureDetector {
    /// Failed probes in a row. A node without failures has no entry.
    failures: HashMap<NodeId, u32>,
    /// The addresses in the latest view.
    addresses: HashMap<NodeId, Option<String>>,
}

impl FailureDetector {
    /// Records the result of a probe.
    pub fn record(&mut self, node: &NodeId, healthy: bool) {
        if healthy {
            self.failures.remove(node);
        } else {
            let failures = self.failures.entry(node.clone()).or_default();
            *failures = failures.saturating_add(1);
        }
    }

    /// Removes the failures of nodes that are not in the view, and of nodes whose address has changed: the new address was
    /// never probed.
    pub fn retain_listed(&mut self, view: &MembershipView) {
        let addresses = view.nodes.iter().map(|node| (node.id.clone(), node.address.clone())).collect();
        let previous = std::mem::replace(&mut self.addresses, addresses);
        let is_unchanged = |node: &NodeId| {
            let listed = view.node(node);
            listed.is_some_and(|listed| previous.get(node).is_none_or(|address| *address == listed.address))
        };
        self.failures.retain(|node, _| is_unchanged(node));
    }

    /// Returns whether a node is live. A node that was never probed is live.
    pub fn is_live(&self, node: &NodeId, failures_max: u32) -> bool {
        self.failures.get(node).is_none_or(|failures| *failures < failures_max)
    }

    /// Returns the view with the liveness of each node.
    pub fn mark(&self, view: &MembershipView, failures_max: u32) -> MembershipView {
        let mut marked = view.clone();
        for node in &mut marked.nodes {
            node.live = self.is_live(&node.id, failures_max);
        }
        marked
    }
}

/// A membership that adds liveness to the views of another membership.
pub struct Liveness {
    view: watch::Sender<Arc<MembershipView>>,
    _prober: AbortOnDropHandle<()>,
}

impl Liveness {
    /// Starts probing all nodes of `inner` except `own`, until the value is dropped. The caller must keep `inner` alive as
    /// long as this value: the views come from it.
    pub fn start(
        inner: &dyn Membership,
        own: NodeId,
        probe: Arc<dyn Probe>,
        options: LivenessOptions,
    ) -> Result<Self, FieldError> {
        options.validate()?;
        let listed = inner.watch();
        let view = watch::Sender::new(Arc::clone(&listed.borrow()));
        let detector = FailureDetector::default();
        let prober = Prober { listed, own, probe, options, detector, view: view.clone() };
        Ok(Self { view, _prober: AbortOnDropHandle::new(tokio::spawn(prober.run())) })
    }
}

impl Membership for Liveness {
    fn watch(&self) -> watch::Receiver<Arc<MembershipView>> {
        self.view.subscribe()
    }
}

/// The task that probes the nodes and publishes the views.
struct Prober {
    listed: watch::Receiver<Arc<MembershipView>>,
    own: NodeId,
    probe: Arc<dyn Probe>,
    options: LivenessOptions,
    detector: FailureDetector,
    view: watch::Sender<Arc<MembershipView>>,
}

impl Prober {
    async fn run(mut self) {
        let mut ticks = interval(Duration::from_millis(u64::from(self.options.interval_ms)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.probe_all().await,
                // A new list is published at once, not after the next probes. If the sender of the lists is dropped, this
                // branch is disabled and the probes go on.
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
                let healthy = match timeout(wait, probe.probe(&node)).await {
                    Ok(Ok(())) => true,
                    Ok(Err(reason)) => {
                        tracing::debug!(%node, %reason, "a probe failed");
                        false
                    }
                    Err(_elapsed) => false,
                };
                (node, healthy)
            }
        });
        let results: Vec<_> = stream::iter(probes).buffer_unordered(PROBES_MAX).collect().await;
        for (node, healthy) in results {
            self.detector.record(&node, healthy);
        }
    }

    fn publish(&mut self) {
        let listed = Arc::clone(&self.listed.borrow_and_update());
        self.detector.retain_listed(&listed);
        let marked = self.detector.mark(&listed, self.options.failures);
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
