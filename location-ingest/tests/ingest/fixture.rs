//! A node under test: fake index servers, a clock by hand, real gRPC on a free port.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::task::Spawn;
use kerb_geometry::LatLng;
use kerb_location_ingest::{DriverTable, HANDOVER_MS, LocationIngest, Options, Ports};
use kerb_ports::{DriverEvents, IndexServer, IngestNode, Membership, Peers, Slot};
use kerb_proto::convert::Report;
use kerb_types::{
    Catalog, Clock, DriverId, DriverProfile, ManualClock, MembershipView, Motion, Node, NodeId, Partitioning,
    Role, ShardMap, Sharding, UpdateVersion, VehicleClass,
};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::timeout;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::Request;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint, Server};

use crate::fake::{FakeServer, Handle, Seen};

pub(crate) const NOW_MS: i64 = 1_800_000_000_000;
/// A limit that a working node never meets.
pub(crate) const SOON: Duration = Duration::from_mins(1);

pub(crate) fn sharding() -> Sharding {
    Sharding::new(16, Partitioning::Tile).unwrap()
}

pub(crate) fn node(name: &str) -> NodeId {
    NodeId::new(name).unwrap()
}

pub(crate) fn id(name: &str) -> DriverId {
    DriverId::new(name).unwrap()
}

pub(crate) fn profile(i: usize) -> DriverProfile {
    DriverProfile {
        id: id(&format!("driver-{i}")),
        vehicle_class: VehicleClass((i % 3) as u8),
        capabilities: kerb_types::Capabilities(0),
    }
}

/// Places that fall into all shards.
pub(crate) fn place(i: u64) -> LatLng {
    LatLng::new(50.0 + (i % 40) as f64 * 0.06, 8.0 + (i / 40 % 40) as f64 * 0.1).unwrap()
}

pub(crate) fn report(place: LatLng, sequence: u64, time_ms: i64) -> Report {
    let update_version = UpdateVersion { sequence, time_ms };
    Report { position: place, update_version, motion: Motion::NONE, accuracy_dm: 0, status: None }
}

/// What index servers with these shards must hold of a table.
pub(crate) fn searchable(
    table: &DriverTable,
    gone_before_ms: i64,
    holds: impl Fn(kerb_types::ShardId) -> bool,
) -> BTreeMap<DriverId, Seen> {
    let seen = |slot: Slot| {
        let (profile, state) = (table.profile(slot)?, table.state(slot)?);
        let shard = table.sharding().shard_of(&profile.id, state.position);
        assert_eq!(shard, state.shard, "an entry knows its shard");
        let listed = state.listed && state.update_version.time_ms > gone_before_ms && holds(shard);
        let class = profile.vehicle_class;
        let seen = Seen {
            shard,
            position: state.position,
            update_version: state.update_version,
            status: state.status,
            class,
        };
        listed.then(|| (profile.id.clone(), seen))
    };
    (0..table.slots_end()).filter_map(seen).collect()
}

/// Looks again and again until the condition holds. Time does not pass for it: the tasks do.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let waited = timeout(SOON, async {
        while !condition() {
            yield_now().await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("not within {SOON:?}: {what}"));
}

pub(crate) async fn in_time<T>(what: &str, work: impl Future<Output = T>) -> T {
    timeout(SOON, work).await.unwrap_or_else(|_| panic!("not within {SOON:?}: {what}"))
}

/// Panics with the differences alone.
pub(crate) fn assert_same(what: &str, found: &BTreeMap<DriverId, Seen>, wanted: &BTreeMap<DriverId, Seen>) {
    let differ = |id: &&DriverId| found.get(*id) != wanted.get(*id);
    let ids: std::collections::BTreeSet<_> = found.keys().chain(wanted.keys()).filter(differ).collect();
    let first: Vec<_> = ids.iter().take(3).map(|id| (id, found.get(*id), wanted.get(*id))).collect();
    assert!(ids.is_empty(), "{what}: {} drivers differ, first (found, wanted): {first:#?}", ids.len());
}

/// Index servers and the view that names them.
pub(crate) struct Cluster {
    servers: Mutex<BTreeMap<NodeId, Arc<FakeServer>>>,
    view: watch::Sender<Arc<MembershipView>>,
    desk: Mutex<Option<Arc<dyn DriverEvents>>>,
    pub(crate) clock: Arc<ManualClock>,
}

impl Cluster {
    pub(crate) fn new(names: &[&str], replicas: usize) -> Arc<Self> {
        let map = Arc::new(ShardMap::place(
            sharding().shards(),
            replicas,
            &names.iter().map(|n| node(n)).collect::<Vec<_>>(),
        ));
        let server = |name: &&str| (node(name), FakeServer::new(&node(name), map.shards_of(&node(name))));
        let servers = Mutex::new(names.iter().map(server).collect());
        let view = watch::channel(Arc::new(MembershipView { nodes: Vec::new(), shard_map: map })).0;
        Arc::new(Self { servers, view, desk: Mutex::default(), clock: Arc::new(ManualClock::new(NOW_MS)) })
    }

