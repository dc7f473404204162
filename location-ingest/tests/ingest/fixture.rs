//! A node under test, with fake index servers, a manual clock, and gRPC on a free port.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::task::Spawn;
use kerb_geometry::LatLng;
use kerb_location_ingest::{DriverTable, HANDOVER_MS, LocationIngest, Options, Ports};
use kerb_ports::{DriverEvents, IndexServer, IngestNode, Membership, Peers, Slot};
use kerb_proto::convert::Report;
use kerb_types::{
    Catalog, Clock, DriverId, DriverProfile, ManualClock, MembershipView, Millis, Motion, Node, NodeId,
    Partitioning, Role, ShardMap, Sharding, Timestamp, UpdateVersion, VehicleClass,
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

use crate::fake_index::{FakeServer, Handle, IndexedDriver};

pub(crate) const NOW_MS: Timestamp = Timestamp::from_millis(1_800_000_000_000);
/// A timeout that a working node never reaches.
pub(crate) const TIMEOUT: Duration = Duration::from_mins(1);

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

/// Positions that spread over all shards.
pub(crate) fn place(i: u64) -> LatLng {
    LatLng::new(50.0 + (i % 40) as f64 * 0.06, 8.0 + (i / 40 % 40) as f64 * 0.1).unwrap()
}

pub(crate) fn report(place: LatLng, sequence: u64, time: Timestamp) -> Report {
    let update_version = UpdateVersion { sequence, time };
    Report { position: place, update_version, motion: Motion::NONE, accuracy_dm: 0, status: None }
}

/// Returns what index servers with these shards must hold of a table.
pub(crate) fn searchable(
    table: &DriverTable,
    expired_before_ms: Timestamp,
    holds: impl Fn(kerb_types::ShardId) -> bool,
) -> BTreeMap<DriverId, IndexedDriver> {
    let driver = |slot: Slot| {
        let (profile, state) = (table.profile(slot)?, table.state(slot)?);
        let shard = table.sharding().shard_of(&profile.id, state.position);
        assert_eq!(shard, state.shard, "an entry has the shard of its position");
        let indexed = state.indexed && state.update_version.time > expired_before_ms && holds(shard);
        let class = profile.vehicle_class;
        let driver = IndexedDriver {
            shard,
            position: state.position,
            update_version: state.update_version,
            status: table.indexed_status(slot, state.status)?,
            class,
        };
        indexed.then(|| (profile.id.clone(), driver))
    };
    (0..table.slots_end().get()).map(Slot::new).filter_map(driver).collect()
}

/// Lets other tasks run until the condition holds. It does not wait for time to pass.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let waited = timeout(TIMEOUT, async {
        while !condition() {
            yield_now().await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("not within {TIMEOUT:?}: {what}"));
}

pub(crate) async fn in_time<T>(what: &str, work: impl Future<Output = T>) -> T {
    timeout(TIMEOUT, work).await.unwrap_or_else(|_| panic!("not within {TIMEOUT:?}: {what}"))
}

/// Panics with the differences of two indexes.
pub(crate) fn assert_same(
    what: &str,
    found: &BTreeMap<DriverId, IndexedDriver>,
    wanted: &BTreeMap<DriverId, IndexedDriver>,
) {
    let differ = |id: &&DriverId| found.get(*id) != wanted.get(*id);
    let ids: std::collections::BTreeSet<_> = found.keys().chain(wanted.keys()).filter(differ).collect();
    let first: Vec<_> = ids.iter().take(3).map(|id| (id, found.get(*id), wanted.get(*id))).collect();
    assert!(ids.is_empty(), "{what}: {} drivers differ, first (found, wanted): {first:#?}", ids.len());
}

/// A cluster of fake index servers, with its membership view.
pub(crate) struct Cluster {
    servers: Mutex<BTreeMap<NodeId, Arc<FakeServer>>>,
    view: watch::Sender<Arc<MembershipView>>,
    matcher: Mutex<Option<Arc<dyn DriverEvents>>>,
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
        Arc::new(Self { servers, view, matcher: Mutex::default(), clock: Arc::new(ManualClock::new(NOW_MS)) })
    }

    /// Adds a matcher to the view.
    pub(crate) fn set_matcher(&self, matcher: Arc<dyn DriverEvents>) {
        *self.matcher.lock() = Some(matcher);
        let matcher = Node { id: node("matcher"), roles: vec![Role::Matcher], address: None, live: true };
        self.view.send_modify(|view| Arc::make_mut(view).nodes = vec![matcher]);
    }

    pub(crate) fn server(&self, name: &str) -> Arc<FakeServer> {
        self.servers.lock()[&node(name)].clone()
    }

    /// Replaces the index servers of the view.
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

    /// Asserts that every server holds exactly the table's drivers of its shards.
    pub(crate) fn assert_equals(&self, table: &DriverTable, position_ttl_ms: Millis) {
        let map = self.view.borrow().shard_map.clone();
        for (id, server) in self.servers.lock().iter() {
            let shards = map.shards_of(id);
            let expired_before_ms = self.clock.now() - position_ttl_ms;
            let wanted = searchable(table, expired_before_ms, |shard| shards.contains(&shard));
            assert_same(&format!("server {id}"), &server.content(), &wanted);
        }
    }

    /// Waits until the servers have got everything, and ends all handovers.
    pub(crate) async fn settle(&self, nodes: &[&LocationIngest]) {
        for advance_ms in [0, 1, 1, 1, HANDOVER_MS.get()] {
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
            membership: Arc::new(SharedCluster(self.clone())),
            peers: Arc::new(SharedCluster(self.clone())),
            seed: 1,
        }
    }

    pub(crate) async fn start(self: &Arc<Self>, name: &str, options: Options) -> LocationIngest {
        LocationIngest::start(options, self.ports(name)).await.unwrap()
    }
}

struct SharedCluster(Arc<Cluster>);

impl Membership for SharedCluster {
    fn watch(&self) -> watch::Receiver<Arc<MembershipView>> {
        self.0.view.subscribe()
    }
}

impl Peers for SharedCluster {
    fn index_server(&self, node: &NodeId) -> Option<Arc<dyn IndexServer>> {
        let server = self.0.servers.lock().get(node).cloned();
        server.map(|server| Arc::new(Handle(server)) as Arc<dyn IndexServer>)
    }

    fn ingest_node(&self, _: &NodeId) -> Option<Arc<dyn IngestNode>> {
        None
    }

    fn matcher(&self, id: &NodeId) -> Option<Arc<dyn DriverEvents>> {
        self.0.matcher.lock().clone().filter(|_| *id == node("matcher"))
    }
}

/// Options without rate limits and with short intervals.
pub(crate) fn options() -> Options {
    Options { driver_updates_per_s: 0, batch_interval_ms: 1, reconnect_max_ms: 20, ..Options::default() }
}

/// Serves a node on a free port. Returns a channel to it.
pub(crate) async fn serve(ingest: &LocationIngest) -> Channel {
    serve_with_spawner(ingest, None).await
}

/// Serves a node as [`serve`] does; streams run on `spawner`.
pub(crate) async fn serve_with_spawner(
    ingest: &LocationIngest,
    spawner: Option<Arc<dyn Spawn + Send + Sync>>,
) -> Channel {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let grpc = ingest.grpc();
    let extend = move |mut request: Request<()>| {
        if let Some(spawner) = spawner.clone() {
            request.extensions_mut().insert(spawner);
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
    // A small window: a client that does not read stalls its stream after a few messages.
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    endpoint.initial_stream_window_size(2_048).connect().await.unwrap()
}
