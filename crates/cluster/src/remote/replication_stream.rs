//! The port `ReplicationStream` over a gRPC stream. Frames go up; acknowledgements and resync requests come down.

use std::collections::BTreeSet;

use futures::FutureExt;
use kerb_ports::{Control, Frame, PortFuture, ReplicationError, ReplicationStream, SourceRegistration};
use kerb_proto::convert::SinkMessage;
use kerb_proto::internal::v1::index_service_client::IndexServiceClient;
use kerb_proto::internal::v1::{PositionControl, PositionFrame};
use kerb_proto::status::error_of;
use kerb_transport::NodeChannel;
use kerb_types::{NodeId, ShardId};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::mismatch::wrong_value;
use super::split::split;

/// Maximum frames that are sent and not yet acknowledged. Further sends wait.
///
/// A frame is a message of at most 4 MiB, and usually much smaller. Eight frames keep a connection with a round trip of 1 ms
/// busy at one batch each 100 ms. They are also the memory that a slow index server costs.
pub const FRAMES_IN_FLIGHT_MAX: u64 = 8;

/// A replication stream to an index server in another process.
///
/// The index server sends at most one acknowledgement for each frame in flight, and resync requests. Every send reads the
/// replies that have arrived, so they do not pile up on the connection.
pub(super) struct RemoteReplicationStream {
    node: NodeId,
    frames: mpsc::Sender<PositionFrame>,
    replies: Streaming<PositionControl>,
    /// Number of frames sent.
    sent: u64,
    /// Number of frames that the index server has applied.
    applied: u64,
    /// Shards in resync requests that [`ReplicationStream::control`] has not returned yet.
    resync_shards: BTreeSet<ShardId>,
}

impl RemoteReplicationStream {
    pub(super) async fn open(
        node: NodeId,
        mut client: IndexServiceClient<NodeChannel>,
        register: &SourceRegistration,
    ) -> Result<Self, ReplicationError> {
        // The queue has room for the registration and all frames in flight, so sending never waits for it. The constant is
        // small, so the cast keeps it.
        let (frames, queue) = mpsc::channel(FRAMES_IN_FLIGHT_MAX as usize + 1);
        frames.try_send(register.into()).expect("the queue is empty");
        let replies = client.stream_positions(ReceiverStream::new(queue)).await;
        let replies = replies.map_err(|status| error_of::<ReplicationError>(&status, &node))?.into_inner();
        Ok(Self { node, frames, replies, sent: 0, applied: 0, resync_shards: BTreeSet::new() })
    }

    async fn send_frame(&mut self, frame: &Frame) -> Result<(), ReplicationError> {
        self.read_arrived_replies()?;
        while self.sent - self.applied >= FRAMES_IN_FLIGHT_MAX {
            self.read_reply().await?;
        }
        if self.frames.send(frame.into()).await.is_err() {
            return Err(self.closing_error().await);
        }
        self.sent += 1;
        Ok(())
    }

    /// Waits for the next reply. Cancel-safe: a reply is taken from the stream and recorded without an `await` in between.
    async fn read_reply(&mut self) -> Result<(), ReplicationError> {
        let reply = self.replies.message().await;
        self.record(reply)
    }

    /// Reads the replies that have already arrived, without waiting.
    fn read_arrived_replies(&mut self) -> Result<(), ReplicationError> {
        while let Some(reply) = self.replies.message().now_or_never() {
            self.record(reply)?;
        }
        Ok(())
    }

    fn record(
        &mut self,
        reply: Result<Option<PositionControl>, tonic::Status>,
    ) -> Result<(), ReplicationError> {
        let reply = reply
            .map_err(|status| error_of::<ReplicationError>(&status, &self.node))?
            .ok_or_else(|| self.lost())?;
        match SinkMessage::try_from(reply) {
            // Frames are numbered from 0, so the number of applied frames is one more.
            Ok(SinkMessage::Applied(frame)) if frame < self.sent => {
                self.applied = self.applied.max(frame + 1);
            }
            Ok(SinkMessage::Applied(frame)) => {
                let reason =
                    format!("{} acknowledged frame {frame}, but only {} were sent", self.node, self.sent);
                return Err(ReplicationError::Mismatch(reason));
            }
            Ok(SinkMessage::Control(Control::Resync(shards))) => self.resync_shards.extend(shards),
            Err(error) => return Err(wrong_value(&self.node, &error)),
        }
        Ok(())
    }

    /// Returns why the index server accepts no more frames: the error at the end of its replies.
    async fn closing_error(&mut self) -> ReplicationError {
        loop {
            if let Err(error) = self.read_reply().await {
                return error;
            }
        }
    }

    fn lost(&self) -> ReplicationError {
        ReplicationError::Unavailable {
            node: self.node.clone(),
            reason: "it ended the replication stream".to_owned(),
        }
    }
}

impl ReplicationStream for RemoteReplicationStream {
    fn send(&mut self, frame: Frame) -> PortFuture<'_, (), ReplicationError> {
        async move {
            match split(frame) {
                Ok(frame) => self.send_frame(&frame).await,
                Err(parts) => {
                    for part in parts {
                        self.send_frame(&part).await?;
                    }
                    Ok(())
                }
            }
        }
        .boxed()
    }

    fn flush(&mut self) -> PortFuture<'_, (), ReplicationError> {
        async move {
            while self.applied < self.sent {
                self.read_reply().await?;
            }
            Ok(())
        }
        .boxed()
    }

    fn control(&mut self) -> PortFuture<'_, Control, ReplicationError> {
        async move {
            while self.resync_shards.is_empty() {
                self.read_reply().await?;
            }
            Ok(Control::Resync(std::mem::take(&mut self.resync_shards).into_iter().collect()))
        }
        .boxed()
    }
}
