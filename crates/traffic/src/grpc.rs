//! `RoadsAdminService`: this node's speeds, and those of all peers that have streets.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, Stream, StreamExt};
use kerb_ports::Error;
use kerb_proto::status::status_of;
use kerb_proto::v1::roads_admin_service_server::{RoadsAdminService, RoadsAdminServiceServer};
use kerb_proto::v1::{
    DescribeRoadsRequest, DescribeRoadsResponse, NodeRoads, NodeSpeedsResult, SetSpeedsRequest,
    SetSpeedsResponse, SpeedFile, StreetSpeed,
};
use kerb_types::limits::{MESSAGE_BYTES_MAX, SPEED_ROWS_MAX};
use kerb_types::{FieldError, NodeId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tonic::{Request, Response, Status, Streaming};

use crate::StreetSpeeds;
use crate::peer_nodes::PeerNodes;
use crate::speed_rows::ResolvedRows;
use crate::status::FileStatus;

/// Calls that set speeds at one time, at most: each may keep all its rows. Those that other nodes have sent on are counted
/// by themselves, so that two nodes never wait for each other.
const CALLS_MAX: usize = 4;
/// So many rows are sent in one message: about 1 MB.
const ROWS_A_MESSAGE: usize = 16_384;
/// A stream of speeds that is silent for longer is ended.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// Makes the service.
#[derive(Clone)]
pub struct Grpc {
    node: NodeId,
    speeds: Option<StreetSpeeds>,
    peers: PeerNodes,
    /// For clients' calls.
    calls: Arc<Semaphore>,
    /// For what is for this node only.
    own_calls: Arc<Semaphore>,
}

/// One call's messages, all of them.
#[derive(Default)]
struct Call {
    this_node_only: bool,
    network_checksum: String,
    speeds: Arc<Vec<StreetSpeed>>,
    /// Held until its end.
    permit: Option<OwnedSemaphorePermit>,
}

impl Grpc {
    /// Of this node's streets; `None`: it has none.
    pub fn new(node: NodeId, speeds: Option<StreetSpeeds>, peers: PeerNodes) -> Self {
        let [calls, own_calls] = [(); 2].map(|()| Arc::new(Semaphore::new(CALLS_MAX)));
        Self { node, speeds, peers, calls, own_calls }
    }

    /// The gRPC service of these speeds.
    pub fn service(&self) -> RoadsAdminServiceServer<Self> {
        RoadsAdminServiceServer::new(self.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// Takes a whole call, here and at all peers.
    pub async fn set(
        &self,
        messages: impl Stream<Item = Result<SetSpeedsRequest, Status>>,
    ) -> Result<SetSpeedsResponse, Status> {
        let speeds = self.speeds()?;
        let call = self.collect(messages).await?;
        if call.this_node_only {
            let own = speeds.set(call.speeds, &call.network_checksum).await;
            return Ok(SetSpeedsResponse { nodes: vec![taken(&self.node, own)] });
        }
        // Numbers are of this node's network unless the caller says otherwise.
        let checksum = Some(call.network_checksum.clone()).filter(|checksum| !checksum.is_empty());
        let checksum = checksum.unwrap_or_else(|| speeds.checksum());
        let rows = Arc::clone(&call.speeds);
        let peers = self.peers.ask(move |mut client| {
            let messages = futures::stream::iter(speed_messages(Arc::clone(&rows), true, checksum.clone()));
            async move { Ok(client.set_speeds(messages).await?.into_inner()) }.boxed()
        });
        let (own, peers) = tokio::join!(speeds.set(call.speeds, &call.network_checksum), peers);
        let peers = peers.into_iter().map(|(node, answer)| match answer {
            Ok(answer) => answer.nodes.into_iter().next().unwrap_or_default(),
            Err(error) => taken(&node, Err(error)),
        });
        Ok(SetSpeedsResponse { nodes: std::iter::once(taken(&self.node, own)).chain(peers).collect() })
    }

    /// What is in force here and at all peers.
    pub async fn describe(&self, request: DescribeRoadsRequest) -> Result<DescribeRoadsResponse, Status> {
        let mut nodes = vec![self.speeds()?.describe(&self.node)];
        if !request.this_node_only {
            let peers = self.peers.ask(|mut client| {
                let request = DescribeRoadsRequest { this_node_only: true };
                async move { Ok(client.describe_roads(request).await?.into_inner()) }.boxed()
            });
            nodes.extend(peers.await.into_iter().map(|(node, answer)| match answer {
                Ok(answer) => answer.nodes.into_iter().next().unwrap_or_default(),
                Err(error) => {
                    NodeRoads { node_id: node.to_string(), error: error.to_string(), ..NodeRoads::default() }
                }
            }));
        }
        Ok(DescribeRoadsResponse { nodes })
    }

    fn speeds(&self) -> Result<&StreetSpeeds, Status> {
        let none =
            || Error::FailedPrecondition(format!("node {} has no road network: see roads.file", self.node));
        self.speeds.as_ref().ok_or_else(|| status_of(&none()))
    }

    /// All messages to their end: a stream that breaks changes nothing.
    async fn collect(
        &self,
        messages: impl Stream<Item = Result<SetSpeedsRequest, Status>>,
    ) -> Result<Call, Status> {
        let mut messages = pin!(messages);
        let (mut call, mut speeds) = (Call::default(), Vec::new());
        loop {
            let next = timeout(SILENCE_MAX, messages.next()).await;
            let silent = |_| Error::DeadlineExceeded(format!("no speeds came for {SILENCE_MAX:?}"));
            let Some(message) = next.map_err(|late| status_of(&silent(late)))? else {
                call.speeds = Arc::new(speeds);
                return Ok(call);
            };
            let message = message?;
            if call.permit.is_none() {
                call.permit = Some(self.admit(message.this_node_only).map_err(|error| status_of(&error))?);
                call.this_node_only = message.this_node_only;
                call.network_checksum = message.network_checksum;
            }
            let rows = speeds.len() + message.speeds.len();
            if rows > SPEED_ROWS_MAX {
                let text = format!("{rows} rows and more, must be at most {SPEED_ROWS_MAX} in a call");
                return Err(status_of(&FieldError::new("speeds", text)));
            }
            speeds.extend(message.speeds);
        }
    }

    fn admit(&self, this_node_only: bool) -> Result<OwnedSemaphorePermit, Error> {
        let calls = if this_node_only { &self.own_calls } else { &self.calls };
        let full = |_| Error::Overloaded { what: "calls that set speeds", limit: CALLS_MAX };
        Arc::clone(calls).try_acquire_owned().map_err(full)
    }
}

#[tonic::async_trait]
impl RoadsAdminService for Grpc {
    async fn set_speeds(
        &self,
        request: Request<Streaming<SetSpeedsRequest>>,
    ) -> Result<Response<SetSpeedsResponse>, Status> {
        Ok(Response::new(self.set(request.into_inner()).await?))
    }

    async fn describe_roads(
        &self,
        request: Request<DescribeRoadsRequest>,
    ) -> Result<Response<DescribeRoadsResponse>, Status> {
        Ok(Response::new(self.describe(request.into_inner()).await?))
    }
}

/// The messages of one call of `SetSpeeds`.
pub fn speed_messages(
    rows: Arc<Vec<StreetSpeed>>,
    this_node_only: bool,
    network_checksum: String,
) -> impl Iterator<Item = SetSpeedsRequest> + Send {
    let starts = (0..rows.len()).step_by(ROWS_A_MESSAGE);
    starts.map(move |start| SetSpeedsRequest {
        this_node_only,
        network_checksum: network_checksum.clone(),
        speeds: rows[start..rows.len().min(start + ROWS_A_MESSAGE)].to_vec(),
    })
}

fn taken(node: &NodeId, outcome: Result<ResolvedRows, Error>) -> NodeSpeedsResult {
    let node_id = node.to_string();
    match outcome {
        Ok(ResolvedRows { taken, refused, rejections, .. }) => {
            NodeSpeedsResult { node_id, taken, refused, rejections, ..NodeSpeedsResult::default() }
        }
        Err(error) => NodeSpeedsResult { node_id, error: error.to_string(), ..NodeSpeedsResult::default() },
    }
}

impl StreetSpeeds {
    fn describe(&self, node: &NodeId) -> NodeRoads {
        let status = self.0.status.lock();
        NodeRoads {
            node_id: node.to_string(),
            error: String::new(),
            network_checksum: self.checksum(),
            segments: self.0.roads.network().segments() as u32,
            directions: status.counts.directions,
            streamed: status.counts.stream,
            from_file: status.counts.file,
            from_profile: status.counts.profile,
            generation: self.0.roads.engine().routes().version(),
            applied_ms: status.applied_ms,
            apply_us: u32::try_from(status.apply_us).unwrap_or(u32::MAX),
            next_change_ms: status.next_change_ms.unwrap_or(0),
            hour_of_week: status.hour as u32,
            rows_taken: status.rows_taken,
            rows_refused: status.rows_refused,
            file: status.file.as_ref().map(file),
            profile: status.profile.as_ref().map(file),
        }
    }
}

fn file(status: &FileStatus) -> SpeedFile {
    SpeedFile {
        path: status.path.display().to_string(),
        read_ms: status.read_ms,
        error: status.error.clone().unwrap_or_default(),
        reads: status.reads,
        failures: status.failures,
    }
}
