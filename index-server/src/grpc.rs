//! Serves `kerb.internal.v1.IndexService` by the ports of an index server.

use std::collections::BTreeSet;
use std::time::Duration;

use kerb_ports::{
    Control, IndexAdmin, PositionSink, ReplicationError, ReplicationStream, ShardQuery, ShardSearch,
};
use kerb_proto::caller::Caller;
use kerb_proto::convert::{SinkMessage, SourceMessage};
use kerb_proto::deadline::timeout_of;
use kerb_proto::internal::v1;
use kerb_proto::internal::v1::index_service_server::{IndexService, IndexServiceServer};
use kerb_proto::status::status_of;
use kerb_types::limits::MESSAGE_BYTES_MAX;
use kerb_types::{NodeId, ShardId};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::handle::IndexServer;

/// Deadline of a search whose caller sets none.
const SEARCH_DEADLINE: Duration = Duration::from_secs(10);
/// Time for the way back of a response. At most a tenth of the deadline.
const REPLY_MARGIN: Duration = Duration::from_millis(5);
/// Maximum pending messages to a source. Further acknowledgements and resync requests are merged until there is room.
const CONTROLS_MAX: usize = 4;

/// Makes the service for a tonic server. That server must set `initial_connection_window_size(2^31 - 1)` and a small
/// stream window. The stream window bounds the frames in flight, because the server reads a frame when it has applied the
/// frame before.
pub fn service(server: IndexServer) -> IndexServiceServer<Grpc> {
    IndexServiceServer::new(Grpc { server })
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX)
}

/// Adapts an [`IndexServer`] to gRPC.
pub struct Grpc {
    server: IndexServer,
}

impl Grpc {
    /// Returns the status for a source that the membership does not list; `None` for one that it lists.
    fn denied(&self, source: &NodeId) -> Option<Status> {
        let error = self.server.state.check_listed(source).err()?;
        Some(Status::permission_denied(error.to_string()))
    }
}

/// Returns `PERMISSION_DENIED` if the verified caller registers as another node.
fn check_source(caller: Option<Caller>, registered: &NodeId) -> Result<(), Status> {
    match caller {
        Some(Caller(caller)) if caller != *registered => Err(Status::permission_denied(format!(
            "node {caller} opens a replication stream of node {registered}, must be its own"
        ))),
        _ => Ok(()),
    }
}

type Controls = mpsc::Sender<Result<v1::PositionControl, Status>>;

#[tonic::async_trait]
impl IndexService for Grpc {
    type StreamPositionsStream = ReceiverStream<Result<v1::PositionControl, Status>>;

    async fn stream_positions(
        &self,
        request: Request<Streaming<v1::PositionFrame>>,
    ) -> Result<Response<Self::StreamPositionsStream>, Status> {
        let caller = request.extensions().get::<Caller>().cloned();
        let mut frames = request.into_inner();
        let (source, stream) = match next_frame(&mut frames).await? {
            Some(SourceMessage::Register(register)) => {
                check_source(caller, &register.node)?;
                let source = register.node.clone();
                let opened = self.server.open(register).await;
                let stream =
                    opened.map_err(|error| self.denied(&source).unwrap_or_else(|| status_of(&error)))?;
                (source, stream)
            }
            _ => return Err(out_of_order("the first message must be a register")),
        };
        let (controls, answers) = mpsc::channel(CONTROLS_MAX);
        let stop = self.server.stop().clone();
        let grpc = Self { server: self.server.clone() };
        self.server.spawn(async move {
            let served = stop.run_until_cancelled(serve(frames, stream, &controls)).await;
            let status = match served {
                Some(Ok(())) => return,
                Some(Err(status)) => grpc.denied(&source).unwrap_or(status),
                None => Status::unavailable("the index server is shutting down"),
            };
            // The source may not read any more. The stream ends either way.
            let _ended = controls.try_send(Err(status));
        });
        Ok(Response::new(ReceiverStream::new(answers)))
    }

