//! The port from an aggregator to an index server: searches of shards.

use tokio::time::Instant;

use crate::PortFuture;
use crate::search::{ShardQuery, ShardResult};

crate::port_error! {
    /// Why a [`ShardSearch`] failed.
    pub enum ShardSearchError {
        /// The index server rejects the query.
        Invalid,
        /// The index server runs another release: it sent a value that this release does not define.
        Mismatch,
        /// The index server runs too many searches.
        Overloaded,
        /// The shards were not searched before the deadline.
        DeadlineExceeded,
        /// The index server does not respond, or it shuts down.
        Unavailable,
        /// The search failed by a defect.
        Internal,
    }
}

/// Aggregator → index server: exact searches of shards.
pub trait ShardSearch: Send + Sync {
    /// Searches all covered shards of the query before the deadline. The result names the shards that are not covered.
    ///
    /// After a retryable error the caller queries a replica.
    fn search(&self, query: ShardQuery, deadline: Instant) -> PortFuture<'_, ShardResult, ShardSearchError>;
}
