//! The port from an ingest node to an index server.

use crate::Answer;
use crate::replication::{Control, Frame, SourceRegistration};

/// Ingest → index server: takes an ingest node's positions. Soft state: nothing is durable, and a session that
/// breaks is opened again with the full part first.
pub trait PositionSink: Send + Sync {
    /// Opens a session. A second session of the same node supersedes the first.
    ///
    /// `Error::Mismatch`: the settings' fingerprints differ. `Error::Unavailable`: not reached.
    fn open(&self, register: SourceRegistration) -> Answer<'_, Box<dyn ReplicationStream>>;
}

/// An open session. Frames are applied in order, each as a whole.
pub trait ReplicationStream: Send {
    /// Hands over a frame; resolves when the sink has taken it, which a slow sink delays: the bound of the queue
    /// is the session's. Any error ends the session; `Error::Mismatch` means that the frame broke the protocol,
    /// `Error::Superseded` that a newer session of this node is open.
    fn send(&mut self, frame: Frame) -> Answer<'_, ()>;

    /// Resolves when every frame sent so far is visible to searches.
    fn flush(&mut self) -> Answer<'_, ()>;

    /// The sink's next wish. Cancel-safe: a dropped call loses no wish.
    fn control(&mut self) -> Answer<'_, Control>;
}
