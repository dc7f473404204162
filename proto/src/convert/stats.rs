//! The statistics of shards.

use kerb_ports::ShardStat;
use kerb_types::{FieldError, NodeId};

use super::field::{at, invalid_shard, shard};
use crate::internal::v1;

impl From<&ShardStat> for v1::ShardStat {
    fn from(stat: &ShardStat) -> Self {
        Self {
            shard: u32::from(stat.shard.0),
            drivers: stat.drivers,
            bytes: stat.bytes,
            covered: stat.covered,
            sources: stat.sources.iter().map(|node| node.as_str().to_owned()).collect(),
        }
    }
}

impl TryFrom<v1::ShardStat> for ShardStat {
    type Error = FieldError;

    fn try_from(wire: v1::ShardStat) -> Result<Self, FieldError> {
        let source = |(i, id): (usize, &String)| {
            NodeId::new(id).map_err(|error| FieldError::new(at("sources", i), error.description))
        };
        Ok(Self {
            shard: shard(wire.shard).ok_or_else(|| invalid_shard("shard", wire.shard))?,
            drivers: wire.drivers,
            bytes: wire.bytes,
            covered: wire.covered,
            sources: wire.sources.iter().enumerate().map(source).collect::<Result<_, _>>()?,
        })
    }
}
