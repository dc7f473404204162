//! The port from an operator to an index server, and all that an index server offers.

use kerb_types::ShardId;

use crate::Answer;
use crate::position_sink::PositionSink;
use crate::search::ShardStat;
use crate::shard_search::ShardSearch;

/// Operator → index server.
pub trait IndexAdmin: Send + Sync {
    /// What each held shard holds.
    fn stats(&self) -> Answer<'_, Vec<ShardStat>>;

    /// Empties these shards (all when the list is empty) and asks every open session for its part again. Until
    /// it has come the shards are not covered. Answers the shards; `Error::Invalid` for one that is not held.
    fn resync(&self, shards: Vec<ShardId>) -> Answer<'_, Vec<ShardId>>;
}

/// All that an index server offers.
pub trait IndexServer: PositionSink + ShardSearch + IndexAdmin {}

impl<T: PositionSink + ShardSearch + IndexAdmin> IndexServer for T {}