    async fn search_shards(
        &self,
        request: Request<v1::SearchShardsRequest>,
    ) -> Result<Response<v1::SearchShardsResponse>, Status> {
        let timeout = timeout_of(request.metadata()).unwrap_or(SEARCH_DEADLINE);
        // A server without time for a search reports so before its caller gives up, and counts as slow instead of dead.
        let deadline = Instant::now() + timeout.saturating_sub(REPLY_MARGIN.min(timeout / 10));
        let query = ShardQuery::try_from(request.into_inner()).map_err(|e| status_of(&e))?;
        let answer = self.server.search(query, deadline).await.map_err(|e| status_of(&e))?;
        Ok(Response::new((&answer).into()))
    }

    async fn shard_stats(
        &self,
        _request: Request<v1::ShardStatsRequest>,
    ) -> Result<Response<v1::ShardStatsResponse>, Status> {
        let stats = self.server.stats().await.map_err(|e| status_of(&e))?;
        Ok(Response::new(v1::ShardStatsResponse { shards: stats.iter().map(Into::into).collect() }))
    }

    async fn resync(
        &self,
        request: Request<v1::ResyncRequest>,
    ) -> Result<Response<v1::ResyncResponse>, Status> {
        let numbers = request.into_inner().shards;
        let shards = numbers.iter().map(|number| shard(*number)).collect::<Result<_, _>>()?;
        let shards = self.server.resync(shards).await.map_err(|e| status_of(&e))?;
        Ok(Response::new(v1::ResyncResponse { shards: shards.iter().map(|s| u32::from(s.0)).collect() }))
    }
}

/// Applies frames in order, and sends acknowledgements and resync requests to the source. Messages that the source does
/// not read in time are merged. A source that reads nothing costs one message, and its frames are still applied.
async fn serve(
    mut frames: Streaming<v1::PositionFrame>,
    mut stream: Box<dyn ReplicationStream>,
    controls: &Controls,
) -> Result<(), Status> {
    let mut received = 0;
    // The number of the newest frame that is applied and not acknowledged yet.
    let mut applied = None;
    let mut resync_requests = BTreeSet::new();
    loop {
        let pending = applied.is_some() || !resync_requests.is_empty();
        tokio::select! {
            biased;
            permit = controls.reserve(), if pending => {
                // The source has closed its side of the answers.
                let Ok(permit) = permit else { return Ok(()) };
                permit.send(Ok(next_control(&mut applied, &mut resync_requests)));
            }
            frame = next_frame(&mut frames) => match frame? {
                None => return Ok(()),
                Some(SourceMessage::Register(_)) => return Err(out_of_order("a register is the first message only")),
                Some(SourceMessage::Frame(frame)) => {
                    stream.send(frame).await.map_err(|e| status_of(&e))?;
                    applied = Some(received);
                    received += 1;
                }
            },
            control = stream.control() => {
                let Control::Resync(shards) = control.map_err(|e| status_of(&e))?;
                resync_requests.extend(shards);
            }
        }
    }
}

fn next_control(applied: &mut Option<u64>, resync_requests: &mut BTreeSet<ShardId>) -> v1::PositionControl {
    let message = match applied.take() {
        Some(frames) => SinkMessage::Applied(frames),
        None => SinkMessage::Control(Control::Resync(std::mem::take(resync_requests).into_iter().collect())),
    };
    (&message).into()
}

async fn next_frame(frames: &mut Streaming<v1::PositionFrame>) -> Result<Option<SourceMessage>, Status> {
    let message = frames.message().await?;
    message.map(SourceMessage::try_from).transpose().map_err(|error| status_of(&error))
}

fn out_of_order(text: &str) -> Status {
    status_of(&ReplicationError::Mismatch(text.to_owned()))
}

fn shard(number: u32) -> Result<ShardId, Status> {
    let rejection = |_| kerb_types::FieldError::new("shards", format!("{number}, must be below 16384"));
    u16::try_from(number).map(ShardId).map_err(|error| status_of(&rejection(error)))
}
