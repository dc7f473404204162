//! The port from an aggregator to an index server: searches of shards.

use tokio::time::Instant;

use crate::Answer;
use crate::search::{ShardQuery, ShardResult};

/// Aggregator → index server: exact searches of shards.
pub trait ShardSearch: Send + Sync {
    /// Searches all covered shards of the query before the deadline. The result names the shards that are not covered.
    ///
    /// After a retryable error the caller queries a replica.
    fn search(&self, query: ShardQuery, deadline: Instant) -> Answer<'_, ShardResult>;
}
