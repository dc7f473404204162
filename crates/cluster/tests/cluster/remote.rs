//! The remote ports: replication streams to a slow index server, deadlines, and nodes that disappear.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use kerb_cluster::RemotePeers;
use kerb_cluster::liveness::Probe;
use kerb_cluster::remote::{FRAMES_IN_FLIGHT_MAX, RemoteIndexServer};
use kerb_index_server::service::Ports;
use kerb_index_server::{Options, grpc};
use kerb_ports::conformance::source::{NOW_MS, SHARDS, SOURCES, profile, sharding};
use kerb_ports::{
    Batch, Control, ErrorCode, Frame, IndexServer, Membership, Peers, PositionSink, Slot, SlotBinding,
    SourceRegistration,
};
use kerb_proto::internal::v1 as wire;
use kerb_proto::internal::v1::index_service_server::{IndexService, IndexServiceServer};
use kerb_transport::connect_lazily;
use kerb_transport::{ChannelOptions, Channels, InternalCalls, Server, ServerOptions};
use kerb_types::{Catalog, ManualClock, MembershipView, Node, NodeId, Role, ShardId, ShardMap};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::{Routes, RoutesBuilder};
use tonic::{Request, Response, Status, Streaming};

/// Each step of a test ends within this time.
const STEP_TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) fn node(id: &str) -> NodeId {
    NodeId::new(id).unwrap()
}

/// A gRPC server on a random port. The drop aborts it with all its connections.
pub(crate) struct TestServer {
    pub(crate) address: String,
    _stop: oneshot::Sender<()>,
    _task: tokio_util::task::AbortOnDropHandle<()>,
}

impl TestServer {
    pub(crate) async fn start(build: impl FnOnce(&mut RoutesBuilder), at: &str) -> Self {
        let server = Server::bind(node("index-1"), at, ServerOptions::default()).await.unwrap();
        let server = server.with_internal_calls(InternalCalls::Trusted);
        let address = server.address().to_string();
        let mut routes = Routes::builder();
        build(&mut routes);
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move { server.serve(routes, stopped.map(drop)).await });
        Self { address, _stop: stop, _task: tokio_util::task::AbortOnDropHandle::new(task) }
    }

    pub(crate) fn index_server(&self) -> Arc<dyn IndexServer> {
        let channel = connect_lazily(&self.address, ChannelOptions::default()).unwrap();
        Arc::new(RemoteIndexServer::new(node("index-1"), channel))
    }
}

/// The membership of one index server that holds every shard, and of the conformance suite's ingest nodes.
struct TestMembership(watch::Sender<Arc<MembershipView>>);

impl TestMembership {
    fn new(address: Option<&str>) -> Self {
        let entry = |id: &str, role, address: Option<&str>| Node {
            id: node(id),
            roles: vec![role],
            address: address.map(str::to_owned),
            live: true,
        };
        let mut nodes: Vec<_> = SOURCES.iter().map(|id| entry(id, Role::LocationIngest, None)).collect();
        nodes.push(entry("index-1", Role::IndexServer, address));
        nodes.sort_by(|a, b| a.id.cmp(&b.id));
        let shard_map = Arc::new(ShardMap::place(SHARDS, 1, &[node("index-1")]));
        Self(watch::Sender::new(Arc::new(MembershipView { nodes, shard_map })))
    }
}

impl Membership for TestMembership {
    fn watch(&self) -> watch::Receiver<Arc<MembershipView>> {
        self.0.subscribe()
    }
}

pub(crate) async fn serve_index_server() -> TestServer {
    let ports = Ports {
        node: node("index-1"),
        sharding: sharding(),
        catalog: Catalog::default(),
        membership: Arc::new(TestMembership::new(None)),
        clock: Arc::new(ManualClock::new(NOW_MS)),
    };
    let server = kerb_index_server::IndexServer::start(&Options::default(), ports).await.unwrap();
    let add = |routes: &mut RoutesBuilder| _ = routes.add_service(grpc::service(server));
    TestServer::start(add, "127.0.0.1:0").await
}

fn register() -> SourceRegistration {
    let settings_fingerprint = sharding().fingerprint(&Catalog::default());
    SourceRegistration { node: node(SOURCES[0]), settings_fingerprint }
}

/// A fake index server that reads every frame, but acknowledges only as many as a test allows. It never answers searches.
#[derive(Clone)]
struct SlowSink {
    /// Number of frames that may be acknowledged.
    acknowledgements_allowed: watch::Sender<u64>,
    /// Number of frames read.
    frames_read: watch::Sender<u64>,
    /// Resync requests that are sent before the next acknowledgement, as lists of shards.
    resync_requests: Arc<Mutex<Vec<Vec<u32>>>>,
}

impl SlowSink {
    fn new() -> Self {
        Self {
            acknowledgements_allowed: watch::Sender::new(0),
            frames_read: watch::Sender::new(0),
            resync_requests: Arc::default(),
        }
    }

