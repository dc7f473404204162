//! The decisions of one search: the first queries, failover, hedges, refetches, and the end. No I/O; `now` is an
//! argument.

use std::mem::take;
use std::time::Duration;

use kerb_ports::{Search, ShardQuery, ShardResult, ShardSearchError};
use kerb_types::{NodeId, ServerIndex, ShardId};
use tokio::time::Instant;

use super::executor::{Executor, Loss, ScatterRequest};
use super::plan::{PlannedQuery, ReplicaHealth, plan, replica_healths};
use super::shard_progress::ShardProgress;
use crate::merge::{Coverage, Merge};
use crate::query::SearchResult;

/// A search that notices its deadline this much later was itself without a processor.
const LATE: Duration = Duration::from_millis(20);

/// A query that the executor must send.
pub(super) struct OutgoingQuery {
    pub(super) attempt: usize,
    pub(super) server: NodeId,
    pub(super) query: ShardQuery,
    pub(super) deadline: Instant,
}

/// Why a query is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    First,
    /// The replica before failed, or did not cover a shard.
    Failover,
    /// The replica before is slow.
    Hedge,
}

/// One query sent to one server.
struct Attempt {
    /// Index into `ScatterState::progress`.
    progress: usize,
    server: ServerIndex,
    shards: Vec<ShardId>,
    started: Instant,
    /// When the attempt is hedged, or abandoned at a dead server; `None` once that was done.
    hedge_at: Option<Instant>,
    reason: Reason,
    pending: bool,
}

/// The state of one search between its events.
pub(super) struct ScatterState<'a> {
    executor: &'a Executor,
    request: ScatterRequest,
    healths: Vec<ReplicaHealth>,
    progress: Vec<ShardProgress>,
    attempts: Vec<Attempt>,
    outbox: Vec<OutgoingQuery>,
    merge: Merge,
}

impl<'a> ScatterState<'a> {
    /// Plans the first queries into the outbox.
    pub(super) fn new(executor: &'a Executor, mut request: ScatterRequest, now: Instant) -> Self {
        let healths = replica_healths(&request.view, |server| executor.is_suspect(server, now));
        let shards = take(&mut request.shards);
        let search = request.search.clone();
        let merge = Merge::new(search.clone());
        let (progress, attempts, outbox) =
            (Vec::with_capacity(1), Vec::with_capacity(4), Vec::with_capacity(4));
        let mut state = Self { executor, request, healths, progress, attempts, outbox, merge };
        state.open(search, &shards, now);
        state
    }

    /// Takes the queries to send now.
    pub(super) fn outbox(&mut self) -> Vec<OutgoingQuery> {
        take(&mut self.outbox)
    }

    /// Whether no answer may still arrive.
    pub(super) fn is_done(&self) -> bool {
        !self.progress.iter().any(ShardProgress::is_waiting)
    }

    /// Returns when to call [`ScatterState::wake`]: at the deadline, or when a query counts as slow before it.
    pub(super) fn wake_at(&self) -> Instant {
        let slow =
            self.attempts.iter().filter(|attempt| attempt.pending).filter_map(|attempt| attempt.hedge_at);
        slow.min().map_or(self.request.deadline, |at| at.min(self.request.deadline))
    }

    /// Takes the answer of an attempt.
    pub(super) fn on_answer(
        &mut self,
        attempt: usize,
        answer: Result<ShardResult, ShardSearchError>,
        now: Instant,
    ) {
        let ended = &mut self.attempts[attempt];
        if !std::mem::replace(&mut ended.pending, false) {
            // The attempt was abandoned before, and its shards were failed over.
            return;
        }
        let (progress, reason, took) = (ended.progress, ended.reason, now.duration_since(ended.started));
        let shards = take(&mut ended.shards);
        let server = &self.request.view.shard_map.servers()[ended.server.as_usize()];
        self.progress[progress].end(&shards);
        match answer {
            Ok(answer) => {
                self.executor.update_latency(server, |latency| latency.record(took, now));
                let fresh = self.progress[progress].covered(&shards, &answer.uncovered);
                if !fresh.is_empty() {
                    if reason == Reason::Hedge {
                        self.executor.metrics.hedges_won.increment();
                    }
                    self.merge.add(fresh, self.progress[progress].search.limit(), answer.neighbors);
                }
            }
            Err(error) => {
                self.executor.metrics.errors.increment();
                self.record_error(server, &error, took, now);
            }
        }
        let stranded = self.progress[progress].stranded_of(&shards);
        self.send(progress, &stranded, Reason::Failover, now);
        self.refetch(now);
    }

    /// Hedges the queries that are slow, and abandons those to dead servers.
    pub(super) fn wake(&mut self, now: Instant) {
        for index in 0..self.attempts.len() {
            let attempt = &mut self.attempts[index];
            if attempt.pending && attempt.hedge_at.is_some_and(|at| at <= now) {
                attempt.hedge_at = None;
                if self.healths[attempt.server.as_usize()] == ReplicaHealth::Dead {
                    self.abandon(index, now);
                    continue;
                }
                let progress = attempt.progress;
                let open = self.progress[progress].unanswered_of(&attempt.shards);
                self.send(progress, &open, Reason::Hedge, now);
            }
        }
        self.refetch(now);
    }

