//! En-route trips that may be reassigned to a nearer driver. The first driver keeps the trip until the nearer one accepts.

use kerb_geometry::LatLng;
use kerb_trips::{Trip, TripEvent, TripId, TripState};
use kerb_types::{DriverId, Timestamp};

use crate::market::Market;
use crate::market::offers::Proposal;

/// An en-route trip whose driver's position is known. It may be reassigned, or has a takeover offer.
#[derive(Clone, Copy)]
pub struct EnRouteView<'a> {
    /// The trip, in the state `EnRoute`.
    pub trip: &'a Trip,
    /// The driver of the trip.
    pub driver: &'a DriverId,
    /// Last known position of the driver.
    pub position: LatLng,
    /// Time of the position's measurement, in milliseconds since the Unix epoch.
    pub measured_ms: Timestamp,
    /// Drivers whose offer ended without a decline, and until when they get no other one.
    pub undecided: &'a [(DriverId, Timestamp)],
}

/// A proposal to offer an en-route trip to a nearer driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reassignment {
    /// The present driver of the trip.
    pub from: DriverId,
    /// The trip, and the nearer driver.
    pub to: Proposal,
}

impl Market {
    /// Returns the en-route trips with a known position, by number: those that may be reassigned, and those with a takeover
    /// offer.
    pub fn en_route_trips(&self, now: Timestamp) -> Vec<EnRouteView<'_>> {
        let views = self.assigned().filter_map(|(driver, trip)| {
            let entry = self.trips.entry(trip.id.number);
            let (position, measured_ms) = entry.driver_position()?;
            let is_listed = trip.takeover_offer.is_some() || self.may_be_reassigned(now, driver, trip);
            is_listed.then_some(EnRouteView {
                trip,
                driver,
                position,
                measured_ms,
                undecided: entry.undecided(),
            })
        });
        let mut views: Vec<_> = views.collect();
        views.sort_unstable_by_key(|view| view.trip.id.number);
        views
    }

    /// Makes takeover offers, if trip and driver have not changed meanwhile. Returns the number of offers.
    pub fn reassign(&mut self, now: Timestamp, reassignments: &[Reassignment]) -> usize {
        if self.paused {
            return 0;
        }
        reassignments.iter().filter(|reassignment| self.offer_takeover(now, reassignment)).count()
    }

    fn offer_takeover(&mut self, now: Timestamp, Reassignment { from, to }: &Reassignment) -> bool {
        let Proposal { trip: id, driver, pickup_eta_s, travel_source } = to;
        let is_open = self.trips.get(id).is_some_and(|entry| {
            entry.trip().driver.as_ref() == Some(from)
                && self.may_be_reassigned(now, from, entry.trip())
                && !entry.is_barred(driver, now)
        });
        if !is_open || self.trips.by_driver(driver).is_some() || !self.reservations.reserve(driver, id) {
            return false;
        }
        let event = TripEvent::ReassignmentOffered {
            driver: driver.clone(),
            pickup_eta_s: *pickup_eta_s,
            travel_source: *travel_source,
            expires_ms: now + self.rules.offer_ms,
        };
        self.apply(now, id.number, event).expect("an en-route trip allows one takeover offer");
        true
    }

    /// Notes that a window deferred these requests: they wait until an en-route driver frees up.
    pub fn defer(&mut self, now: Timestamp, deferred: &[TripId]) {
        for trip in deferred.iter().filter(|trip| trip.market == self.id) {
            self.trips.note_deferral(trip.number, now);
        }
    }

    /// Whether the trip may get a takeover offer: neither the trip nor its driver was reassigned too often. A disconnected
    /// driver may come back to the trip, but the present position is unknown.
    fn may_be_reassigned(&self, now: Timestamp, driver: &DriverId, trip: &Trip) -> bool {
        trip.state == TripState::EnRoute
            && trip.takeover_offer.is_none()
            && trip.reassignment_count() < self.rules.reassigned_max
            && !self.cooldowns.is_active(driver, now, self.rules.reassignment_cooldown_ms)
            && !self.trips.entry(trip.id.number).is_disconnected()
    }
}
