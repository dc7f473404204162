//! The port from an operator to an index server, and the sum of an index server's ports.

use kerb_types::ShardId;

use crate::Answer;
use crate::position_sink::PositionSink;
use crate::search::ShardStat;
use crate::shard_search::ShardSearch;

/// Operator → index server: statistics and resync of shards.
pub trait IndexAdmin: Send + Sync {
    /// Returns the statistics of every shard that the server holds.
    fn stats(&self) -> Answer<'_, Vec<ShardStat>>;

    /// Empties `shards` (all shards if the list is empty) and requests a new snapshot from every source. A shard is not
    /// covered until its snapshots have arrived. Returns the emptied shards. A shard that the server does not hold is
    /// invalid.
    fn resync(&self, shards: Vec<ShardId>) -> Answer<'_, Vec<ShardId>>;
}

/// All ports that an index server implements.
pub trait IndexServer: PositionSink + ShardSearch + IndexAdmin {}

impl<T: PositionSink + ShardSearch + IndexAdmin> IndexServer for T {}
