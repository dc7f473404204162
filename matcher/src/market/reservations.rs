//! Which driver is promised to which trip, over all markets of a process: a driver near a border is asked by one of
//! them at a time.
//!
//! A claim is taken when an offer is decided and let go when the end of the promise is durable, never before: or
//! another market could promise the driver while a crash brings the first promise back. A market that is read again keeps
//! what it claimed until it is read to the end.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use foldhash::quality::RandomState;
use kerb_trips::{MarketId, TripId};
use kerb_types::DriverId;
use parking_lot::Mutex;

/// The promises. Clones are handles of the same ones.
#[derive(Clone, Debug, Default)]
pub struct Reservations(Arc<Mutex<HashMap<DriverId, TripId, RandomState>>>);

impl Reservations {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The trip that the driver is promised to.
    pub fn of(&self, driver: &DriverId) -> Option<TripId> {
        self.0.lock().get(driver).cloned()
    }

    /// Promises the driver to the trip, unless another market has. Within a market its own record keeps the order, so
    /// there a claim that is about to be let go may be taken over.
    pub(super) fn take(&self, driver: &DriverId, trip: &TripId) -> bool {
        let mut reservations = self.0.lock();
        if reservations.get(driver).is_some_and(|held| held.market != trip.market) {
            return false;
        }
        reservations.insert(driver.clone(), trip.clone());
        true
    }

    /// Lets go of the driver, if the claim is this trip's.
    pub(super) fn release(&self, driver: &DriverId, trip: &TripId) {
        let mut reservations = self.0.lock();
        if reservations.get(driver) == Some(trip) {
            reservations.remove(driver);
        }
    }

    /// A market was read anew: these are its promises, and what it claimed before counts no more. At one stroke, so that
    /// no other market finds a driver free in between. Answers whom another market claims.
    pub(super) fn renew(
        &self,
        market: &MarketId,
        promises: impl Iterator<Item = (DriverId, TripId)>,
    ) -> Vec<DriverId> {
        let mut reservations = self.0.lock();
        reservations.retain(|_, trip| trip.market != *market);
        let mut refused = Vec::new();
        for (driver, trip) in promises {
            match reservations.entry(driver) {
                Entry::Vacant(free) => _ = free.insert(trip),
                Entry::Occupied(held) => refused.push(held.key().clone()),
            }
        }
        refused
    }
}
