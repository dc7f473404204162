//! Empties an index server, or some of its shards, and watches it fill.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, stream};
use kerb_ports::{Error, IndexServer, ShardStat};
use kerb_types::{NodeId, ShardId};
use tokio::time::{Instant, sleep};

/// Looks in a row that may fail before the rebuild's report ends: the server may be restarting.
const FAILURES_MAX: u32 = 20;

/// How far a rebuild is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Shards to fill.
    pub shards_total: usize,
    /// Shards filled.
    pub shards_covered: usize,
    /// Drivers in them.
    pub drivers: u64,
    /// Memory of them.
    pub bytes: u64,
    /// Since the request.
    pub elapsed: Duration,
    /// Ingest nodes that have sent their part of some shard.
    pub sources: BTreeSet<NodeId>,
    /// All shards are filled.
    pub done: bool,
}

/// Asks the server to empty and resync these shards (none: all), then reports each `poll` until all are covered.
///
/// Dropping the stream ends the looking, not the resync, which is the index server's own affair.
pub async fn rebuild(
    server: Arc<dyn IndexServer>,
    shards: Vec<ShardId>,
    poll: Duration,
) -> Result<impl Stream<Item = Result<Progress, Error>> + Send, Error> {
    let started = Instant::now();
    let shards: BTreeSet<ShardId> = server.resync(shards).await?.into_iter().collect();
    let watch = Watch { server, shards, started, poll, failures: 0, state: State::First };
    Ok(stream::unfold(watch, Watch::next))
}

struct Watch {
    server: Arc<dyn IndexServer>,
    shards: BTreeSet<ShardId>,
    started: Instant,
    poll: Duration,
    failures: u32,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    First,
    Further,
    Ended,
}

impl Watch {
    async fn next(mut self) -> Option<(Result<Progress, Error>, Self)> {
        loop {
            match self.state {
                State::First => self.state = State::Further,
                State::Further => sleep(self.poll).await,
                State::Ended => return None,
            }
            match self.server.stats().await {
                Ok(stats) => {
                    self.failures = 0;
                    let progress = self.progress(&stats);
                    if progress.done {
                        self.state = State::Ended;
                    }
                    return Some((Ok(progress), self));
                }
                Err(error) if error.retryable() && self.failures < FAILURES_MAX => self.failures += 1,
                Err(error) => {
                    self.state = State::Ended;
                    return Some((Err(error), self));
                }
            }
        }
    }

    fn progress(&self, stats: &[ShardStat]) -> Progress {
        let mut progress = Progress {
            shards_total: self.shards.len(),
            shards_covered: 0,
            drivers: 0,
            bytes: 0,
            elapsed: self.started.elapsed(),
            sources: BTreeSet::new(),
            done: false,
        };
        for stat in stats.iter().filter(|stat| self.shards.contains(&stat.shard)) {
            progress.shards_covered += usize::from(stat.covered);
            progress.drivers += stat.drivers;
            progress.bytes += stat.bytes;
            progress.sources.extend(stat.sources.iter().cloned());
        }
        progress.done = progress.shards_covered >= progress.shards_total;
        progress
    }
}
