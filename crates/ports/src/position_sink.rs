//! The port from an ingest node to an index server: the replication of positions.

use crate::Answer;
use crate::replication::{Control, Frame, SourceRegistration};

/// Ingest node → index server: the replication of positions. The state is soft: nothing is durable, and a broken stream
/// is opened again with a snapshot first.
pub trait PositionSink: Send + Sync {
    /// Opens a replication stream. A second stream of the same node supersedes the first.
    fn open(&self, register: SourceRegistration) -> Answer<'_, Box<dyn ReplicationStream>>;
}

/// An open replication stream. The index server applies frames in order, each as a whole.
pub trait ReplicationStream: Send {
    /// Sends a frame. It resolves when the frame is in the stream's bounded queue, so a slow index server slows the caller
    /// down. Any error ends the stream.
    fn send(&mut self, frame: Frame) -> Answer<'_, ()>;

    /// Resolves when searches see every frame sent so far.
    fn flush(&mut self) -> Answer<'_, ()>;

    /// Returns the index server's next request. The call is cancel-safe: a dropped future loses no request.
    fn control(&mut self) -> Answer<'_, Control>;
}
