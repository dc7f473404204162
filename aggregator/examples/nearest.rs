//! One nearest search over two index servers in this process: `cargo run -p kerb-aggregator --example nearest`.
//!
//! The aggregator reaches the servers through its ports only, exactly as it reaches remote ones.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use kerb_aggregator::{Aggregator, Options, Ports, Query};
use kerb_geometry::{Circle, LatLng, hav_to_m};
use kerb_ports::conformance::source::{NOW_MS, SOURCES, Source, sharding, update};
use kerb_ports::conformance::travel_times::TwoBanks;
use kerb_ports::{DriverEvents, IndexServer, IngestNode, Membership, Peers, Search};
use kerb_types::{Catalog, ManualClock, MembershipView, Node, NodeId, Role, ShardMap};
use tokio::sync::watch;
use tokio::time::Instant;

/// Drivers in the example, each 110 m north of the one before.
const DRIVERS: u32 = 50;

/// The cluster: its membership, and the index servers by id.
struct Cluster {
    view: watch::Sender<Arc<MembershipView>>,
    servers: OnceLock<HashMap<NodeId, Arc<dyn IndexServer>>>,
}

impl Membership for Cluster {
    fn watch(&self) -> watch::Receiver<Arc<MembershipView>> {
        self.view.subscribe()
    }
}

impl Peers for Cluster {
    fn index_server(&self, id: &NodeId) -> Option<Arc<dyn IndexServer>> {
        self.servers.get()?.get(id).cloned()
    }

    fn ingest_node(&self, _: &NodeId) -> Option<Arc<dyn IngestNode>> {
        None
    }

    fn matcher(&self, _: &NodeId) -> Option<Arc<dyn DriverEvents>> {
        None
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // Membership: two index servers, and the source of the positions.
    let names = [NodeId::new("index-0")?, NodeId::new("index-1")?];
    let node = |id: &NodeId, role| Node { id: id.clone(), roles: vec![role], address: None, live: true };
    let mut nodes: Vec<_> = names.iter().map(|id| node(id, Role::IndexServer)).collect();
    nodes.push(node(&NodeId::new(SOURCES[0])?, Role::LocationIngest));
    let shard_map = Arc::new(ShardMap::place(sharding().shards(), 1, &names));
    let view = watch::Sender::new(Arc::new(MembershipView { nodes, shard_map }));
    let cluster = Arc::new(Cluster { view, servers: OnceLock::new() });
    let clock = Arc::new(ManualClock::new(NOW_MS));

    // Index servers, filled through their port. Each one takes the shards that the map assigns to it.
    let center = LatLng::new(52.52, 13.405)?;
    let position = |number: u32| LatLng::new(center.lat_deg() + f64::from(number) * 1e-3, center.lon_deg());
    let updates =
        (0..DRIVERS).map(|n| Ok(update(n, position(n)?, 1))).collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    let (mut servers, mut sources) = (HashMap::new(), Vec::new());
    for name in &names {
        let ports = kerb_index_server::Ports {
            node: name.clone(),
            sharding: sharding(),
            catalog: Catalog::default(),
            membership: cluster.clone(),
            clock: clock.clone(),
        };
        let options = kerb_index_server::Options::default();
        let server: Arc<dyn IndexServer> =
            Arc::new(kerb_index_server::IndexServer::start(&options, ports).await?);
        sources.push(Source::open_with(&server, 0, &updates).await);
        servers.insert(name.clone(), server);
    }
    cluster.servers.set(servers).map_err(|_already| "the servers are set once")?;

    // The aggregator, and one search through it.
    let times = Arc::new(TwoBanks { bridge_s: 0 });
    let ports = Ports { membership: cluster.clone(), peers: cluster, clock, times };
    let aggregator = Aggregator::new(Options::default(), sharding(), Catalog::default(), ports)?;
    let search = Search::Nearest { circle: Circle::new(center, 5_000.0)?, k: 5 };
    let deadline = Instant::now() + Duration::from_millis(200);
    let result = aggregator.find(Query::any(search, 15_000), deadline).await?;
    for neighbor in &result.neighbors {
        println!("{:>6.0} m  {}", hav_to_m(neighbor.hav), neighbor.profile.id);
    }
    println!("{} of {} shards answered", result.coverage.answered(), result.coverage.searched);
    assert!(result.neighbors.len() == 5 && result.coverage.is_complete(), "all five drivers are found");
    Ok(())
}
