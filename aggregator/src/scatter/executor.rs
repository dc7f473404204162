//! Executes a search: sends the planned queries in parallel under one deadline. The decisions are those of
//! [`ScatterState`].

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use kerb_ports::{DriverFilter, Peers, Search, ShardResult, ShardSearchError};
use kerb_types::{MembershipView, NodeId, ShardId};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

use crate::merge::Coverage;
use crate::metrics::Metrics;
use crate::options::Options;
use crate::query::SearchResult;

use super::hedge_budget::HedgeBudget;
use super::latency::Latency;
use super::state::{OutgoingQuery, ScatterState};

/// Executes all searches of an aggregator. They share the latencies of the servers and the budget of hedges.
pub struct Executor {
    peers: Arc<dyn Peers>,
    latencies: Mutex<HashMap<NodeId, Latency>>,
    pub(super) budget: HedgeBudget,
    hedge_initial: Duration,
    hedge_floor: Duration,
    /// The counts of all searches.
    pub metrics: Metrics,
}

/// Why a query has no answer.
#[derive(Clone, Copy)]
pub(super) enum Loss<'a> {
    /// The server or the connection to it failed.
    Failed(&'a dyn Display),
    /// The time was over.
    NoAnswer,
}

/// One search for the [`Executor`].
#[derive(Clone, Debug)]
pub struct ScatterRequest {
    /// The shape, the limit and the cursor.
    pub search: Search,
    /// The drivers that count.
    pub filter: DriverFilter,
    /// The shards that can hold an answer, in order.
    pub shards: Vec<ShardId>,
    /// The cluster at the time of the search.
    pub view: Arc<MembershipView>,
    /// Decides among equally good replicas.
    pub rotation: usize,
    /// When the result is due, complete or partial.
    pub deadline: Instant,
}

impl Executor {
    /// An executor over these peers.
    pub fn new(peers: Arc<dyn Peers>, options: &Options) -> Self {
        Self {
            peers,
            latencies: Mutex::default(),
            budget: HedgeBudget::new(options.hedge_permille, options.hedge_burst),
            hedge_initial: Duration::from_millis(u64::from(options.hedge_initial_ms)),
            hedge_floor: Duration::from_micros(u64::from(options.hedge_floor_us)),
            metrics: Metrics::default(),
        }
    }

    /// Runs a search. Returns at the deadline at the latest, with the results that arrived by then.
    pub async fn search(&self, request: ScatterRequest) -> SearchResult {
        let deadline = request.deadline;
        if Instant::now() >= deadline {
            // No query: a late answer is no sample of the server's latency.
            let searched = request.shards.len() as u32;
            let coverage = Coverage { searched, missing: request.shards };
            return SearchResult { neighbors: Vec::new(), coverage };
        }
        let mut state = ScatterState::new(self, request, Instant::now());
        let mut pending = FuturesUnordered::new();
        loop {
            pending.extend(state.outbox().into_iter().map(|outgoing| self.deliver(outgoing)));
            if state.is_done() {
                break;
            }
            // Biased, answers first: a search whose servers answer within one poll never registers a timer.
            tokio::select! {
                biased;
                Some((attempt, answer)) = pending.next() => state.on_answer(attempt, answer, Instant::now()),
                () = sleep_until(state.wake_at()) => {
                    let now = Instant::now();
                    if now >= deadline {
                        break;
                    }
                    state.wake(now);
                }
            }
        }
        state.finish(Instant::now())
    }

    async fn deliver(&self, outgoing: OutgoingQuery) -> (usize, Result<ShardResult, ShardSearchError>) {
        let OutgoingQuery { attempt, server, query, deadline } = outgoing;
        let answer = match self.peers.index_server(&server) {
            Some(port) => port.search(query, deadline).await,
            None => {
                Err(ShardSearchError::Unavailable { node: server, reason: "no address is known".to_owned() })
            }
        };
        (attempt, answer)
    }

    /// Returns how long a query may take before the search hedges it, or abandons it at a dead server.
    pub(super) fn hedge_delay(&self, server: &NodeId, is_dead: bool, now: Instant) -> Duration {
        if is_dead {
            return self.hedge_initial;
        }
        let latencies = self.latencies.lock();
        let usual =
            latencies.get(server).map(|latency| latency.usual(self.hedge_initial, self.hedge_floor, now));
        usual.unwrap_or(self.hedge_initial.max(self.hedge_floor))
    }

    /// Whether the server lost several queries a moment ago.
    pub(super) fn is_suspect(&self, server: &NodeId, now: Instant) -> bool {
        self.latencies.lock().get(server).is_some_and(|latency| latency.is_suspect(now))
    }

    /// Updates the latency of a server.
    pub(super) fn update_latency<T>(&self, server: &NodeId, update: impl FnOnce(&mut Latency) -> T) -> T {
        let mut latencies = self.latencies.lock();
        match latencies.get_mut(server) {
            Some(latency) => update(latency),
            // Bounded: one entry for each server that the operator ever named.
            None => {
                update(latencies.entry(server.clone()).or_insert_with(|| Latency::new(self.hedge_initial)))
            }
        }
    }

    /// Records a query without an answer. Logs once when that makes the server suspect, not for each query to a server
    /// that is down.
    pub(super) fn record_loss(&self, server: &NodeId, loss: Loss<'_>, waited: Duration, now: Instant) {
        let is_new = self.update_latency(server, |latency| match loss {
            Loss::Failed(_) => latency.record_failed(waited, now),
            Loss::NoAnswer => latency.record_lost(waited, now),
        });
        match loss {
            _ if !is_new => {}
            Loss::Failed(reason) => {
                tracing::warn!(%server, %reason, "an index server fails searches: other replicas are preferred for now");
            }
            Loss::NoAnswer => {
                tracing::warn!(%server, "an index server is late with several searches: other replicas are preferred for now");
            }
        }
    }
}
