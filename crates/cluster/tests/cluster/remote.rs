//! The remote ports: connections, sessions with a slow sink, and nodes that go away.

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
    Batch, Control, ErrorCode, Frame, IndexServer, Membership, Peers, PositionSink, SlotBinding,
    SourceRegistration,
};
use kerb_proto::internal::v1 as wire;
use kerb_proto::internal::v1::index_service_server::{IndexService, IndexServiceServer};
use kerb_transport::connect_lazily;
use kerb_transport::{ChannelOptions, Channels, Server, ServerOptions};
use kerb_types::{Catalog, ManualClock, MembershipView, Node, NodeId, Role, ShardId, ShardMap};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::{Routes, RoutesBuilder};
use tonic::{Request, Response, Status, Streaming};

const SOON: Duration = Duration::from_secs(20);

pub(crate) fn node(id: &str) -> NodeId {
    NodeId::new(id).unwrap()
}

/// A gRPC server on a random port; dropped, it is cut.
pub(crate) struct Served {
    pub(crate) address: String,
    _stop: oneshot::Sender<()>,
    _task: tokio_util::task::AbortOnDropHandle<()>,
}

impl Served {
    pub(crate) async fn start(build: impl FnOnce(&mut RoutesBuilder), at: &str) -> Self {
        let server = Server::bind(node("index-1"), at, ServerOptions::default()).await.unwrap();
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

/// One index server that holds every shard, and the suite's ingest nodes.
struct Listed(watch::Sender<Arc<MembershipView>>);

impl Listed {
    fn new(address: Option<&str>) -> Self {
        let of = |id: &str, role, address: Option<&str>| Node {
            id: node(id),
            roles: vec![role],
            address: address.map(str::to_owned),
            live: true,
        };
        let mut nodes: Vec<_> = SOURCES.iter().map(|id| of(id, Role::LocationIngest, None)).collect();
        nodes.push(of("index-1", Role::IndexServer, address));
        nodes.sort_by(|a, b| a.id.cmp(&b.id));
        let shard_map = Arc::new(ShardMap::place(SHARDS, 1, &[node("index-1")]));
        Self(watch::Sender::new(Arc::new(MembershipView { nodes, shard_map })))
    }
}

impl Membership for Listed {
    fn watch(&self) -> watch::Receiver<Arc<MembershipView>> {
        self.0.subscribe()
    }
}

pub(crate) async fn serve_index_server() -> Served {
    let ports = Ports {
        node: node("index-1"),
        sharding: sharding(),
        catalog: Catalog::default(),
        membership: Arc::new(Listed::new(None)),
        clock: Arc::new(ManualClock::new(NOW_MS)),
    };
    let server = kerb_index_server::IndexServer::start(&Options::default(), ports).await.unwrap();
    let add = |routes: &mut RoutesBuilder| _ = routes.add_service(grpc::service(server));
    Served::start(add, "127.0.0.1:0").await
}

fn register() -> SourceRegistration {
    let settings_fingerprint = sharding().fingerprint(&Catalog::default());
    SourceRegistration { node: node(SOURCES[0]), settings_fingerprint }
}

/// A server whose sink takes every frame and says that it is applied only when it is allowed to, and that is silent
/// to everything else.
#[derive(Clone)]
struct SlowSink {
    allowed: Arc<Semaphore>,
    taken: watch::Sender<u64>,
    /// Sent down before the next acknowledgement.
    wishes: Arc<Mutex<Vec<Vec<u32>>>>,
}

impl SlowSink {
    fn new() -> Self {
        Self { allowed: Arc::new(Semaphore::new(0)), taken: watch::Sender::new(0), wishes: Arc::default() }
    }

    async fn serve(&self) -> Served {
        let service = IndexServiceServer::new(self.clone());
        Served::start(|routes| _ = routes.add_service(service), "127.0.0.1:0").await
    }

    async fn reply(self, mut frames: Streaming<wire::PositionFrame>, replies: mpsc::Sender<Reply>) {
        let send = |control| replies.send(Ok(wire::PositionControl { control: Some(control) }));
        frames.message().await.unwrap();
        let reading = async {
            while let Ok(Some(_frame)) = frames.message().await {
                self.taken.send_modify(|taken| *taken += 1);
            }
        };
        let replying = async {
            for number in 0.. {
                self.allowed.acquire().await.unwrap().forget();
                let wishes = std::mem::take(&mut *self.wishes.lock().unwrap());
                for shards in wishes {
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
    let slot_bindings = vec![SlotBinding { slot, profile: profile(slot) }];
    Frame::Batch(Batch { slot_bindings, ..Batch::default() })
}

#[tokio::test]
async fn a_sink_that_does_not_apply_holds_the_sender_at_the_bound() {
    let sink = SlowSink::new();
    let served = sink.serve().await;
    let mut session = served.index_server().open(register()).await.unwrap();
    for slot in 0..FRAMES_IN_FLIGHT_MAX {
        timeout(SOON, session.send(frame(slot as u32))).await.unwrap().unwrap();
    }
    let mut taken = sink.taken.subscribe();
    timeout(SOON, taken.wait_for(|taken| *taken == FRAMES_IN_FLIGHT_MAX)).await.unwrap().unwrap();
    assert!(session.send(frame(99)).now_or_never().is_none(), "one more waits");
    sink.allowed.add_permits(1);
    timeout(SOON, session.send(frame(100))).await.unwrap().unwrap();
    assert!(session.flush().now_or_never().is_none(), "not everything is applied");
    sink.allowed.add_permits(FRAMES_IN_FLIGHT_MAX as usize);
    timeout(SOON, session.flush()).await.unwrap().unwrap();
}

#[tokio::test]
async fn wishes_outlive_dropped_calls_and_sends() {
    let sink = SlowSink::new();
    let served = sink.serve().await;
    let mut session = served.index_server().open(register()).await.unwrap();
    assert!(session.control().now_or_never().is_none());
    *sink.wishes.lock().unwrap() = vec![vec![3, 4], vec![4, 5]];
    session.send(frame(0)).await.unwrap();
    sink.allowed.add_permits(1);
    timeout(SOON, session.flush()).await.unwrap().unwrap();
    let wish = timeout(SOON, session.control()).await.unwrap().unwrap();
    assert_eq!(wish, Control::Resync(vec![ShardId(3), ShardId(4), ShardId(5)]), "merged, each once");
    assert!(session.control().now_or_never().is_none());
}

#[tokio::test]
async fn a_batch_too_large_for_a_message_arrives_in_parts() {
    let served = serve_index_server().await;
    let mut session = served.index_server().open(register()).await.unwrap();
    let count = 65_000;
    let slot_bindings = (0..count).map(|slot| SlotBinding { slot, profile: profile(slot) }).collect();
    let batch = Batch { slot_bindings, removals: (0..count).collect(), ..Batch::default() };
    timeout(SOON, session.send(Frame::Batch(batch))).await.unwrap().unwrap();
    timeout(SOON, session.flush()).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_cut_connection_ends_the_session_with_a_retryable_error() {
    let sink = SlowSink::new();
    let served = sink.serve().await;
    let mut session = served.index_server().open(register()).await.unwrap();
    session.send(frame(0)).await.unwrap();
    drop(served);
    let error = timeout(SOON, session.flush()).await.unwrap().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable, "{error}");
    let error = timeout(SOON, session.send(frame(1))).await.unwrap().unwrap_err();
    assert!(error.retryable(), "{error}");
}

#[tokio::test]
async fn errors_keep_their_kind_and_a_wrong_value_is_a_mismatch() {
    let served = SlowSink::new().serve().await;
    let server = served.index_server();
    assert_eq!(server.stats().await.unwrap_err().code(), ErrorCode::Overloaded);
    let error = server.resync(vec![]).await.unwrap_err();
    assert_eq!(error.to_string(), "index-1 answered a wrong value: shards: 70000");
}

#[tokio::test]
async fn a_search_ends_at_its_deadline() {
    let served = SlowSink::new().serve().await;
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
    let answer = timeout(SOON, served.index_server().search(query, deadline)).await.unwrap();
    assert_eq!(answer.unwrap_err().code(), ErrorCode::DeadlineExceeded);
}

#[tokio::test]
async fn nobody_at_the_address_is_unavailable_at_once() {
    let server = Server::bind(node("x"), "127.0.0.1:0", ServerOptions::default()).await.unwrap();
    let address = server.address().to_string();
    drop(server);
    let channel = connect_lazily(&address, ChannelOptions::default()).unwrap();
    let server = RemoteIndexServer::new(node("index-1"), channel);
    let error = timeout(SOON, server.open(register())).await.unwrap().err().unwrap();
    assert_eq!(error.code(), ErrorCode::Unavailable, "{error}");
}

fn probe(channels: &Channels) -> BoxFuture<'_, Result<(), String>> {
    async { timeout(SOON, channels.probe(&node("index-1"))).await.unwrap() }.boxed()
}

#[tokio::test]
async fn peers_follow_the_address_and_probes_see_what_is_there() {
    let first = serve_index_server().await;
    let listed = Listed::new(Some(&first.address));
    let channels = Arc::new(Channels::new(listed.watch(), ChannelOptions::default()));
    let peers = RemotePeers::new(Arc::clone(&channels));
    let count = async |peers: &RemotePeers| {
        let server = peers.index_server(&node("index-1")).unwrap();
        timeout(SOON, server.stats()).await.unwrap().map(|stats| stats.len())
    };
    assert_eq!(count(&peers).await, Ok(usize::from(SHARDS)));
    assert_eq!(probe(&channels).await, Ok(()));

    let second = serve_index_server().await;
    drop(first);
    assert!(probe(&channels).await.is_err());
    listed.0.send_replace(Listed::new(Some(&second.address)).0.borrow().clone());
    assert_eq!(probe(&channels).await, Ok(()));
    assert_eq!(count(&peers).await, Ok(usize::from(SHARDS)));

    // The same channel finds a server that comes back at the same address.
    let address = second.address.clone();
    drop(second);
    assert!(probe(&channels).await.is_err());
    let _third = Served::start(|_| {}, &address).await;
    assert_eq!(probe(&channels).await, Ok(()));

    listed.0.send_replace(Listed::new(None).0.borrow().clone());
    assert!(peers.index_server(&node("index-1")).is_none(), "no address");
    assert!(peers.index_server(&node("nobody")).is_none());
    assert!(peers.ingest_node(&node("nobody")).is_none());
}
