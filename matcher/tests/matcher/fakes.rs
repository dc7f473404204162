//! The ports of a matcher, backed by a world of scripted drivers.

pub(crate) mod journal;
pub(crate) mod simulated_time;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::ready;
use kerb_geometry::{LatLng, Origin, distance_m};
use kerb_matcher::options::MarketArea;
use kerb_matcher::{Matcher, Options, Ports};
use kerb_ports::{
    DriverChannel, DriverChannelError, DriverEvents, DriverLocation, DriverLookup, DriverLookupError,
    DriverNotification, IndexServer, IngestNode, Membership, NearbyQuery, NearbyResults, NearbySearch,
    NearbySearchError, NearestByEta, Neighbor, Peers, PortFuture, TravelTimes, TripAssignment,
};
use kerb_routing::StraightLine;
use kerb_trips::audit::{Audit, AuditReport};
use kerb_trips::{Change, IdempotencyKey, MarketId, RideRequest, RiderId, TripEvent, TripId, Version};
use kerb_types::{
    Capabilities, Catalog, Clock, DriverId, DriverProfile, DriverStatus, IndexedStatus, KnownDriver,
    MembershipView, Millis, Motion, Node, NodeId, Role, ShardMap, Timestamp, UpdateVersion, VehicleClass,
};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::fakes::journal::FakeJournal;
use crate::fakes::simulated_time::{TokioClock, eventually};

pub(crate) fn node(name: &str) -> NodeId {
    NodeId::new(name).unwrap()
}

pub(crate) fn driver(name: &str) -> DriverId {
    DriverId::new(name).unwrap()
}

pub(crate) fn rider(name: &str) -> RiderId {
    RiderId::new(name).unwrap()
}

pub(crate) fn market() -> MarketId {
    MarketId::new("world").unwrap()
}

/// Two markets with a border at the riders' pickup: `north`, and `south` of it.
pub(crate) fn north_and_south() -> Vec<MarketArea> {
    let half = |name: &str, south: f64, north: f64| MarketArea {
        name: name.to_owned(),
        polygon: vec![[south, 13.0], [south, 14.0], [north, 14.0], [north, 13.0]],
        holes: Vec::new(),
    };
    vec![half("north", 52.52, 53.0), half("south", 52.0, 52.519_999)]
}

/// The position `north_m` meters north of the riders' pickup.
pub(crate) fn north(north_m: f64) -> LatLng {
    LatLng::new(52.52 + north_m / 111_195.0, 13.405).unwrap()
}

/// A ride request to a drop-off 3 km north of the pickup.
pub(crate) fn ride_request(name: &str) -> RideRequest {
    RideRequest {
        rider: rider(name),
        key: IdempotencyKey::new("first").unwrap(),
        pickup: north(0.0),
        dropoff: north(3_000.0),
        vehicle_class: VehicleClass(0),
        capabilities: Capabilities(0),
        party_size: 1,
        wait_max_ms: Millis::new(300_000),
    }
}

/// A scripted driver.
#[derive(Clone, Debug)]
pub(crate) struct FakeDriver {
    pub(crate) class: u8,
    pub(crate) capabilities: u16,
    pub(crate) status: DriverStatus,
    pub(crate) position: LatLng,
    /// Time of the measurement; `None` for the present time.
    pub(crate) measured_ms: Option<Timestamp>,
    pub(crate) connected: bool,
    /// The driver's shard does not answer.
    pub(crate) hidden: bool,
}

pub(crate) struct World {
    pub(crate) drivers: Mutex<BTreeMap<DriverId, FakeDriver>>,
    /// The notifications to drivers, oldest first.
    pub(crate) notifications: Mutex<Vec<(DriverId, DriverNotification)>>,
    /// Offers whose notification came before their record.
    pub(crate) notified_too_early: Mutex<Vec<(DriverId, TripId)>>,
    pub(crate) journal: Arc<FakeJournal>,
    pub(crate) clock: Arc<TokioClock>,
    /// Whether all shards answer a search.
    pub(crate) complete: Mutex<bool>,
    /// Whether the second ingest node answers.
    pub(crate) second_answers: Mutex<bool>,
    view: watch::Sender<Arc<MembershipView>>,
}

/// The default options, without periodic snapshots.
pub(crate) fn options() -> Options {
    Options { snapshot_every: 1_000_000, ..Options::default() }
}

