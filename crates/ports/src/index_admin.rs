//! The port from an operator to an index server, and the sum of an index server's ports.

use kerb_types::ShardId;

use crate::PortFuture;
use crate::position_sink::PositionSink;
use crate::search::ShardStat;
use crate::shard_search::ShardSearch;

crate::port_error! {
    /// Why a call to an [`IndexAdmin`] failed.
    pub enum IndexAdminError {
        /// The index server does not hold a shard of the call.
        Invalid,
        /// The index server runs another release: it sent a value that this release does not define.
        Mismatch,
        /// The index server accepts no more calls now. Nothing was changed.
        Overloaded,
        /// The index server did not respond in time. The shards may have been emptied.
        DeadlineExceeded,
        /// The index server does not respond, or it shuts down. The shards may have been emptied.
        Unavailable,
        /// The call failed by a defect.
        Internal,
    }
}

/// Operator → index server: statistics and resync of shards.
pub trait IndexAdmin: Send + Sync {
    /// Returns the statistics of every shard that the server holds.
    fn stats(&self) -> PortFuture<'_, Vec<ShardStat>, IndexAdminError>;

    /// Empties `shards` (all shards if the list is empty) and requests a new snapshot from every source. A shard is not
    /// covered until its snapshots have arrived. Returns the emptied shards. A shard that the server does not hold is
    /// invalid.
    fn resync(&self, shards: Vec<ShardId>) -> PortFuture<'_, Vec<ShardId>, IndexAdminError>;
}

/// All ports that an index server implements.
pub trait IndexServer: PositionSink + ShardSearch + IndexAdmin {}

impl<T: PositionSink + ShardSearch + IndexAdmin> IndexServer for T {}