    /// A matcher from now on.
    pub(crate) fn set_desk(&self, desk: Arc<dyn DriverEvents>) {
        *self.desk.lock() = Some(desk);
        let matcher = Node { id: node("matcher"), roles: vec![Role::Matcher], address: None, live: true };
        self.view.send_modify(|view| Arc::make_mut(view).nodes = vec![matcher]);
    }

    pub(crate) fn server(&self, name: &str) -> Arc<FakeServer> {
        self.servers.lock()[&node(name)].clone()
    }

    /// Other index servers from now on.
    pub(crate) fn change(&self, names: &[&str], replicas: usize) {
        let ids: Vec<_> = names.iter().map(|name| node(name)).collect();
        let shard_map = Arc::new(ShardMap::place(sharding().shards(), replicas, &ids));
        let mut servers = self.servers.lock();
        servers.retain(|id, _| ids.contains(id));
        for id in &ids {
            let server = servers.entry(id.clone()).or_insert_with(|| FakeServer::new(id, []));
            server.index.lock().hold(shard_map.shards_of(id));
        }
        drop(servers);
        self.view.send_replace(Arc::new(MembershipView { nodes: Vec::new(), shard_map }));
    }

    /// Every server holds exactly what the table says that its shards hold.
    pub(crate) fn assert_equals(&self, table: &DriverTable, position_ttl_ms: i64) {
        let map = self.view.borrow().shard_map.clone();
        for (id, server) in self.servers.lock().iter() {
            let shards = map.shards_of(id);
            let gone_before_ms = self.clock.now_ms() - position_ttl_ms;
            let wanted = searchable(table, gone_before_ms, |shard| shards.contains(&shard));
            assert_same(&format!("server {id}"), &server.content(), &wanted);
        }
    }

    /// The servers have been told everything, and handovers are over.
    pub(crate) async fn settle(&self, nodes: &[&LocationIngest]) {
        for advance_ms in [0, 1, 1, 1, HANDOVER_MS] {
            self.clock.advance(advance_ms);
            for ingest in nodes {
                assert!(ingest.settle(30_000).await);
            }
        }
    }

    pub(crate) fn ports(self: &Arc<Self>, name: &str) -> Ports {
        Ports {
            node: node(name),
            catalog: Arc::new(Catalog::default()),
            sharding: sharding(),
            clock: self.clock.clone(),
            membership: Arc::new(Shared(self.clone())),
            peers: Arc::new(Shared(self.clone())),
            seed: 1,
        }
    }

    pub(crate) async fn start(self: &Arc<Self>, name: &str, options: Options) -> LocationIngest {
        LocationIngest::start(options, self.ports(name)).await.unwrap()
    }
}

struct Shared(Arc<Cluster>);

impl Membership for Shared {
    fn watch(&self) -> watch::Receiver<Arc<MembershipView>> {
        self.0.view.subscribe()
    }
}

impl Peers for Shared {
    fn index_server(&self, node: &NodeId) -> Option<Arc<dyn IndexServer>> {
        let server = self.0.servers.lock().get(node).cloned();
        server.map(|server| Arc::new(Handle(server)) as Arc<dyn IndexServer>)
    }

    fn ingest_node(&self, _: &NodeId) -> Option<Arc<dyn IngestNode>> {
        None
    }

    fn matcher(&self, id: &NodeId) -> Option<Arc<dyn DriverEvents>> {
        self.0.desk.lock().clone().filter(|_| *id == node("matcher"))
    }
}

/// Options without a limit on rates and with quick ticks.
pub(crate) fn options() -> Options {
    Options { driver_updates_per_s: 0, batch_interval_ms: 1, reconnect_max_ms: 20, ..Options::default() }
}

/// Serves a node on a free port; answers a channel to it.
pub(crate) async fn serve(ingest: &LocationIngest) -> Channel {
    serve_beside(ingest, None).await
}

/// As [`serve`]; streams run where the server says.
pub(crate) async fn serve_beside(
    ingest: &LocationIngest,
    beside: Option<Arc<dyn Spawn + Send + Sync>>,
) -> Channel {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let grpc = ingest.grpc();
    let extend = move |mut request: Request<()>| {
        if let Some(beside) = beside.clone() {
            request.extensions_mut().insert(beside);
        }
        Ok(request)
    };
    let server = Server::builder()
        .initial_connection_window_size((1 << 31) - 1)
        .initial_stream_window_size(1 << 20)
        .add_service(InterceptedService::new(grpc.driver_service(), extend))
        .add_service(grpc.fleet_service())
        .add_service(grpc.ingest_service());
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    // A small window: a client that does not read is felt after a few messages.
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    endpoint.initial_stream_window_size(2_048).connect().await.unwrap()
}
