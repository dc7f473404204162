//! Runs the conformance suite of index servers against the server in this process.

use std::sync::Arc;

use kerb_index_server::{IndexServer, Options, Ports};
use kerb_ports::conformance::source::{NOW_MS, SHARDS, SOURCES, sharding};
use kerb_ports::{IndexServer as Port, Membership};
use kerb_types::{Catalog, ManualClock, MembershipView, Node, NodeId, Role, ShardMap};
use tokio::sync::watch;

/// A membership whose view the test sets.
pub(crate) struct TestMembership(pub(crate) watch::Sender<Arc<MembershipView>>);

impl Membership for TestMembership {
    fn watch(&self) -> watch::Receiver<Arc<MembershipView>> {
        self.0.subscribe()
    }
}

/// The view of a cluster with these index servers and the suite's ingest nodes. The ingest nodes in `live` are live.
pub(crate) fn view(servers: &[&str], live: &[&str]) -> Arc<MembershipView> {
    let id = |name: &str| NodeId::new(name).unwrap();
    let node = |name: &str, role, live| Node { id: id(name), roles: vec![role], address: None, live };
    let ids: Vec<_> = servers.iter().map(|name| id(name)).collect();
    let mut nodes: Vec<_> = servers.iter().map(|name| node(name, Role::IndexServer, true)).collect();
    nodes.extend(SOURCES.iter().map(|name| node(name, Role::LocationIngest, live.contains(name))));
    Arc::new(MembershipView { nodes, shard_map: Arc::new(ShardMap::place(SHARDS, 1, &ids)) })
}

/// Starts the server `index-a`.
pub(crate) async fn start(membership: Arc<TestMembership>, clock: Arc<ManualClock>) -> IndexServer {
    let ports = Ports {
        node: NodeId::new("index-a").unwrap(),
        sharding: sharding(),
        catalog: Catalog::default(),
        membership,
        clock,
    };
    let options = Options { drivers_max: 100_000, ..Options::default() };
    IndexServer::start(&options, ports).await.unwrap()
}

async fn embedded() -> (Arc<dyn Port>, ()) {
    let membership = Arc::new(TestMembership(watch::Sender::new(view(&["index-a"], &SOURCES))));
    let server = start(membership, Arc::new(ManualClock::new(NOW_MS))).await;
    (Arc::new(server), ())
}

kerb_ports::index_server_conformance!(embedded);
