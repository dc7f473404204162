//! Asks servers in parallel under one deadline: a thin shell around [`Round`], which decides everything.

mod budget;
mod round;
mod work;

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use kerb_ports::{DriverFilter, Error, IndexServer, Peers, Search, ShardQuery, ShardResult};
use kerb_types::{MembershipView, NodeId, ShardId};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

use crate::latency::Latency;
use crate::metrics::Metrics;
use crate::options::Options;
use crate::query::Found;

pub use budget::HedgeBudget;
use round::{Outgoing, Round};

/// What all searches of an aggregator share.
pub struct Engine {
    peers: Arc<dyn Peers>,
    latencies: Mutex<HashMap<NodeId, Latency>>,
    budget: HedgeBudget,
    hedge_initial: Duration,
    hedge_floor: Duration,
    /// What all searches count.
    pub metrics: Metrics,
}

/// One search.
#[derive(Clone, Debug)]
pub struct Scattering {
    /// What.
    pub search: Search,
    /// Of which drivers.
    pub filter: DriverFilter,
    /// The shards that can hold an answer, in order.
    pub shards: Vec<ShardId>,
    /// The cluster at the time of the search.
    pub view: Arc<MembershipView>,
    /// Whose turn it is among equal replicas.
    pub turn: usize,
    /// When the answer is due, whole or not.
    pub deadline: Instant,
}

impl Engine {
    /// Over these peers.
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

    /// Answers at the deadline at the latest, with what has come by then.
    pub async fn search(&self, scattering: Scattering) -> Found {
        let deadline = scattering.deadline;
        let mut round = Round::new(self, scattering, Instant::now());
        let mut pending = FuturesUnordered::new();
        loop {
            pending.extend(round.outbox().into_iter().map(|outgoing| self.deliver(outgoing)));
            if round.is_done() {
                break;
            }
            // What has come is taken first: a search that is answered at once never touches the timer.
            tokio::select! {
                biased;
                Some((attempt, answer)) = pending.next() => round.answered(attempt, answer, Instant::now()),
                () = sleep_until(round.wake_at()) => {
                    let now = Instant::now();
                    if now >= deadline {
                        break;
                    }
                    round.wake(now);
                }
            }
        }
        round.finish(Instant::now())
    }

    async fn deliver(&self, outgoing: Outgoing) -> (usize, Result<ShardResult, Error>) {
        let Outgoing { attempt, server, question, deadline } = outgoing;
        let answer = match self.peers.index_server(&server) {
            Some(port) => ask(&*port, question, deadline).await,
            None => Err(Error::Unavailable { node: server, reason: "no address is known".to_owned() }),
        };
        (attempt, answer)
    }

    /// How long a server is waited for before something is done about it.
    fn patience(&self, server: &NodeId, is_dead: bool, now: Instant) -> Duration {
        if is_dead {
            return self.hedge_initial;
        }
        let latencies = self.latencies.lock();
        let usual =
            latencies.get(server).map(|latency| latency.usual(self.hedge_initial, self.hedge_floor, now));
        usual.unwrap_or(self.hedge_initial.max(self.hedge_floor))
    }

    fn is_suspect(&self, server: &NodeId, now: Instant) -> bool {
        self.latencies.lock().get(server).is_some_and(|latency| latency.is_suspect(now))
    }

    fn learn<T>(&self, server: &NodeId, learn: impl FnOnce(&mut Latency) -> T) -> T {
        let mut latencies = self.latencies.lock();
        match latencies.get_mut(server) {
            Some(latency) => learn(latency),
            // As many entries as there ever were servers: the operator names them.
            None => {
                learn(latencies.entry(server.clone()).or_insert_with(|| Latency::new(self.hedge_initial)))
            }
        }
    }

    /// A question to the server was in vain, because of `reason`. Said aloud when it is one too many, so not for
    /// each question to a server that is down.
    fn lost(&self, server: &NodeId, waited: Duration, reason: &dyn Display, now: Instant) {
        if self.learn(server, |latency| latency.record_lost(waited, now)) {
            tracing::warn!(%server, %reason, "an index server does not answer searches: it is asked last for now");
        }
    }
}

async fn ask(port: &dyn IndexServer, question: ShardQuery, deadline: Instant) -> Result<ShardResult, Error> {
    port.search(question, deadline).await
}
