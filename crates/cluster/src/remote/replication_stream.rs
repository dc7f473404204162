//! `ReplicationStream` over a gRPC stream: frames up, acknowledgements and wishes down.

use std::collections::BTreeSet;

use futures::FutureExt;
use kerb_ports::{Answer, Control, Error, Frame, ReplicationStream, SourceRegistration};
use kerb_proto::convert::SinkMessage;
use kerb_proto::internal::v1::index_service_client::IndexServiceClient;
use kerb_proto::internal::v1::{PositionControl, PositionFrame};
use kerb_proto::status::error_of;
use kerb_types::{NodeId, ShardId};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Channel;

use super::split::split;

/// Frames that the sink has not yet said are applied, at most. A frame is at most a message of 4 MiB and mostly far
/// less; eight of them keep a connection of 1 ms round trip busy at 100 ms a batch, and are what a slow sink costs.
pub const FRAMES_IN_FLIGHT_MAX: u64 = 8;

/// A session with an index server of another process.
///
/// Downward there is at most one acknowledgement for each frame in flight and the wishes: every call reads what has
/// come, so nothing piles up on the connection.
pub(super) struct RemoteReplicationStream {
    node: NodeId,
    frames: mpsc::Sender<PositionFrame>,
    replies: Streaming<PositionControl>,
    sent: u64,
    applied: u64,
    /// Shards that the sink wished for and nobody has taken yet: as many as there are shards, at most.
    wished: BTreeSet<ShardId>,
}

impl RemoteReplicationStream {
    pub(super) async fn open(
        node: NodeId,
        mut client: IndexServiceClient<Channel>,
        register: &SourceRegistration,
    ) -> Result<Self, Error> {
        // Room for the register and all frames in flight: sending never waits for this queue.
        let (frames, queue) = mpsc::channel(FRAMES_IN_FLIGHT_MAX as usize + 1);
        frames.try_send(register.into()).expect("the queue is empty");
        let replies = client.stream_positions(ReceiverStream::new(queue)).await;
        let replies = replies.map_err(|status| error_of::<Error>(&status, &node))?.into_inner();
        Ok(Self { node, frames, replies, sent: 0, applied: 0, wished: BTreeSet::new() })
    }

    async fn put(&mut self, frame: &Frame) -> Result<(), Error> {
        self.take_what_came()?;
        while self.sent - self.applied >= FRAMES_IN_FLIGHT_MAX {
            self.reply().await?;
        }
        if self.frames.send(frame.into()).await.is_err() {
            return Err(self.ended().await);
        }
        self.sent += 1;
        Ok(())
    }

    /// Waits for the next reply. Cancel-safe: a reply is taken from the stream and noted in one step.
    async fn reply(&mut self) -> Result<(), Error> {
        let reply = self.replies.message().await;
        self.note(reply)
    }

    /// Takes the replies that are already here, without waiting.
    fn take_what_came(&mut self) -> Result<(), Error> {
        while let Some(reply) = self.replies.message().now_or_never() {
            self.note(reply)?;
        }
        Ok(())
    }

    fn note(&mut self, reply: Result<Option<PositionControl>, tonic::Status>) -> Result<(), Error> {
        let reply =
            reply.map_err(|status| error_of::<Error>(&status, &self.node))?.ok_or_else(|| self.lost())?;
        match SinkMessage::try_from(reply) {
            // Numbered from 0.
            Ok(SinkMessage::Applied(frame)) if frame < self.sent => {
                self.applied = self.applied.max(frame + 1);
            }
            Ok(SinkMessage::Applied(frame)) => {
                let reason =
                    format!("{} says that frame {frame} is applied, of {} sent", self.node, self.sent);
                return Err(Error::Mismatch(reason));
            }
            Ok(SinkMessage::Control(Control::Resync(shards))) => self.wished.extend(shards),
            Err(error) => {
                return Err(Error::Mismatch(format!("{} answered a wrong value: {error}", self.node)));
            }
        }
        Ok(())
    }

    /// The sink does not take frames any more: it says why at the end of its replies.
    async fn ended(&mut self) -> Error {
        loop {
            if let Err(error) = self.reply().await {
                return error;
            }
        }
    }

    fn lost(&self) -> Error {
        Error::Unavailable { node: self.node.clone(), reason: "it ended the session".to_owned() }
    }
}

impl ReplicationStream for RemoteReplicationStream {
    fn send(&mut self, frame: Frame) -> Answer<'_, ()> {
        async move {
            match split(frame) {
                Ok(frame) => self.put(&frame).await,
                Err(parts) => {
                    for part in parts {
                        self.put(&part).await?;
                    }
                    Ok(())
                }
            }
        }
        .boxed()
    }

    fn flush(&mut self) -> Answer<'_, ()> {
        async move {
            while self.applied < self.sent {
                self.reply().await?;
            }
            Ok(())
        }
        .boxed()
    }

    fn control(&mut self) -> Answer<'_, Control> {
        async move {
            while self.wished.is_empty() {
                self.reply().await?;
            }
            Ok(Control::Resync(std::mem::take(&mut self.wished).into_iter().collect()))
        }
        .boxed()
    }
}