    async fn serve(&self) -> TestServer {
        let service = IndexServiceServer::new(self.clone());
        TestServer::start(|routes| _ = routes.add_service(service), "127.0.0.1:0").await
    }

    fn allow_acknowledgements(&self, count: u64) {
        self.acknowledgements_allowed.send_modify(|allowed| *allowed += count);
    }

    async fn reply(self, mut frames: Streaming<wire::PositionFrame>, replies: mpsc::Sender<Reply>) {
        let send = |control| replies.send(Ok(wire::PositionControl { control: Some(control) }));
        frames.message().await.unwrap();
        let reading = async {
            while let Ok(Some(_frame)) = frames.message().await {
                self.frames_read.send_modify(|count| *count += 1);
            }
        };
        let replying = async {
            let mut allowed = self.acknowledgements_allowed.subscribe();
            for number in 0.. {
                allowed.wait_for(|allowed| *allowed > number).await.unwrap();
                let resync_requests = std::mem::take(&mut *self.resync_requests.lock().unwrap());
                for shards in resync_requests {
                    let _ = send(wire::position_control::Control::Resync(wire::ShardList { shards })).await;
                }
                let _ = send(wire::position_control::Control::AppliedFrames(number)).await;
            }
        };
        tokio::join!(reading, replying);
    }
}

type Reply = Result<wire::PositionControl, Status>;

#[tonic::async_trait]
impl IndexService for SlowSink {
    type StreamPositionsStream = ReceiverStream<Reply>;

    async fn stream_positions(
        &self,
        request: Request<Streaming<wire::PositionFrame>>,
    ) -> Result<Response<Self::StreamPositionsStream>, Status> {
        let (replies, stream) = mpsc::channel(1_024);
        tokio::spawn(self.clone().reply(request.into_inner(), replies));
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn search_shards(
        &self,
        _request: Request<wire::SearchShardsRequest>,
    ) -> Result<Response<wire::SearchShardsResponse>, Status> {
        futures::future::pending().await
    }

    async fn shard_stats(
        &self,
        _request: Request<wire::ShardStatsRequest>,
    ) -> Result<Response<wire::ShardStatsResponse>, Status> {
        Err(Status::resource_exhausted("scripted"))
    }

    async fn resync(
        &self,
        _request: Request<wire::ResyncRequest>,
    ) -> Result<Response<wire::ResyncResponse>, Status> {
        Ok(Response::new(wire::ResyncResponse { shards: vec![70_000] }))
    }
}

fn frame(slot: u32) -> Frame {
    let slot_bindings = vec![SlotBinding { slot: Slot::new(slot), profile: profile(slot) }];
    Frame::Batch(Batch { slot_bindings, ..Batch::default() })
}

#[tokio::test]
async fn a_send_waits_when_too_many_frames_are_not_applied() {
    let sink = SlowSink::new();
    let server = sink.serve().await;
    let mut stream = server.index_server().open(register()).await.unwrap();
    for slot in 0..FRAMES_IN_FLIGHT_MAX {
        timeout(STEP_TIMEOUT, stream.send(frame(u32::try_from(slot).unwrap()))).await.unwrap().unwrap();
    }
    let mut frames_read = sink.frames_read.subscribe();
    let all_read = frames_read.wait_for(|count| *count == FRAMES_IN_FLIGHT_MAX);
    timeout(STEP_TIMEOUT, all_read).await.unwrap().unwrap();
    assert!(stream.send(frame(99)).now_or_never().is_none(), "one more waits");
    sink.allow_acknowledgements(1);
    timeout(STEP_TIMEOUT, stream.send(frame(100))).await.unwrap().unwrap();
    assert!(stream.flush().now_or_never().is_none(), "not everything is applied");
    sink.allow_acknowledgements(FRAMES_IN_FLIGHT_MAX);
    timeout(STEP_TIMEOUT, stream.flush()).await.unwrap().unwrap();
}

#[tokio::test]
async fn resync_requests_survive_dropped_calls_and_sends() {
    let sink = SlowSink::new();
    let server = sink.serve().await;
    let mut stream = server.index_server().open(register()).await.unwrap();
    assert!(stream.control().now_or_never().is_none());
    *sink.resync_requests.lock().unwrap() = vec![vec![3, 4], vec![4, 5]];
    stream.send(frame(0)).await.unwrap();
    sink.allow_acknowledgements(1);
    timeout(STEP_TIMEOUT, stream.flush()).await.unwrap().unwrap();
    let request = timeout(STEP_TIMEOUT, stream.control()).await.unwrap().unwrap();
    assert_eq!(request, Control::Resync(vec![ShardId(3), ShardId(4), ShardId(5)]), "merged, each once");
    assert!(stream.control().now_or_never().is_none());
}

#[tokio::test]
async fn a_batch_that_is_too_large_for_a_message_arrives_in_parts() {
    let server = serve_index_server().await;
    let mut stream = server.index_server().open(register()).await.unwrap();
    let count = 65_000;
    let slot_bindings =
        (0..count).map(|slot| SlotBinding { slot: Slot::new(slot), profile: profile(slot) }).collect();
    let batch = Batch { slot_bindings, removals: (0..count).map(Slot::new).collect(), ..Batch::default() };
    timeout(STEP_TIMEOUT, stream.send(Frame::Batch(batch))).await.unwrap().unwrap();
    timeout(STEP_TIMEOUT, stream.flush()).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_lost_connection_ends_the_stream_with_a_retryable_error() {
    let sink = SlowSink::new();
    let server = sink.serve().await;
    let mut stream = server.index_server().open(register()).await.unwrap();
    stream.send(frame(0)).await.unwrap();
    drop(server);
    let error = timeout(STEP_TIMEOUT, stream.flush()).await.unwrap().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable, "{error}");
    let error = timeout(STEP_TIMEOUT, stream.send(frame(1))).await.unwrap().unwrap_err();
    assert!(error.retryable(), "{error}");
}

#[tokio::test]
async fn errors_keep_their_code_and_a_wrong_value_is_a_mismatch() {
    let test_server = SlowSink::new().serve().await;
    let server = test_server.index_server();
    assert_eq!(server.stats().await.unwrap_err().code(), ErrorCode::Overloaded);
    let error = server.resync(vec![]).await.unwrap_err();
    assert_eq!(error.to_string(), "index-1 answered a wrong value: shards: 70000");
}

#[tokio::test]
async fn a_search_ends_at_its_deadline() {
    let server = SlowSink::new().serve().await;
    let query = kerb_ports::ShardQuery {
        extra_shards: vec![],
        shards: vec![ShardId(1)],
        search: kerb_ports::Search::Nearest {
            circle: kerb_geometry::Circle::new(kerb_ports::conformance::source::position(1), 10.0).unwrap(),
            k: 1,
        },
        filter: kerb_ports::DriverFilter::ANY,
    };
    let deadline = Instant::now() + Duration::from_millis(50);
    let result = timeout(STEP_TIMEOUT, server.index_server().search(query, deadline)).await.unwrap();
    assert_eq!(result.unwrap_err().code(), ErrorCode::DeadlineExceeded);
}

#[tokio::test]
async fn an_address_without_a_server_is_unavailable_at_once() {
    let server = Server::bind(node("x"), "127.0.0.1:0", ServerOptions::default()).await.unwrap();
    let server = server.with_internal_calls(InternalCalls::Trusted);
    let address = server.address().to_string();
    drop(server);
    let channel = connect_lazily(&address, ChannelOptions::default()).unwrap();
    let server = RemoteIndexServer::new(node("index-1"), channel);
    let error = timeout(STEP_TIMEOUT, server.open(register())).await.unwrap().err().unwrap();
    assert_eq!(error.code(), ErrorCode::Unavailable, "{error}");
}

fn probe(channels: &Channels) -> BoxFuture<'_, Result<(), String>> {
    async { timeout(STEP_TIMEOUT, channels.probe(&node("index-1"))).await.unwrap() }.boxed()
}