impl World {
    pub(crate) fn new() -> Arc<Self> {
        let ingest =
            |name| Node { id: node(name), roles: vec![Role::LocationIngest], address: None, live: true };
        let nodes = vec![ingest("ingest-0"), ingest("ingest-1")];
        let shard_map = Arc::new(ShardMap::place(1, 1, &[]));
        Arc::new(Self {
            drivers: Mutex::default(),
            notifications: Mutex::default(),
            notified_too_early: Mutex::default(),
            journal: Arc::default(),
            clock: Arc::new(TokioClock::new()),
            complete: Mutex::new(true),
            second_answers: Mutex::new(true),
            view: watch::Sender::new(Arc::new(MembershipView { nodes, shard_map })),
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Adds an available, connected driver.
    pub(crate) fn put(&self, name: &str, north_m: f64) {
        let fake = FakeDriver {
            class: 0,
            capabilities: 0,
            status: DriverStatus::Available,
            position: north(north_m),
            measured_ms: None,
            connected: true,
            hidden: false,
        };
        self.drivers.lock().insert(driver(name), fake);
    }

    pub(crate) fn change(&self, name: &str, change: impl FnOnce(&mut FakeDriver)) {
        change(self.drivers.lock().get_mut(&driver(name)).unwrap());
    }

    pub(crate) fn ports(self: &Arc<Self>, name: &str) -> Ports {
        Ports {
            node: node(name),
            catalog: Arc::new(Catalog::default()),
            clock: self.clock.clone(),
            journal: self.journal.clone(),
            search: Arc::new(WorldPorts(self.clone())),
            times: Arc::new(StraightLine::new(36.0, 1.0)),
            membership: Arc::new(WorldPorts(self.clone())),
            peers: Arc::new(WorldPorts(self.clone())),
        }
    }

    pub(crate) async fn start(self: &Arc<Self>, options: Options) -> Matcher {
        Matcher::start(options, self.ports("matcher-0")).await.unwrap()
    }

    /// Audits the journals of these markets.
    pub(crate) fn audit(&self, markets: &[&str]) -> AuditReport {
        let mut audit = Audit::new();
        for market in markets.iter().map(|name| MarketId::new(name).unwrap()) {
            for (version, record) in (1..).zip(self.journal.records(&market)) {
                audit.read(&market, Version::new(version), &record);
            }
        }
        audit.finish()
    }

    /// Checks that the journal has the offer of a notification.
    fn check_durable(&self, driver: &DriverId, notification: &DriverNotification) {
        let DriverNotification::Assignment(assignment) = notification else { return };
        let is_offer = |change: &Change| match change {
            Change::Trip {
                trip,
                event:
                    TripEvent::Offered { driver: offered_to, .. }
                    | TripEvent::ReassignmentOffered { driver: offered_to, .. },
            } => trip == &assignment.trip && offered_to == driver,
            _ => false,
        };
        let records = self.journal.records(&assignment.trip.market);
        if !records.iter().flat_map(|record| &record.changes).any(is_offer) {
            self.notified_too_early.lock().push((driver.clone(), assignment.trip.clone()));
        }
    }

    /// Returns the last notification to the driver.
    pub(crate) fn last_notification(&self, name: &str) -> Option<DriverNotification> {
        let notifications = self.notifications.lock();
        let last = notifications.iter().rev().find(|(to, _)| *to == driver(name));
        last.map(|(_, notification)| notification.clone())
    }

    /// Waits until the driver is notified of the trip, and returns the assignment.
    pub(crate) async fn offer_to(&self, name: &str, trip: &TripId) -> TripAssignment {
        let offered = async || match self.last_notification(name) {
            Some(DriverNotification::Assignment(assignment)) if assignment.trip == *trip => Some(*assignment),
            _ => None,
        };
        eventually(&format!("an offer of {trip} to {name}"), offered).await
    }

    fn neighbor(&self, id: &DriverId, fake: &FakeDriver, from: LatLng) -> Neighbor {
        Neighbor {
            profile: DriverProfile {
                id: id.clone(),
                vehicle_class: VehicleClass(fake.class),
                capabilities: Capabilities(fake.capabilities),
            },
            position: fake.position,
            hav: Origin::new(from).hav(fake.position),
            update_version: UpdateVersion {
                sequence: 0,
                time: fake.measured_ms.unwrap_or_else(|| self.now()),
            },
            motion: Motion::NONE,
            status: IndexedStatus::new(fake.status, true, false).expect("an offline driver is not found"),
        }
    }

    /// Searches by a linear scan.
    fn near(&self, query: &NearbyQuery) -> (Vec<Neighbor>, bool) {
        let drivers = self.drivers.lock();
        let neighbors = drivers
            .iter()
            .filter(|(_, fake)| !fake.hidden && fake.status != DriverStatus::Offline)
            .map(|(id, fake)| self.neighbor(id, fake, query.point));
        let mut neighbors: Vec<Neighbor> = neighbors
            .filter(|neighbor| distance_m(neighbor.position, query.point) <= query.radius_m)
            .filter(|neighbor| {
                let profile = &neighbor.profile;
                query.filter.accepts(
                    neighbor.status,
                    profile.vehicle_class,
                    profile.capabilities,
                    neighbor.update_version.time,
                )
            })
            .collect();
        neighbors.sort_by(|a, b| a.hav.total_cmp(&b.hav));
        neighbors.truncate(query.k as usize);
        (neighbors, *self.complete.lock())
    }
}

/// The ports of a world.
struct WorldPorts(Arc<World>);

impl NearbySearch for WorldPorts {
    fn nearest(
        &self,
        queries: Vec<NearbyQuery>,
        _deadline: Instant,
    ) -> PortFuture<'_, NearbyResults, NearbySearchError> {
        let mut answers = NearbyResults::default();
        for (neighbors, complete) in queries.iter().map(|query| self.0.near(query)) {
            answers.push(neighbors, complete);
        }
        ready(Ok(answers)).boxed()
    }

    /// The travel times are those of the straight line, like the matcher's.
    fn nearest_by_eta(
        &self,
        query: NearbyQuery,
        _deadline: Instant,
    ) -> PortFuture<'_, NearestByEta, NearbySearchError> {
        let (neighbors, complete) = self.0.near(&query);
        let times = StraightLine::new(36.0, 1.0);
        let etas = neighbors.iter().map(|neighbor| times.drive(neighbor.position, query.point).eta).collect();
        ready(Ok(NearestByEta { neighbors, etas, complete })).boxed()
    }
}

impl Membership for WorldPorts {
    fn watch(&self) -> watch::Receiver<Arc<MembershipView>> {
        self.0.view.subscribe()
    }
}

impl Peers for WorldPorts {
    fn index_server(&self, _: &NodeId) -> Option<Arc<dyn IndexServer>> {
        None
    }

