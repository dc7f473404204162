//! The port from an aggregator to an index server.

use tokio::time::Instant;

use crate::Answer;
use crate::search::{ShardQuery, ShardResult};

/// Aggregator → index server: exact answers of shards.
pub trait ShardSearch: Send + Sync {
    /// Answers for all covered shards of the query before the deadline; the others are named in the answer.
    ///
    /// `Error::DeadlineExceeded`, `Error::Unavailable`, `Error::Overloaded`: ask a replica.
    fn search(&self, query: ShardQuery, deadline: Instant) -> Answer<'_, ShardResult>;
}
