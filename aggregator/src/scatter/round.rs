//! The decisions of one search: whom to ask, whom to ask again, when to stop. No I/O; `now` comes in.

use std::mem::take;

use kerb_ports::{Error, Search, ShardQuery, ShardResult};
use kerb_types::{NodeId, ShardId};
use tokio::time::Instant;

use super::work::Work;
use super::{Engine, Scattering};
use crate::gather::{Coverage, Gather};
use crate::plan::{Ask, ServerIndex, Standing, plan, standings};
use crate::query::Found;

/// A question on its way out.
pub(super) struct Outgoing {
    pub(super) attempt: usize,
    pub(super) server: NodeId,
    pub(super) question: ShardQuery,
    pub(super) deadline: Instant,
}

/// Why a question is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    First,
    Failover,
    Hedge,
}

/// One question to one server.
struct Attempt {
    work: usize,
    server: ServerIndex,
    shards: Vec<ShardId>,
    started: Instant,
    /// When the server is slower than usual, or dead indeed; `None` when nothing is done about that any more.
    hedge_at: Option<Instant>,
    reason: Reason,
    pending: bool,
}

pub(super) struct Round<'a> {
    engine: &'a Engine,
    scattering: Scattering,
    standings: Vec<Standing>,
    works: Vec<Work>,
    attempts: Vec<Attempt>,
    outbox: Vec<Outgoing>,
    gather: Gather,
}

impl<'a> Round<'a> {
    /// Puts the first questions into the outbox.
    pub(super) fn new(engine: &'a Engine, mut scattering: Scattering, now: Instant) -> Self {
        let standings = standings(&scattering.view, |server| engine.is_suspect(server, now));
        let shards = take(&mut scattering.shards);
        let search = scattering.search.clone();
        let gather = Gather::new(search.clone());
        let (works, attempts, outbox) = (Vec::with_capacity(1), Vec::with_capacity(4), Vec::with_capacity(4));
        let mut round = Self { engine, scattering, standings, works, attempts, outbox, gather };
        round.open(search, &shards, now);
        round
    }

    /// The questions to send now.
    pub(super) fn outbox(&mut self) -> Vec<Outgoing> {
        take(&mut self.outbox)
    }

    /// Nothing is left to wait for.
    pub(super) fn is_done(&self) -> bool {
        !self.works.iter().any(Work::is_waiting)
    }

    /// When to call [`Round::wake`]: the deadline, or a server becoming slow before it.
    pub(super) fn wake_at(&self) -> Instant {
        let slow =
            self.attempts.iter().filter(|attempt| attempt.pending).filter_map(|attempt| attempt.hedge_at);
        slow.min().map_or(self.scattering.deadline, |at| at.min(self.scattering.deadline))
    }

    /// An answer came.
    pub(super) fn answered(&mut self, attempt: usize, answer: Result<ShardResult, Error>, now: Instant) {
        let ended = &mut self.attempts[attempt];
        if !std::mem::replace(&mut ended.pending, false) {
            // It was given up.
            return;
        }
        let (work, reason, took) = (ended.work, ended.reason, now.duration_since(ended.started));
        let shards = take(&mut ended.shards);
        let server = &self.scattering.view.shard_map.servers()[usize::from(ended.server)];
        self.works[work].ended(&shards);
        match answer {
            Ok(answer) => {
                self.engine.learn(server, |latency| latency.record(took, now));
                let fresh = self.works[work].covered(&shards, &answer.uncovered);
                if !fresh.is_empty() {
                    if reason == Reason::Hedge {
                        self.engine.metrics.hedges_won.increment();
                    }
                    self.gather.add(fresh, self.works[work].search.limit(), answer.hits);
                }
            }
            Err(error) => {
                self.engine.metrics.errors.increment();
                self.engine.lost(server, took, &error, now);
            }
        }
        let stranded = self.works[work].stranded_of(&shards);
        self.ask(work, &stranded, Reason::Failover, now);
        self.ask_for_more(now);
    }

