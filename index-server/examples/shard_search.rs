//! An index server in this process: `cargo run -p kerb-index-server --example shard_search`.
//!
//! An ingest node registers, sends a snapshot with three drivers, and a search finds the two nearest.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use kerb_geometry::{Circle, LatLng, hav_to_m};
use kerb_index_server::{IndexServer, Options, Ports};
use kerb_ports::{
    Batch, DriverFilter, Frame, Membership, PositionSink, Search, ShardQuery, ShardSearch, Slot, SlotBinding,
    SourceRegistration, Update,
};
use kerb_types::{
    Capabilities, Catalog, DriverId, DriverProfile, IndexedStatus, ManualClock, MembershipView, Motion, Node,
    NodeId, Role, ShardMap, Sharding, Timestamp, UpdateVersion, VehicleClass,
};
use tokio::sync::watch;
use tokio::time::Instant;

const NOW_MS: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// A membership that never changes.
struct FixedMembership(watch::Sender<Arc<MembershipView>>);

impl Membership for FixedMembership {
    fn watch(&self) -> watch::Receiver<Arc<MembershipView>> {
        self.0.subscribe()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // An index server that holds all shards, and one ingest node that fills it.
    let (server_id, ingest_id) = (NodeId::new("index-0")?, NodeId::new("ingest-0")?);
    let node = |id: &NodeId, role| Node { id: id.clone(), roles: vec![role], address: None, live: true };
    let nodes = vec![node(&server_id, Role::IndexServer), node(&ingest_id, Role::LocationIngest)];
    let sharding = Sharding::default();
    let shard_map = Arc::new(ShardMap::place(sharding.shards(), 1, std::slice::from_ref(&server_id)));
    let view = Arc::new(MembershipView { nodes, shard_map });
    let catalog = Catalog::default();
    let settings_fingerprint = sharding.fingerprint(&catalog);
    let ports = Ports {
        node: server_id,
        sharding,
        catalog,
        membership: Arc::new(FixedMembership(watch::Sender::new(view))),
        clock: Arc::new(ManualClock::new(NOW_MS)),
    };
    let server = IndexServer::start(&Options::default(), ports).await?;

    // The snapshot: slot bindings name the drivers, updates name the slots. Drivers are 110 m apart.
    let center = LatLng::new(52.52, 13.405)?;
    let mut batch = Batch::default();
    for slot in 0..3 {
        let id = DriverId::new(&format!("driver-{slot}"))?;
        let position = LatLng::new(center.lat_deg() + f64::from(slot) * 1e-3, center.lon_deg())?;
        batch.updates.push(Update {
            slot: Slot::new(slot),
            shard: sharding.shard_of(&id, position),
            position,
            update_version: UpdateVersion { sequence: 1, time: NOW_MS },
            motion: Motion::NONE,
            status: IndexedStatus::Available,
        });
        let (vehicle_class, capabilities) = (VehicleClass(0), Capabilities(0));
        let profile = Arc::new(DriverProfile { id, vehicle_class, capabilities });
        batch.slot_bindings.push(SlotBinding { slot: Slot::new(slot), profile });
    }
    let mut stream = server.open(SourceRegistration { node: ingest_id, settings_fingerprint }).await?;
    stream.send(Frame::SnapshotBegin { round: 1, shards: sharding.all().collect() }).await?;
    stream.send(Frame::Batch(batch)).await?;
    stream.send(Frame::SnapshotEnd { round: 1 }).await?;

    // A search names its shards. An aggregator derives them from the area.
    let search = Search::Nearest { circle: Circle::new(center, 5_000.0)?, k: 2 };
    let shards = sharding.shards_for(&search.area());
    let query = ShardQuery { shards, extra_shards: vec![], search, filter: DriverFilter::ANY };
    let result = server.search(query, Instant::now() + Duration::from_millis(200)).await?;
    for neighbor in &result.neighbors {
        println!("{:>4.0} m  {}", hav_to_m(neighbor.hav), neighbor.profile.id);
    }
    assert!(result.neighbors.len() == 2 && result.uncovered.is_empty(), "the two nearest drivers are found");
    drop(stream);
    server.shutdown().await;
    Ok(())
}
