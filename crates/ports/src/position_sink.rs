//! The port from an ingest node to an index server: the replication of positions.

use crate::PortFuture;
use crate::replication::{Control, Frame, SourceRegistration};

crate::port_error! {
    /// Why a replication stream was not opened, or why it ended.
    pub enum ReplicationError {
        /// The index server cannot decode a frame.
        Invalid,
        /// A newer stream of the same ingest node is open.
        Superseded,
        /// The settings of the two nodes differ, or one of them violated the protocol.
        Mismatch,
        /// The index server has no room for another driver, slot or ingest node.
        Overloaded,
        /// The index server did not respond in time.
        DeadlineExceeded,
        /// The index server does not respond, or it shuts down.
        Unavailable,
        /// The replication failed by a defect.
        Internal,
    }
}

/// Ingest node → index server: the replication of positions. The state is soft: nothing is durable, and a broken stream
/// is opened again with a snapshot first.
pub trait PositionSink: Send + Sync {
    /// Opens a replication stream. A second stream of the same node supersedes the first.
    fn open(
        &self,
        register: SourceRegistration,
    ) -> PortFuture<'_, Box<dyn ReplicationStream>, ReplicationError>;
}

/// An open replication stream. The index server applies frames in order, each as a whole.
pub trait ReplicationStream: Send {
    /// Sends a frame. It resolves when the frame is in the stream's bounded queue, so a slow index server slows the caller
    /// down. Any error ends the stream.
    fn send(&mut self, frame: Frame) -> PortFuture<'_, (), ReplicationError>;

    /// Resolves when searches see every frame sent so far.
    fn flush(&mut self) -> PortFuture<'_, (), ReplicationError>;

    /// Returns the index server's next request. The call is cancel-safe: a dropped future loses no request.
    fn control(&mut self) -> PortFuture<'_, Control, ReplicationError>;
}
