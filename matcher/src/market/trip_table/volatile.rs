//! Changes of a trip's volatile state, which no record holds.

use kerb_geometry::LatLng;
use kerb_trips::{TripEvent, TripState};
use kerb_types::{DriverId, Timestamp};

use crate::market::rules::Rules;
use crate::market::trip_table::TripTable;

impl TripTable {
    /// Doubles the number of candidates of a request, up to `k_max`.
    pub(in crate::market) fn widen_search(&mut self, number: u64, k_max: u32) {
        if let Some(entry) = self.entries.get_mut(&number) {
            entry.k = entry.k.saturating_mul(2).min(k_max);
        }
    }

    /// Notes that a window deferred the request. A later call keeps the first time.
    pub(in crate::market) fn note_deferral(&mut self, number: u64, now: Timestamp) {
        if let Some(entry) = self.entries.get_mut(&number) {
            entry.deferred_since_ms.get_or_insert(now);
        }
    }

    /// Records that the trip's own driver has no stream. A later call keeps the first time.
    pub(in crate::market) fn set_disconnected(
        &mut self,
        rules: &Rules,
        number: u64,
        driver: &DriverId,
        now: Timestamp,
    ) {
        let Some(entry) = self.entries.get_mut(&number) else { return };
        if entry.trip.driver.as_ref() == Some(driver) && entry.disconnected_since_ms.is_none() {
            entry.disconnected_since_ms = Some(now);
            self.set_due(rules, number);
        }
    }

    /// Records that the trip's own driver has a stream.
    pub(in crate::market) fn set_connected(&mut self, rules: &Rules, number: u64, driver: &DriverId) {
        let entry = self.entries.get_mut(&number).filter(|entry| entry.trip.driver.as_ref() == Some(driver));
        if entry.and_then(|entry| entry.disconnected_since_ms.take()).is_some() {
            self.set_due(rules, number);
        }
    }

    /// Records a position of the trip's own driver on the way to the pickup.
    pub(in crate::market) fn track(
        &mut self,
        number: u64,
        driver: &DriverId,
        position: LatLng,
        measured_ms: Timestamp,
    ) {
        let entry = self.entries.get_mut(&number).expect("a driver is reserved for it");
        if entry.trip.state == TripState::EnRoute && entry.trip.driver.as_ref() == Some(driver) {
            entry.driver_position = Some((position, measured_ms));
        }
    }

    /// Adds a position to the meter of a trip with the rider in the vehicle. Returns a checkpoint event if one is due.
    pub(in crate::market) fn meter(
        &mut self,
        rules: &Rules,
        number: u64,
        position: LatLng,
        measured_ms: Timestamp,
        now: Timestamp,
    ) -> Option<TripEvent> {
        let entry = self.entries.get_mut(&number)?;
        let trip = &entry.trip;
        if trip.state != TripState::OnTrip || measured_ms < trip.times.picked_up_ms? {
            return None;
        }
        entry.meter.add(trip, position, measured_ms, rules.vehicle_speed_max_kmh);
        entry.meter.checkpoint(trip.meter.distance_m, now, rules.meter_checkpoint_ms)
    }
}
