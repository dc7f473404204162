//! One ride request and its assignment, with a market in this process: `cargo run -p kerb-matcher --example ride`.
//!
//! The matcher reaches drivers through its ports only, exactly as it reaches remote ones. Here one struct implements the
//! ports: a search over two parked drivers, and an ingest node that passes notifications on to the example.

use std::error::Error;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::ready;
use kerb_geometry::{LatLng, Origin};
use kerb_journal::MemoryJournal;
use kerb_matcher::{Matcher, Options, Ports};
use kerb_ports::{
    DriverAction, DriverChannel, DriverChannelError, DriverEvents, DriverLocation, DriverLookup,
    DriverLookupError, DriverNotification, IndexServer, IngestNode, Membership, NearbyQuery, NearbyResults,
    NearbySearch, NearbySearchError, NearestByEta, Neighbor, Peers, PortFuture,
};
use kerb_routing::StraightLine;
use kerb_trips::{IdempotencyKey, RideRequest, RiderId};
use kerb_types::{
    Capabilities, Catalog, Clock, DriverId, DriverProfile, IndexedStatus, KnownDriver, MembershipView,
    Millis, Motion, Node, NodeId, Role, ShardMap, SystemClock, UpdateVersion, VehicleClass,
};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// The world around the matcher: parked drivers, one ingest node, and the channel of its notifications.
#[derive(Clone)]
struct World {
    drivers: Vec<(DriverId, LatLng)>,
    view: watch::Receiver<Arc<MembershipView>>,
    notifications: mpsc::Sender<(DriverId, DriverNotification)>,
}

impl World {
    fn neighbors(&self, point: LatLng) -> Vec<Neighbor> {
        let neighbor = |(id, position): &(DriverId, LatLng)| Neighbor {
            profile: DriverProfile {
                id: id.clone(),
                vehicle_class: VehicleClass(0),
                capabilities: Capabilities(0),
            },
            position: *position,
            hav: Origin::new(point).hav(*position),
            update_version: UpdateVersion { sequence: 1, time: SystemClock.now() },
            motion: Motion::NONE,
            status: IndexedStatus::Available,
        };
        self.drivers.iter().map(neighbor).collect()
    }
}

impl NearbySearch for World {
    fn nearest(
        &self,
        queries: Vec<NearbyQuery>,
        _deadline: Instant,
    ) -> PortFuture<'_, NearbyResults, NearbySearchError> {
        let mut results = NearbyResults::default();
        for query in &queries {
            results.push(self.neighbors(query.point), true);
        }
        ready(Ok(results)).boxed()
    }

    fn nearest_by_eta(
        &self,
        _query: NearbyQuery,
        _deadline: Instant,
    ) -> PortFuture<'_, NearestByEta, NearbySearchError> {
        ready(Err(NearbySearchError::Internal("only quotes search by ETA".to_owned()))).boxed()
    }
}

impl Membership for World {
    fn watch(&self) -> watch::Receiver<Arc<MembershipView>> {
        self.view.clone()
    }
}

impl Peers for World {
    fn index_server(&self, _: &NodeId) -> Option<Arc<dyn IndexServer>> {
        None
    }

    fn ingest_node(&self, _: &NodeId) -> Option<Arc<dyn IngestNode>> {
        Some(Arc::new(self.clone()))
    }

    fn matcher(&self, _: &NodeId) -> Option<Arc<dyn DriverEvents>> {
        None
    }
}

impl DriverChannel for World {
    fn notify(
        &self,
        driver: DriverId,
        notification: DriverNotification,
    ) -> PortFuture<'_, bool, DriverChannelError> {
        ready(Ok(self.notifications.try_send((driver, notification)).is_ok())).boxed()
    }

    fn locations(
        &self,
        drivers: Vec<DriverId>,
    ) -> PortFuture<'_, Vec<Option<DriverLocation>>, DriverChannelError> {
        ready(Ok(vec![Some(DriverLocation { connected: true, position: None }); drivers.len()])).boxed()
    }
}

impl DriverLookup for World {
    fn lookup(&self, _: DriverId) -> PortFuture<'_, Option<KnownDriver>, DriverLookupError> {
        ready(Ok(None)).boxed()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // The world: two drivers, 500 m and 2 km north of the rider, and one ingest node.
    let (pickup, dropoff) = (LatLng::new(52.52, 13.405)?, LatLng::new(52.55, 13.405)?);
    let drivers = vec![
        (DriverId::new("near")?, LatLng::new(52.5245, 13.405)?),
        (DriverId::new("far")?, LatLng::new(52.538, 13.405)?),
    ];
    let id = NodeId::new("ingest-0")?;
    let node = Node { id, roles: vec![Role::LocationIngest], address: None, live: true };
    let shard_map = Arc::new(ShardMap::place(1, 1, &[]));
    let (_membership, view) = watch::channel(Arc::new(MembershipView { nodes: vec![node], shard_map }));
    let (sender, mut notifications) = mpsc::channel(8);
    let world = Arc::new(World { drivers, view, notifications: sender });

    // The matcher takes its one market over: the journal is empty, and gets the first fence.
    let ports = Ports {
        node: NodeId::new("matcher-0")?,
        catalog: Arc::new(Catalog::default()),
        clock: Arc::new(SystemClock),
        journal: Arc::new(MemoryJournal::default()),
        search: world.clone(),
        times: Arc::new(StraightLine::new(36.0, 1.0)),
        membership: world.clone(),
        peers: world,
    };
    let matcher = Matcher::start(Options::default(), ports).await?;

    // A rider requests a ride. The next window offers it to a driver, who accepts.
    let (rider, key) = (RiderId::new("anna")?, IdempotencyKey::new("first ride")?);
    let (vehicle_class, capabilities) = (VehicleClass(0), Capabilities(0));
    let request = RideRequest {
        rider: rider.clone(),
        key,
        pickup,
        dropoff,
        vehicle_class,
        capabilities,
        party_size: 1,
        wait_max_ms: Millis::new(60_000),
    };
    let trip = matcher.request(request).await?;
    println!("{} is {}", trip.id, trip.state);
    let Some((driver, DriverNotification::Assignment(offer))) = notifications.recv().await else {
        return Err("the driver gets an offer".into());
    };
    println!("{driver} gets an offer, {} s from the pickup", offer.pickup_eta_s);
    let state = matcher.act(driver.clone(), offer.trip, DriverAction::Accept).await?;
    println!("{} is {state} with {driver}", trip.id);
    let assigned = matcher.trip(rider, trip.id).await?;
    assert!(assigned.driver == Some(DriverId::new("near")?), "the nearer driver is assigned");
    matcher.shutdown().await;
    Ok(())
}
