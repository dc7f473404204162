//! `RoadsAdminService`: sets and describes the speeds of this node and of all peers that have streets.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, Stream, StreamExt};
use kerb_proto::status::status_of;
use kerb_proto::v1::roads_admin_service_server::{RoadsAdminService, RoadsAdminServiceServer};
use kerb_proto::v1::{
    DescribeRoadsRequest, DescribeRoadsResponse, NodeRoads, NodeSpeedsResult, SetSpeedsRequest,
    SetSpeedsResponse, StreetSpeed,
};
use kerb_types::limits::{MESSAGE_BYTES_MAX, SPEED_ROWS_MAX};
use kerb_types::{FieldError, NodeId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tonic::{Request, Response, Status, Streaming};

use crate::error::TrafficError;
use crate::handle::StreetSpeeds;
use crate::peer_nodes::PeerNodes;
use crate::speed_rows::ResolvedRows;

/// The most concurrent calls that set speeds; each may hold all of its rows in memory. Calls that other nodes forwarded
/// have a limit of their own, so that two nodes never block each other.
const CALLS_MAX: usize = 4;
/// The number of rows in one message: about 1 MB.
const MESSAGE_ROWS: usize = 16_384;
/// The longest pause between two messages of a stream of speeds.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// The gRPC service of a node's speeds.
#[derive(Clone)]
pub struct Grpc {
    node: NodeId,
    speeds: Option<StreetSpeeds>,
    peers: PeerNodes,
    /// Limits the calls of clients.
    calls: Arc<Semaphore>,
    /// Limits the calls that other nodes forwarded to this node only.
    forwarded_calls: Arc<Semaphore>,
}

/// The combined messages of one call.
#[derive(Default)]
struct SetSpeedsCall {
    this_node_only: bool,
    network_checksum: String,
    speeds: Arc<Vec<StreetSpeed>>,
    /// Counts the call until it ends.
    permit: Option<OwnedSemaphorePermit>,
}

impl Grpc {
    /// Serves the speeds of this node; `None` on a node without streets.
    pub fn new(node: NodeId, speeds: Option<StreetSpeeds>, peers: PeerNodes) -> Self {
        let [calls, forwarded_calls] = [(); 2].map(|()| Arc::new(Semaphore::new(CALLS_MAX)));
        Self { node, speeds, peers, calls, forwarded_calls }
    }

    /// The service for a gRPC server.
    pub fn service(&self) -> RoadsAdminServiceServer<Self> {
        RoadsAdminServiceServer::new(self.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// Sets the speeds of one whole call, on this node and on all peers.
    pub async fn set(
        &self,
        messages: impl Stream<Item = Result<SetSpeedsRequest, Status>>,
    ) -> Result<SetSpeedsResponse, Status> {
        let speeds = self.speeds()?;
        let call = self.collect(messages).await?;
        if call.this_node_only {
            let own = speeds.set(call.speeds, &call.network_checksum).await;
            return Ok(SetSpeedsResponse { nodes: vec![node_result(&self.node, own)] });
        }
        // Peers may have another network, so forwarded segment numbers name theirs: this node's by default.
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
            Err(error) => node_result(&node, Err(error)),
        });
        Ok(SetSpeedsResponse { nodes: std::iter::once(node_result(&self.node, own)).chain(peers).collect() })
    }

    /// Describes the speeds in force on this node and on all peers.
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
        let none = || {
            TrafficError::FailedPrecondition(format!(
                "node {} has no road network: see roads.file",
                self.node
            ))
        };
        self.speeds.as_ref().ok_or_else(|| status_of(&none()))
    }

    /// Collects all messages of a call before any of them has an effect: a stream that breaks changes nothing.
    async fn collect(
        &self,
        messages: impl Stream<Item = Result<SetSpeedsRequest, Status>>,
    ) -> Result<SetSpeedsCall, Status> {
        let mut messages = pin!(messages);
        let (mut call, mut speeds) = (SetSpeedsCall::default(), Vec::new());
        loop {
            let next = timeout(SILENCE_MAX, messages.next()).await;
            let silent = |_| TrafficError::DeadlineExceeded(format!("no speeds came for {SILENCE_MAX:?}"));
            let Some(message) = next.map_err(|late| status_of(&silent(late)))? else {
                call.speeds = Arc::new(speeds);
                return Ok(call);
            };
            let message = message?;
            // The first message decides; later ones only add rows.
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

    fn admit(&self, this_node_only: bool) -> Result<OwnedSemaphorePermit, TrafficError> {
        let calls = if this_node_only { &self.forwarded_calls } else { &self.calls };
        let full = |_| TrafficError::Overloaded { what: "calls that set speeds", limit: CALLS_MAX };
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

/// Divides rows into the messages of one `SetSpeeds` call.
pub fn speed_messages(
    rows: Arc<Vec<StreetSpeed>>,
    this_node_only: bool,
    network_checksum: String,
) -> impl Iterator<Item = SetSpeedsRequest> + Send {
    let starts = (0..rows.len()).step_by(MESSAGE_ROWS);
    starts.map(move |start| SetSpeedsRequest {
        this_node_only,
        network_checksum: network_checksum.clone(),
        speeds: rows[start..rows.len().min(start + MESSAGE_ROWS)].to_vec(),
    })
}

fn node_result(node: &NodeId, outcome: Result<ResolvedRows, TrafficError>) -> NodeSpeedsResult {
    let node_id = node.to_string();
    match outcome {
        Ok(ResolvedRows { accepted, rejected, rejections, .. }) => NodeSpeedsResult {
            node_id,
            taken: accepted,
            refused: rejected,
            rejections,
            ..NodeSpeedsResult::default()
        },
        Err(error) => NodeSpeedsResult { node_id, error: error.to_string(), ..NodeSpeedsResult::default() },
    }
}
