//! The reservations of all markets of a process: each driver is reserved for at most one trip, also near a border of two
//! markets.
//!
//! A market reserves a driver when it decides an offer, and releases the driver when the end of the reservation is durable.
//! An earlier release would be wrong: another market could reserve the driver, and a crash would restore the first
//! reservation. While a market is read again, its reservations stay until the reading is complete.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use foldhash::quality::RandomState;
use kerb_trips::{MarketId, TripId};
use kerb_types::{DriverId, Timestamp};
use parking_lot::Mutex;

/// The most drivers that are remembered as unreachable.
const UNREACHABLE_MAX: usize = 1_000_000;

/// The reserved drivers, with their trips, and the drivers whom no offer reached. Clones share one map.
#[derive(Clone, Debug, Default)]
pub struct Reservations(Arc<Mutex<Drivers>>);

#[derive(Debug, Default)]
struct Drivers {
    reserved: HashMap<DriverId, TripId, RandomState>,
    /// Drivers whom no offer reached, and until when they get none.
    unreachable: HashMap<DriverId, Timestamp, RandomState>,
}

impl Reservations {
    /// An empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the trip that the driver is reserved for.
    pub fn of(&self, driver: &DriverId) -> Option<TripId> {
        self.0.lock().reserved.get(driver).cloned()
    }

    /// Whether an offer to the driver is possible: it is not reserved, and offers reach it as far as is known.
    pub fn is_available(&self, driver: &DriverId, now: Timestamp) -> bool {
        let drivers = self.0.lock();
        !drivers.reserved.contains_key(driver)
            && drivers.unreachable.get(driver).is_none_or(|until_ms| *until_ms <= now)
    }

    /// Records that no offer reaches the driver: it gets none until it opens a stream, at the latest until `until_ms`.
    pub(super) fn set_unreachable(&self, driver: &DriverId, now: Timestamp, until_ms: Timestamp) {
        let mut drivers = self.0.lock();
        if drivers.unreachable.len() >= UNREACHABLE_MAX {
            drivers.unreachable.retain(|_, until_ms| *until_ms > now);
        }
        if drivers.unreachable.len() < UNREACHABLE_MAX {
            drivers.unreachable.insert(driver.clone(), until_ms);
        }
    }

    /// Records that the driver has opened a stream.
    pub(crate) fn set_reachable(&self, driver: &DriverId) {
        self.0.lock().unreachable.remove(driver);
    }

    /// Reserves the driver for the trip, unless another market has reserved the driver. Within a market the order of the
    /// records decides, so a reservation whose end is not durable yet may be replaced there.
    pub(super) fn reserve(&self, driver: &DriverId, trip: &TripId) -> bool {
        let reservations = &mut self.0.lock().reserved;
        if reservations.get(driver).is_some_and(|reserved| reserved.market != trip.market) {
            return false;
        }
        reservations.insert(driver.clone(), trip.clone());
        true
    }

    /// Releases the driver, if the reservation is still this trip's.
    pub(super) fn release(&self, driver: &DriverId, trip: &TripId) {
        let reservations = &mut self.0.lock().reserved;
        if reservations.get(driver) == Some(trip) {
            reservations.remove(driver);
        }
    }

    /// Replaces all reservations of a market that was read again. One lock covers the step, so that no other market sees a
    /// driver as free in between. Returns the drivers that another market has reserved.
    pub(super) fn renew(
        &self,
        market: &MarketId,
        reserved: impl Iterator<Item = (DriverId, TripId)>,
    ) -> Vec<DriverId> {
        let reservations = &mut self.0.lock().reserved;
        reservations.retain(|_, trip| trip.market != *market);
        let mut conflicts = Vec::new();
        for (driver, trip) in reserved {
            match reservations.entry(driver) {
                Entry::Vacant(free) => _ = free.insert(trip),
                Entry::Occupied(other) => conflicts.push(other.key().clone()),
            }
        }
        conflicts
    }
}