    /// Ends the search: the result of the answers that arrived.
    pub(super) fn finish(self, now: Instant) -> SearchResult {
        let servers = self.request.view.shard_map.servers();
        for attempt in self.attempts.iter().filter(|attempt| attempt.pending) {
            self.executor.metrics.abandoned.increment();
            let waited = now.duration_since(attempt.started);
            self.record_no_answer(&servers[attempt.server.as_usize()], waited, now);
        }
        let searched = self.progress[0].len() as u32;
        let (neighbors, mut missing) = self.merge.finish();
        missing.extend(self.progress.iter().flat_map(ShardProgress::unanswered));
        missing.sort_unstable();
        missing.dedup();
        SearchResult { neighbors, coverage: Coverage { searched, missing } }
    }

    /// Records an error of a server. A server that reports in time that it is busy is slow, not dead.
    fn record_error(&self, server: &NodeId, error: &ShardSearchError, took: Duration, now: Instant) {
        match error {
            ShardSearchError::Overloaded { .. } => {
                self.executor.update_latency(server, |latency| latency.record_busy(took, now));
            }
            ShardSearchError::DeadlineExceeded(_) if now < self.request.deadline => {
                self.executor.update_latency(server, |latency| latency.record_busy(took, now));
            }
            // From the deadline on, it is the end of our own wait.
            ShardSearchError::DeadlineExceeded(_) => self.record_no_answer(server, took, now),
            _ => self.executor.record_loss(server, Loss::Failed(error), took, now),
        }
    }

    /// Records that no answer came in time, unless this process was late itself, or there is no other server to
    /// prefer.
    fn record_no_answer(&self, server: &NodeId, waited: Duration, now: Instant) {
        let is_late = now.saturating_duration_since(self.request.deadline) > LATE;
        if !is_late && self.request.view.shard_map.servers().len() > 1 {
            self.executor.record_loss(server, Loss::NoAnswer, waited, now);
        }
    }

    fn open(&mut self, search: Search, shards: &[ShardId], now: Instant) {
        self.progress.push(ShardProgress::new(search, shards));
        self.send(self.progress.len() - 1, shards, Reason::First, now);
    }

    /// Ends an attempt at a dead server. Without this, a dead host that does not even reset connections would delay every
    /// search of its shards to the deadline.
    fn abandon(&mut self, attempt: usize, now: Instant) {
        let node = self.request.view.shard_map.servers()[self.attempts[attempt].server.as_usize()].clone();
        let reason = "it is not live and was not waited for".to_owned();
        self.on_answer(attempt, Err(ShardSearchError::Unavailable { node, reason }), now);
    }

    /// Opens the refetches that an exact result still depends on, once no other answer may arrive.
    fn refetch(&mut self, now: Instant) {
        if !self.is_done() {
            return;
        }
        for refetch in self.merge.refetches() {
            self.executor.metrics.refetches.increment();
            self.open(refetch.search, &refetch.shards, now);
        }
    }

    /// Plans these shards over the replicas that were not queried for them yet, and puts the queries into the outbox.
    fn send(&mut self, progress: usize, shards: &[ShardId], reason: Reason, now: Instant) {
        if shards.is_empty() {
            return;
        }
        let map = &self.request.view.shard_map;
        let may_query = |shard, server: ServerIndex| {
            // A hedge is a guess: it is not worth a query to an unhealthy replica.
            (reason != Reason::Hedge || self.healths[server.as_usize()] == ReplicaHealth::Healthy)
                && self.progress[progress].may_query(map, shard, server)
        };
        let planned = plan(shards, map, &self.healths, self.request.rotation, may_query);
        if !self.pay(reason, planned.queries.len()) {
            return;
        }
        for ask in planned.queries {
            self.put_into_outbox(progress, ask, reason, now);
        }
    }

    /// Counts the queries, and spends the budget for hedges. Returns whether the queries may be sent.
    fn pay(&self, reason: Reason, queries: usize) -> bool {
        let metrics = &self.executor.metrics;
        match reason {
            Reason::First => self.executor.budget.earn(queries),
            Reason::Failover => metrics.failovers.add(queries as u64),
            Reason::Hedge if self.executor.budget.spend(queries) => metrics.hedges.add(queries as u64),
            Reason::Hedge => {
                metrics.hedges_refused.add(queries as u64);
                return false;
            }
        }
        metrics.queries.add(queries as u64);
        true
    }

    fn put_into_outbox(&mut self, progress: usize, ask: PlannedQuery, reason: Reason, now: Instant) {
        let PlannedQuery { server, shards } = ask;
        let map = &self.request.view.shard_map;
        let node = map.servers()[server.as_usize()].clone();
        self.progress[progress].start(map, &shards, server);
        let deadline = self.request.deadline;
        let is_dead = self.healths[server.as_usize()] == ReplicaHealth::Dead;
        // With one server there is no other replica to hedge with.
        let watched = is_dead || map.servers().len() > 1;
        let hedge_at = watched.then(|| now + self.executor.hedge_delay(&node, is_dead, now));
        let extra_shards = self.progress[progress].others(&shards);
        self.outbox.push(OutgoingQuery {
            attempt: self.attempts.len(),
            server: node,
            query: ShardQuery {
                shards: shards.clone(),
                extra_shards,
                search: self.progress[progress].search.clone(),
                filter: self.request.filter,
            },
            deadline,
        });
        self.attempts.push(Attempt {
            progress,
            server,
            shards,
            started: now,
            hedge_at,
            reason,
            pending: true,
        });
    }
}
