//! The drivers. As an ingest node does, they keep the index current and receive offers through the port.

use std::collections::HashMap;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::ready;
use kerb_geometry::LatLng;
use kerb_ports::{
    Batch, DriverChannel, DriverChannelError, DriverLocation, DriverLookup, DriverLookupError,
    DriverNotification, Frame, IndexServer, PortFuture, ReplicationStream, Slot, SlotBinding,
    SourceRegistration, Update,
};
use kerb_trips::{TripId, TripState};
use kerb_types::{
    Capabilities, Catalog, Clock, DriverId, DriverProfile, IndexedStatus, KnownDriver, Motion, NodeId,
    Sharding, SystemClock, UpdateVersion, VehicleClass,
};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::Instant;

/// Maximum offers that wait for the measurement.
const OFFERS_MAX: usize = 65_536;
/// Updates of a batch, as ingest nodes send them.
const BATCH_UPDATES: usize = 4_096;

/// An offer that a driver received.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) driver: DriverId,
    pub(crate) trip: TripId,
    pub(crate) received: Instant,
}

/// Returns the id of a driver.
pub(crate) fn driver(number: usize) -> DriverId {
    DriverId::new(&format!("driver-{number:05}")).unwrap()
}

/// Available drivers, and the stream that keeps them in the index.
pub(crate) struct Fleet {
    stream: Box<dyn ReplicationStream>,
    updates: Vec<Update>,
    reports: u64,
}

impl Fleet {
    /// Fills the index in the name of this ingest node.
    pub(crate) async fn fill(
        node: &NodeId,
        (sharding, catalog): (Sharding, &Catalog),
        index: &dyn IndexServer,
        positions: &[LatLng],
    ) -> Self {
        let register =
            SourceRegistration { node: node.clone(), settings_fingerprint: sharding.fingerprint(catalog) };
        let stream = index.open(register).await.unwrap();
        let update = |(slot, position): (u32, &LatLng)| Update {
            slot: Slot::new(slot),
            shard: sharding.shard_of(&driver(slot as usize), *position),
            position: *position,
            update_version: UpdateVersion::default(),
            motion: Motion::NONE,
            status: IndexedStatus::Available,
        };
        let updates = (0..).zip(positions).map(update).collect();
        let mut fleet = Self { stream, updates, reports: 0 };
        fleet.send(Frame::SnapshotBegin { round: 1, shards: sharding.all().collect() }).await;
        let binding = |update: &Update| SlotBinding {
            slot: update.slot,
            profile: Arc::new(DriverProfile {
                id: driver(update.slot.index()),
                vehicle_class: VehicleClass(0),
                capabilities: Capabilities(0),
            }),
        };
        let slot_bindings = fleet.updates.iter().map(binding).collect();
        fleet.send(Frame::Batch(Batch { slot_bindings, ..Batch::default() })).await;
        fleet.report(0..positions.len()).await;
        fleet.send(Frame::SnapshotEnd { round: 1 }).await;
        fleet.stream.flush().await.unwrap();
        fleet
    }

    /// Reports the unchanged positions of these drivers.
    pub(crate) async fn report(&mut self, slots: std::ops::Range<usize>) {
        self.reports += 1;
        let update_version = UpdateVersion { sequence: self.reports, time: SystemClock.now() };
        for batch in self.updates[slots].to_vec().chunks(BATCH_UPDATES) {
            let updates = batch.iter().map(|update| Update { update_version, ..*update }).collect();
            self.send(Frame::Batch(Batch { updates, ..Batch::default() })).await;
        }
    }

    /// Reports the positions of all drivers. It resolves when searches see them.
    pub(crate) async fn report_all(&mut self) {
        self.report(0..self.updates.len()).await;
        self.stream.flush().await.unwrap();
    }

    async fn send(&mut self, frame: Frame) {
        self.stream.send(frame).await.unwrap();
    }
}

/// A fake ingest node: every driver is connected, and its offers go to the measurement.
pub(crate) struct FakeIngestNode {
    offers: Sender<Offer>,
    positions: HashMap<DriverId, LatLng>,
}

impl FakeIngestNode {
    /// Makes the port of drivers at these positions, and the receiver of their offers.
    pub(crate) fn new(positions: &[LatLng]) -> (Self, Receiver<Offer>) {
        let (offers, received) = channel(OFFERS_MAX);
        let positions = positions.iter().enumerate().map(|(number, at)| (driver(number), *at)).collect();
        (Self { offers, positions }, received)
    }
}

impl DriverLookup for FakeIngestNode {
    fn lookup(&self, _: DriverId) -> PortFuture<'_, Option<KnownDriver>, DriverLookupError> {
        ready(Ok(None)).boxed()
    }
}

impl DriverChannel for FakeIngestNode {
    fn notify(
        &self,
        driver: DriverId,
        notification: DriverNotification,
    ) -> PortFuture<'_, bool, DriverChannelError> {
        if let DriverNotification::Assignment(assignment) = notification
            && assignment.state == TripState::Offered
        {
            let offer = Offer { driver, trip: assignment.trip, received: Instant::now() };
            self.offers.try_send(offer).expect("the measurement receives the offers");
        }
        ready(Ok(true)).boxed()
    }

    fn locations(
        &self,
        drivers: Vec<DriverId>,
    ) -> PortFuture<'_, Vec<Option<DriverLocation>>, DriverChannelError> {
        let now = SystemClock.now();
        let locations = |id: &DriverId| {
            let position = self.positions.get(id).map(|position| (*position, now));
            Some(DriverLocation { connected: true, position })
        };
        ready(Ok(drivers.iter().map(locations).collect())).boxed()
    }
}
