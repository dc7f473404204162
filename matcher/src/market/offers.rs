//! Offers, and the connections and positions of the drivers that hold them.

use kerb_geometry::LatLng;
use kerb_ports::DriverNotification;
use kerb_trips::{ReturnReason, TripEvent, TripId, TripState};
use kerb_types::{DriverId, Millis, Timestamp, TravelSource};

use crate::market::{Market, effect};

/// A driver whom an offer did not reach gets none for this time, unless it opens a stream before.
const UNREACHABLE_MAX_MS: Millis = Millis::from_secs(300);

/// A pair that a window proposes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The trip to offer.
    pub trip: TripId,
    /// The driver who gets the offer.
    pub driver: DriverId,
    /// Expected travel time to the pickup, in seconds.
    pub pickup_eta_s: u32,
    /// The source of that travel time.
    pub travel_source: TravelSource,
}

impl Market {
    /// Makes offers, if trip and driver are still free. Returns the number of offers.
    pub fn offer(&mut self, now: Timestamp, proposals: &[Proposal]) -> usize {
        if self.paused {
            return 0;
        }
        proposals.iter().filter(|proposal| self.offer_one(now, proposal)).count()
    }

    fn offer_one(&mut self, now: Timestamp, proposal: &Proposal) -> bool {
        let Proposal { trip, driver, pickup_eta_s, travel_source } = proposal;
        let is_open = self
            .trips
            .get(trip)
            .is_some_and(|entry| entry.trip().state == TripState::Requested && !entry.is_barred(driver, now));
        if !is_open || self.trips.by_driver(driver).is_some() || !self.reservations.reserve(driver, trip) {
            return false;
        }
        let expires_ms = now + self.rules.offer_ms;
        let event = TripEvent::Offered {
            driver: driver.clone(),
            pickup_eta_s: *pickup_eta_s,
            travel_source: Some(*travel_source),
            expires_ms,
        };
        self.apply(now, trip.number, event).expect("a waiting trip allows an offer to a new driver");
        true
    }

    /// Gives unmatched requests more candidates in the next window.
    pub fn widen_search(&mut self, unmatched: &[TripId]) {
        for trip in unmatched.iter().filter(|trip| trip.market == self.id) {
            self.trips.widen_search(trip.number, self.rules.k_max);
        }
    }

    /// Returns an offer that reached no stream of its driver.
    pub fn offer_undeliverable(&mut self, now: Timestamp, driver: &DriverId, trip: &TripId) {
        if self.trips.by_driver(driver) == Some(trip.number) && trip.market == self.id {
            self.reservations.set_unreachable(driver, now, now + UNREACHABLE_MAX_MS);
            self.return_offer(now, driver, trip.number, ReturnReason::DriverDisconnected);
        }
    }

    /// Returns an open offer of the trip, because the driver reports that it takes none. An accepted trip stays.
    pub fn driver_unavailable(&mut self, now: Timestamp, driver: &DriverId, trip: &TripId) {
        if self.trips.by_driver(driver) == Some(trip.number) && trip.market == self.id {
            self.return_offer(now, driver, trip.number, ReturnReason::DriverUnavailable);
        }
    }

    /// Records that the driver has no stream. An open offer is returned at once; an accepted trip is lost when the
    /// reconnect grace ends.
    pub fn driver_disconnected(&mut self, now: Timestamp, driver: &DriverId) {
        let Some(number) = self.trips.by_driver(driver) else { return };
        self.reservations.set_unreachable(driver, now, now + UNREACHABLE_MAX_MS);
        self.return_offer(now, driver, number, ReturnReason::DriverDisconnected);
        self.trips.set_disconnected(&self.rules, number, driver, now);
    }

    /// Records that the driver has opened a stream. Returns the driver's assignment.
    pub fn driver_connected(&mut self, driver: &DriverId) -> Option<DriverNotification> {
        self.driver_still_connected(driver);
        let number = self.trips.by_driver(driver)?;
        effect::assignment(self.trips.entry(number).trip(), driver)
    }

    /// Records that the driver has a stream, which ends a reconnect grace.
    pub fn driver_still_connected(&mut self, driver: &DriverId) {
        self.reservations.set_reachable(driver);
        let Some(number) = self.trips.by_driver(driver) else { return };
        self.trips.set_connected(&self.rules, number, driver);
    }

    fn return_offer(&mut self, now: Timestamp, driver: &DriverId, number: u64, why: ReturnReason) {
        let trip = self.trips.entry(number).trip();
        let driver = driver.clone();
        let event = if trip.state == TripState::Offered {
            TripEvent::OfferReturned { driver, why }
        } else if trip.takeover_offer.as_ref().is_some_and(|takeover| takeover.driver == driver) {
            TripEvent::ReassignmentReturned { driver, why }
        } else {
            return;
        };
        self.apply(now, number, event).expect("an open offer can be returned");
    }

    /// Records positions of drivers, each with the time of its measurement, and runs the meters of their trips.
    pub fn drivers_moved(&mut self, now: Timestamp, positions: &[(DriverId, LatLng, Timestamp)]) {
        for (driver, position, measured_ms) in positions {
            let Some(number) = self.trips.by_driver(driver) else { continue };
            self.trips.track(number, driver, *position, *measured_ms);
            if let Some(checkpoint) = self.trips.meter(&self.rules, number, *position, *measured_ms, now) {
                self.apply(now, number, checkpoint).expect("a trip with the rider in the vehicle is metered");
            }
        }
    }
}