#[tokio::test]
async fn ports_and_probes_follow_a_changed_address() {
    let first = serve_index_server().await;
    let membership = TestMembership::new(Some(&first.address));
    let channels = Arc::new(Channels::new(membership.watch(), ChannelOptions::default()));
    let peers = RemotePeers::new(Arc::clone(&channels));
    let count = async |peers: &RemotePeers| {
        let server = peers.index_server(&node("index-1")).unwrap();
        timeout(STEP_TIMEOUT, server.stats()).await.unwrap().map(|stats| stats.len())
    };
    assert_eq!(count(&peers).await, Ok(usize::from(SHARDS)));
    assert_eq!(probe(&channels).await, Ok(()));

    let second = serve_index_server().await;
    drop(first);
    assert!(probe(&channels).await.is_err());
    membership.0.send_replace(TestMembership::new(Some(&second.address)).0.borrow().clone());
    assert_eq!(probe(&channels).await, Ok(()));
    assert_eq!(count(&peers).await, Ok(usize::from(SHARDS)));

    // The same channel reconnects to a server that restarts at the same address.
    let address = second.address.clone();
    drop(second);
    assert!(probe(&channels).await.is_err());
    let _third = TestServer::start(|_| {}, &address).await;
    assert_eq!(probe(&channels).await, Ok(()));

    membership.0.send_replace(TestMembership::new(None).0.borrow().clone());
    assert!(peers.index_server(&node("index-1")).is_none(), "no address");
    assert!(peers.index_server(&node("nobody")).is_none());
    assert!(peers.ingest_node(&node("nobody")).is_none());
}