    /// All streams are at `ingest-0`; `ingest-1` has no driver.
    fn ingest_node(&self, id: &NodeId) -> Option<Arc<dyn IngestNode>> {
        Some(Arc::new(FakeIngest { world: self.0.clone(), has_streams: *id == node("ingest-0") }))
    }

    fn matcher(&self, _: &NodeId) -> Option<Arc<dyn DriverEvents>> {
        None
    }
}

struct FakeIngest {
    world: Arc<World>,
    has_streams: bool,
}

impl FakeIngest {
    fn known(&self, id: &DriverId) -> Option<FakeDriver> {
        self.world.drivers.lock().get(id).filter(|_| self.has_streams).cloned()
    }

    fn answers(&self) -> Result<(), DriverChannelError> {
        if self.has_streams || *self.world.second_answers.lock() {
            return Ok(());
        }
        Err(DriverChannelError::Unavailable { node: node("ingest-1"), reason: "scripted".to_owned() })
    }
}

impl DriverLookup for FakeIngest {
    fn lookup(&self, _: DriverId) -> PortFuture<'_, Option<KnownDriver>, DriverLookupError> {
        ready(Ok(None)).boxed()
    }
}

impl DriverChannel for FakeIngest {
    fn notify(
        &self,
        driver: DriverId,
        notification: DriverNotification,
    ) -> PortFuture<'_, bool, DriverChannelError> {
        let is_connected = self.known(&driver).is_some_and(|fake| fake.connected);
        if is_connected {
            self.world.check_durable(&driver, &notification);
            self.world.notifications.lock().push((driver, notification));
        }
        ready(self.answers().map(|()| is_connected)).boxed()
    }

    fn locations(
        &self,
        drivers: Vec<DriverId>,
    ) -> PortFuture<'_, Vec<Option<DriverLocation>>, DriverChannelError> {
        let now = self.world.now();
        let locations = |id: &DriverId| {
            let fake = self.known(id)?;
            let position = Some((fake.position, fake.measured_ms.unwrap_or(now)));
            Some(DriverLocation { connected: fake.connected, position })
        };
        ready(self.answers().map(|()| drivers.iter().map(locations).collect())).boxed()
    }
}
