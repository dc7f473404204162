//! Empties shards of an index server, and reports how they fill again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, stream};
use kerb_ports::{IndexAdminError, IndexServer, ShardStat};
use kerb_types::{NodeId, ShardId};
use tokio::time::{Instant, sleep};

/// Polls in a row that may fail before the report ends: the server may be restarting.
const FAILURES_MAX: u32 = 20;

/// The progress of a rebuild.
#[derive(Clone, Debug, PartialEq)]
pub struct RebuildProgress {
    /// Shards that the rebuild empties and fills.
    pub shards_total: usize,
    /// Shards that every live ingest node has filled.
    pub shards_covered: usize,
    /// Drivers in these shards.
    pub drivers: u64,
    /// Memory of these shards, in bytes.
    pub bytes: u64,
    /// Time since the request.
    pub elapsed: Duration,
    /// Ingest nodes that have sent a snapshot of at least one shard.
    pub sources: BTreeSet<NodeId>,
    /// Whether all shards are filled.
    pub done: bool,
}

/// Asks the server to empty and resync these shards (none: all), then reports each `poll` until all are covered.
pub(super) async fn rebuild(
    server: Arc<dyn IndexServer>,
    shards: Vec<ShardId>,
    poll: Duration,
) -> Result<impl Stream<Item = Result<RebuildProgress, IndexAdminError>> + Send, IndexAdminError> {
    let started = Instant::now();
    let shards: BTreeSet<ShardId> = server.resync(shards).await?.into_iter().collect();
    let watch = ProgressStream { server, shards, started, poll, failures: 0, state: Stage::First };
    Ok(stream::unfold(watch, ProgressStream::next))
}

struct ProgressStream {
    server: Arc<dyn IndexServer>,
    shards: BTreeSet<ShardId>,
    started: Instant,
    poll: Duration,
    failures: u32,
    state: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    First,
    Further,
    Ended,
}

impl ProgressStream {
    async fn next(mut self) -> Option<(Result<RebuildProgress, IndexAdminError>, Self)> {
        loop {
            match self.state {
                Stage::First => self.state = Stage::Further,
                Stage::Further => sleep(self.poll).await,
                Stage::Ended => return None,
            }
            match self.server.stats().await {
                Ok(stats) => {
                    self.failures = 0;
                    let progress = self.progress(&stats);
                    if progress.done {
                        self.state = Stage::Ended;
                    }
                    return Some((Ok(progress), self));
                }
                Err(error) if error.retryable() && self.failures < FAILURES_MAX => self.failures += 1,
                Err(error) => {
                    self.state = Stage::Ended;
                    return Some((Err(error), self));
                }
            }
        }
    }

    fn progress(&self, stats: &[ShardStat]) -> RebuildProgress {
        let mut progress = RebuildProgress {
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
