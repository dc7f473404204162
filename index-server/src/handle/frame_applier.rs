//! Applies the frames of a replication stream, in steps between which other tasks run.

use std::sync::Arc;

use kerb_ports::{Batch, Control, Frame, PortFuture, ReplicationError, ReplicationStream};
use tokio::sync::watch;

use super::server_state::ServerState;
use crate::index::BatchProgress;
use crate::replication::source_stream::SourceStream;

/// An open replication stream of an [`crate::IndexServer`].
pub(crate) struct FrameApplier {
    state: Arc<ServerState>,
    stream: SourceStream,
    /// Wakes [`ReplicationStream::control`].
    wakeups: watch::Receiver<()>,
}

impl FrameApplier {
    pub(crate) fn new(state: Arc<ServerState>, stream: SourceStream, wakeups: watch::Receiver<()>) -> Self {
        Self { state, stream, wakeups }
    }

    async fn apply(&mut self, batch: &Batch) -> Result<(), ReplicationError> {
        let now = self.state.clock.now();
        let mut progress = BatchProgress::default();
        while self.state.index.apply(&mut self.stream, batch, &mut progress, now)? {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    async fn complete_snapshot(&mut self, round: u64) -> Result<(), ReplicationError> {
        let mut completion = self.state.index.snapshot_end(&mut self.stream, round)?;
        while self.state.index.complete_snapshot_step(&self.stream, &mut completion)? {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    async fn next_control(&mut self) -> Result<Control, ReplicationError> {
        loop {
            self.state.check_running::<ReplicationError>()?;
            // Before the look, so that a wakeup after the look is not lost.
            self.wakeups.mark_unchanged();
            let shards = self.state.index.take_resync_requests(&mut self.stream)?;
            if !shards.is_empty() {
                return Ok(Control::Resync(shards));
            }
            // It cannot fail: `state` owns the sender.
            let _changed = self.wakeups.changed().await;
        }
    }
}

impl ReplicationStream for FrameApplier {
    fn send(&mut self, frame: Frame) -> PortFuture<'_, (), ReplicationError> {
        Box::pin(async move {
            self.state.check_running::<ReplicationError>()?;
            match frame {
                Frame::SnapshotBegin { round, shards } => {
                    self.state.index.snapshot_begin(&mut self.stream, round, &shards)
                }
                Frame::Batch(batch) => self.apply(&batch).await,
                Frame::SnapshotEnd { round } => self.complete_snapshot(round).await,
            }
        })
    }

    /// Only checks the stream: a frame is visible to searches as soon as `send` returns.
    fn flush(&mut self) -> PortFuture<'_, (), ReplicationError> {
        Box::pin(async move {
            self.state.check_running::<ReplicationError>()?;
            self.state.index.check(&self.stream)
        })
    }

    fn control(&mut self) -> PortFuture<'_, Control, ReplicationError> {
        Box::pin(self.next_control())
    }
}

impl Drop for FrameApplier {
    fn drop(&mut self) {
        self.state.index.close(&mut self.stream);
    }
}