    /// Asks replicas of the servers that are slower than usual, and gives up on the dead ones.
    pub(super) fn wake(&mut self, now: Instant) {
        for index in 0..self.attempts.len() {
            let attempt = &mut self.attempts[index];
            if attempt.pending && attempt.hedge_at.is_some_and(|at| at <= now) {
                attempt.hedge_at = None;
                if self.standings[usize::from(attempt.server)] == Standing::Dead {
                    self.give_up(index, now);
                    continue;
                }
                let work = attempt.work;
                let open = self.works[work].open_of(&attempt.shards);
                self.ask(work, &open, Reason::Hedge, now);
            }
        }
        self.ask_for_more(now);
    }

    /// The answer, as far as it came.
    pub(super) fn finish(self, now: Instant) -> Found {
        let servers = self.scattering.view.shard_map.servers();
        for attempt in self.attempts.iter().filter(|attempt| attempt.pending) {
            self.engine.metrics.abandoned.increment();
            let waited = now.duration_since(attempt.started);
            self.engine.lost(&servers[usize::from(attempt.server)], waited, &"no answer came", now);
        }
        let asked = self.works[0].len();
        let (hits, mut missing) = self.gather.finish();
        missing.extend(self.works.iter().flat_map(Work::unanswered));
        missing.sort_unstable();
        missing.dedup();
        Found { hits, coverage: Coverage { asked: asked as u32, missing } }
    }

    fn open(&mut self, search: Search, shards: &[ShardId], now: Instant) {
        self.works.push(Work::new(search, shards));
        self.ask(self.works.len() - 1, shards, Reason::First, now);
    }

    /// A dead server that does not even refuse would hold every search of its shards up to the deadline.
    fn give_up(&mut self, attempt: usize, now: Instant) {
        let reason = Error::DeadlineExceeded("it is not live and was not waited for".to_owned());
        self.answered(attempt, Err(reason), now);
    }

    /// Once all is in that will come: goes back for what an exact answer still needs.
    fn ask_for_more(&mut self, now: Instant) {
        if !self.is_done() {
            return;
        }
        for more in self.gather.more() {
            self.engine.metrics.refetches.increment();
            self.open(more.search, &more.shards, now);
        }
    }

    /// Plans these shards of a work among the servers that were not asked for them, and puts the questions out.
    fn ask(&mut self, work: usize, shards: &[ShardId], reason: Reason, now: Instant) {
        if shards.is_empty() {
            return;
        }
        let map = &self.scattering.view.shard_map;
        let may_ask = |shard, server: ServerIndex| {
            // A hedge is a guess: not worth it on one that is not well.
            (reason != Reason::Hedge || self.standings[usize::from(server)] == Standing::Well)
                && self.works[work].may_ask(map, shard, server)
        };
        let planned = plan(shards, map, &self.standings, self.scattering.turn, may_ask);
        if !self.pay(reason, planned.asks.len()) {
            return;
        }
        for ask in planned.asks {
            self.put_out(work, ask, reason, now);
        }
    }

    /// Counts so many questions; says no when they are hedges beyond the budget.
    fn pay(&self, reason: Reason, questions: usize) -> bool {
        let metrics = &self.engine.metrics;
        match reason {
            Reason::First => self.engine.budget.earn(questions),
            Reason::Failover => metrics.failovers.add(questions as u64),
            Reason::Hedge if self.engine.budget.spend(questions) => metrics.hedges.add(questions as u64),
            Reason::Hedge => {
                metrics.hedges_refused.add(questions as u64);
                return false;
            }
        }
        metrics.queries.add(questions as u64);
        true
    }

    fn put_out(&mut self, work: usize, ask: Ask, reason: Reason, now: Instant) {
        let Ask { server, shards } = ask;
        let map = &self.scattering.view.shard_map;
        let node = map.servers()[usize::from(server)].clone();
        self.works[work].asked(map, &shards, server);
        let deadline = self.scattering.deadline;
        let is_dead = self.standings[usize::from(server)] == Standing::Dead;
        // With one server there is no replica to go to.
        let watched = is_dead || map.servers().len() > 1;
        let hedge_at = watched.then(|| now + self.engine.patience(&node, is_dead, now));
        let also = self.works[work].others(&shards);
        self.outbox.push(Outgoing {
            attempt: self.attempts.len(),
            server: node,
            question: ShardQuery {
                shards: shards.clone(),
                extra_shards: also,
                search: self.works[work].search.clone(),
                filter: self.scattering.filter,
            },
            deadline,
        });
        self.attempts.push(Attempt { work, server, shards, started: now, hedge_at, reason, pending: true });
    }
}
