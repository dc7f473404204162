//! Trips under way to the pickup that may go to a nearer driver. Their own driver keeps them until that one accepts.

use kerb_geometry::LatLng;
use kerb_trips::{Trip, TripEvent, TripId, TripState};
use kerb_types::DriverId;

use super::{Market, Proposal};

/// A trip whose driver is under way to the pickup, and who may lose it or is about to.
#[derive(Clone, Copy)]
pub struct EnRouteView<'a> {
    /// The trip.
    pub trip: &'a Trip,
    /// Its driver.
    pub driver: &'a DriverId,
    /// Where the driver was seen last.
    pub at: LatLng,
    /// When that was measured, milliseconds since the Unix epoch.
    pub measured_ms: i64,
}

/// A trip that a nearer driver is to be asked to take over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reassignment {
    /// Whose it is.
    pub from: DriverId,
    /// The trip, and who is to be asked.
    pub to: Proposal,
}

impl Market {
    /// Trips under way whose driver was seen: those that may be given to a nearer one, and those that a nearer one is
    /// asked to take over ([`Trip::asked`]), by their numbers.
    pub fn en_route_trips(&self, now_ms: i64) -> Vec<EnRouteView<'_>> {
        let seen = self.assigned().filter_map(|(driver, trip)| {
            let (at, measured_ms) = self.trips[&trip.id.number].driver_at?;
            let counts = trip.takeover_offer.is_some() || self.may_lose(now_ms, driver, trip);
            counts.then_some(EnRouteView { trip, driver, at, measured_ms })
        });
        let mut seen: Vec<_> = seen.collect();
        seen.sort_unstable_by_key(|en_route_trips| en_route_trips.trip.id.number);
        seen
    }

    /// Asks drivers to take trips over, as far as both are still as they were. Answers how many were asked.
    pub fn reassign(&mut self, now_ms: i64, reassignments: &[Reassignment]) -> usize {
        if self.paused {
            return 0;
        }
        reassignments.iter().filter(|reassignment| self.reassign_one(now_ms, reassignment)).count()
    }

    fn reassign_one(&mut self, now_ms: i64, Reassignment { from, to }: &Reassignment) -> bool {
        let Proposal { trip: id, driver, pickup_eta_s, travel_source } = to;
        let is_open = self.trip(id).is_some_and(|trip| {
            trip.driver.as_ref() == Some(from)
                && self.may_lose(now_ms, from, trip)
                && !trip.returned_by.contains(driver)
        });
        if !is_open || self.by_driver.contains_key(driver) || !self.reservations.take(driver, id) {
            return false;
        }
        let event = TripEvent::ReassignmentOffered {
            driver: driver.clone(),
            pickup_eta_s: *pickup_eta_s,
            travel_source: *travel_source,
            expires_ms: now_ms + self.rules.offer_ms,
        };
        self.put(now_ms, id.number, event).expect("a trip under way takes one other driver who is asked");
        true
    }

    /// These wait for a driver who is to be free soon.
    pub fn defer(&mut self, deferred: &[TripId]) {
        for trip in deferred.iter().filter(|trip| trip.market == self.id) {
            if let Some(entry) = self.trips.get_mut(&trip.number) {
                entry.deferrals += 1;
            }
        }
    }

    /// The driver has lost a trip to a nearer one.
    pub(super) fn begin_cooldown(&mut self, driver: &DriverId, at_ms: i64) {
        let reassignment_cooldown_ms = self.rules.reassignment_cooldown_ms;
        self.cooldowns.retain(|_, lost_ms| at_ms - *lost_ms < reassignment_cooldown_ms);
        let lost_ms = self.cooldowns.entry(driver.clone()).or_insert(at_ms);
        *lost_ms = (*lost_ms).max(at_ms);
    }

    /// The trip's own driver was seen on the way to the pickup.
    pub(super) fn seen_under_way(&mut self, number: u64, driver: &DriverId, seen: (LatLng, i64)) {
        let entry = self.trips.get_mut(&number).expect("a driver is promised to it");
        if entry.trip.state == TripState::EnRoute && entry.trip.driver.as_ref() == Some(driver) {
            entry.driver_at = Some(seen);
        }
    }

    /// Neither the trip nor its driver has been disturbed too often. A driver who is away may come back to the trip, but
    /// nobody knows from where.
    fn may_lose(&self, now_ms: i64, driver: &DriverId, trip: &Trip) -> bool {
        let cooldowns = self.cooldowns.get(driver);
        trip.state == TripState::EnRoute
            && trip.takeover_offer.is_none()
            && trip.reassignment_count() < self.rules.reassigned_max
            && cooldowns.is_none_or(|lost_ms| now_ms - lost_ms >= self.rules.reassignment_cooldown_ms)
            && self.trips[&trip.id.number].away_since_ms.is_none()
    }
}
