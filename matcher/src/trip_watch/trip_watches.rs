//! The newest update of each watched trip.

use std::collections::HashMap;

use foldhash::quality::RandomState;
use kerb_geometry::LatLng;
use kerb_ports::Eta;
use kerb_trips::{MarketId, TripId};
use kerb_types::{DriverId, Timestamp};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::error::MatcherError;

/// The position of an assigned driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackedPosition {
    /// The driver of the trip.
    pub driver: DriverId,
    /// Last known position of the driver.
    pub position: LatLng,
    /// Time of the position's measurement, in milliseconds since the Unix epoch.
    pub measured_ms: Timestamp,
    /// Travel time to the pickup, or to the drop-off with the rider in the vehicle.
    pub eta: Eta,
}

/// The newest update of a trip. Late subscribers only see the latest value.
#[derive(Clone, Debug, Default)]
pub(super) struct LatestUpdate {
    /// Number of the newest change.
    pub(super) number: u64,
    /// Number of resyncs: after one, a watcher reads the trip even without a new change.
    pub(super) resyncs: u64,
    pub(super) tracked: Option<TrackedPosition>,
}

/// The watched trips.
pub(crate) struct TripWatches {
    trips: Mutex<HashMap<TripId, watch::Sender<LatestUpdate>, RandomState>>,
    trips_max: usize,
}

impl TripWatches {
    pub(crate) fn new(trips_max: usize) -> Self {
        Self { trips: Mutex::default(), trips_max }
    }

    /// Records that the trip has changes up to this number.
    pub(crate) fn trip_changed(&self, trip: &TripId, number: u64) {
        if let Some(latest) = self.trips.lock().get(trip) {
            latest.send_modify(|latest| latest.number = latest.number.max(number));
        }
    }

    /// Records a position of the trip's driver.
    pub(crate) fn driver_moved(&self, trip: &TripId, tracked: TrackedPosition) {
        if let Some(latest) = self.trips.lock().get(trip) {
            latest.send_modify(|latest| latest.tracked = Some(tracked));
        }
    }

    /// Makes the watchers of a market read their trips, after the market was read from its journal.
    pub(crate) fn resync(&self, market: &MarketId) {
        for (_, latest) in self.trips.lock().iter().filter(|(trip, _)| trip.market == *market) {
            latest.send_modify(|latest| latest.resyncs += 1);
        }
    }

    /// Ends all watches of a market that has stopped.
    pub(crate) fn close(&self, market: &MarketId) {
        self.trips.lock().retain(|trip, _| trip.market != *market);
    }

    /// Whether the trip has a watcher.
    pub(crate) fn is_watched(&self, trip: &TripId) -> bool {
        self.trips.lock().contains_key(trip)
    }

    /// Adds a watcher of a trip.
    pub(super) fn subscribe(&self, trip: &TripId) -> Result<watch::Receiver<LatestUpdate>, MatcherError> {
        let mut trips = self.trips.lock();
        if let Some(latest) = trips.get(trip) {
            return Ok(latest.subscribe());
        }
        if trips.len() >= self.trips_max {
            return Err(MatcherError::Overloaded { what: "watched trips", limit: self.trips_max });
        }
        let (latest, receiver) = watch::channel(LatestUpdate::default());
        trips.insert(trip.clone(), latest);
        Ok(receiver)
    }

    /// Removes the entry of a trip without a watcher. The caller has dropped its receiver before.
    pub(super) fn remove_if_unwatched(&self, trip: &TripId) {
        let mut trips = self.trips.lock();
        if trips.get(trip).is_some_and(|latest| latest.receiver_count() == 0) {
            trips.remove(trip);
        }
    }
}
