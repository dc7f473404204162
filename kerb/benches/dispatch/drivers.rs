//! The drivers: kept current in the index as an ingest node does it, and told of offers through its port.

use std::collections::HashMap;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::ready;
use kerb_geometry::LatLng;
use kerb_ports::{
    Answer, Batch, DriverChannel, DriverLocation, DriverLookup, DriverNotification, Frame, IndexServer,
    ReplicationStream, SlotBinding, SourceRegistration, Update,
};
use kerb_trips::{TripId, TripState};
use kerb_types::{
    Capabilities, Catalog, Clock, DriverId, DriverProfile, DriverStatus, KnownDriver, Motion, NodeId,
    Sharding, SystemClock, UpdateVersion, VehicleClass,
};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::Instant;

/// Offers that wait for whoever measures them.
const OFFERS_MAX: usize = 65_536;
/// Rows of a batch, as ingest nodes send them.
const BATCH_ROWS: usize = 4_096;

/// An offer as a driver was told of it.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) driver: DriverId,
    pub(crate) trip: TripId,
    pub(crate) told: Instant,
}

/// The name of a driver.
pub(crate) fn driver(number: usize) -> DriverId {
    DriverId::new(&format!("driver-{number:05}")).unwrap()
}

/// Drivers in the index, all of them available.
pub(crate) struct Fleet {
    session: Box<dyn ReplicationStream>,
    updates: Vec<Update>,
    reports: u64,
}

impl Fleet {
    /// Fills the index, as the ingest node of this name.
    pub(crate) async fn fill(
        node: &NodeId,
        (sharding, catalog): (Sharding, &Catalog),
        index: &dyn IndexServer,
        places: &[LatLng],
    ) -> Self {
        let register =
            SourceRegistration { node: node.clone(), settings_fingerprint: sharding.fingerprint(catalog) };
        let session = index.open(register).await.unwrap();
        let update = |(slot, position): (u32, &LatLng)| Update {
            slot,
            shard: sharding.shard_of(&driver(slot as usize), *position),
            position: *position,
            update_version: UpdateVersion::default(),
            motion: Motion::NONE,
            status: DriverStatus::Available,
        };
        let updates = (0..).zip(places).map(update).collect();
        let mut fleet = Self { session, updates, reports: 0 };
        fleet.send(Frame::SnapshotBegin { round: 1, shards: sharding.all().collect() }).await;
        let introduction = |update: &Update| SlotBinding {
            slot: update.slot,
            profile: Arc::new(DriverProfile {
                id: driver(update.slot as usize),
                vehicle_class: VehicleClass(0),
                capabilities: Capabilities(0),
            }),
        };
        let slot_bindings = fleet.updates.iter().map(introduction).collect();
        fleet.send(Frame::Batch(Batch { slot_bindings, ..Batch::default() })).await;
        fleet.report(0..places.len()).await;
        fleet.send(Frame::SnapshotEnd { round: 1 }).await;
        fleet.session.flush().await.unwrap();
        fleet
    }

    /// These drivers report from where they are.
    pub(crate) async fn report(&mut self, slots: std::ops::Range<usize>) {
        self.reports += 1;
        let update_version = UpdateVersion { sequence: self.reports, time_ms: SystemClock.now_ms() };
        for rows in self.updates[slots].to_vec().chunks(BATCH_ROWS) {
            let updates = rows.iter().map(|update| Update { update_version, ..*update }).collect();
            self.send(Frame::Batch(Batch { updates, ..Batch::default() })).await;
        }
    }

    /// All drivers report; visible when it resolves.
    pub(crate) async fn report_all(&mut self) {
        self.report(0..self.updates.len()).await;
        self.session.flush().await.unwrap();
    }

    async fn send(&mut self, frame: Frame) {
        self.session.send(frame).await.unwrap();
    }
}

/// The ingest node's port: every driver has a stream, and hands on the offers.
pub(crate) struct Streams {
    offers: Sender<Offer>,
    places: HashMap<DriverId, LatLng>,
}

impl Streams {
    /// Of drivers at these places.
    pub(crate) fn new(places: &[LatLng]) -> (Self, Receiver<Offer>) {
        let (offers, told) = channel(OFFERS_MAX);
        let places = places.iter().enumerate().map(|(number, place)| (driver(number), *place)).collect();
        (Self { offers, places }, told)
    }
}

impl DriverLookup for Streams {
    fn lookup(&self, _: DriverId) -> Answer<'_, Option<KnownDriver>> {
        ready(Ok(None)).boxed()
    }
}

impl DriverChannel for Streams {
    fn notify(&self, driver: DriverId, news: DriverNotification) -> Answer<'_, bool> {
        if let DriverNotification::Assignment(task) = news
            && task.state == TripState::Offered
        {
            let offer = Offer { driver, trip: task.trip, told: Instant::now() };
            self.offers.try_send(offer).expect("whoever measures takes the offers");
        }
        ready(Ok(true)).boxed()
    }

    fn locations(&self, drivers: Vec<DriverId>) -> Answer<'_, Vec<Option<DriverLocation>>> {
        let now_ms = SystemClock.now_ms();
        let locations = |id: &DriverId| {
            let position = self.places.get(id).map(|place| (*place, now_ms));
            Some(DriverLocation { connected: true, position })
        };
        ready(Ok(drivers.iter().map(locations).collect())).boxed()
    }
}
