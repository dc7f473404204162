//! Reports the size and the events of an index.

use kerb_ports::ShardStat;
use kerb_types::ShardId;

use super::Index;
use crate::metrics::{MemoryUsage, Metrics};
use crate::store::Store;
use crate::store::entry::Block;
use crate::store::page::{Leaf, Node};

impl Index {
    /// Events since the start.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The size and the coverage of each held shard.
    pub fn stats(&self) -> Vec<ShardStat> {
        let writer = self.writer.lock();
        let stat = |shard: ShardId| {
            let counts = writer.pages.counts()[usize::from(shard.0)];
            let pages = counts.nodes as usize * size_of::<Node>()
                + counts.leaves as usize * size_of::<Leaf>()
                + counts.blocks as usize * size_of::<Block>();
            let records = counts.drivers as usize * Store::BYTES_PER_RECORD;
            ShardStat {
                shard,
                drivers: u64::from(counts.drivers),
                bytes: (pages + records) as u64,
                covered: writer.coverage.is_covered(shard),
                sources: writer
                    .coverage
                    .finished(shard)
                    .iter()
                    .map(|source| writer.sources.node(*source).clone())
                    .collect(),
            }
        };
        writer.coverage.held().map(stat).collect()
    }

    /// Memory in use.
    pub fn memory(&self) -> MemoryUsage {
        let writer = self.writer.lock();
        MemoryUsage { store: self.store.bytes(), writer: writer.bytes(), drivers: writer.registry.len() }
    }
}
