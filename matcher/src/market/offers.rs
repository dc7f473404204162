//! Offers out, and drivers who are there or not.

use kerb_geometry::{LatLng, distance_m};
use kerb_ports::DriverNotification;
use kerb_trips::{ReturnReason, TripEvent, TripId, TripState};
use kerb_types::{DriverId, TravelSource};

use super::{Market, effect};

/// Positions nearer than this to the last one are noise of the receiver, not a way: a parked car is not metered.
const METER_STEP_MIN_M: f64 = 10.0;

/// A pair that a window came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The request.
    pub trip: TripId,
    /// The driver.
    pub driver: DriverId,
    /// Expected seconds to the pickup.
    pub pickup_eta_s: u32,
    /// What that was computed from.
    pub travel_source: TravelSource,
}

impl Market {
    /// Offers the trips, as far as trip and driver are still free. Answers how many were offered.
    pub fn offer(&mut self, now_ms: i64, proposals: &[Proposal]) -> usize {
        if self.paused {
            return 0;
        }
        proposals.iter().filter(|proposal| self.offer_one(now_ms, proposal)).count()
    }

    fn offer_one(&mut self, now_ms: i64, proposal: &Proposal) -> bool {
        let Proposal { trip, driver, pickup_eta_s, travel_source } = proposal;
        let is_open = self
            .trip(trip)
            .is_some_and(|trip| trip.state == TripState::Requested && !trip.returned_by.contains(driver));
        if !is_open || self.by_driver.contains_key(driver) || !self.reservations.take(driver, trip) {
            return false;
        }
        let expires_ms = now_ms + self.rules.offer_ms;
        let event = TripEvent::Offered {
            driver: driver.clone(),
            pickup_eta_s: *pickup_eta_s,
            travel_source: Some(*travel_source),
            expires_ms,
        };
        self.put(now_ms, trip.number, event).expect("a waiting trip takes an offer to a new driver");
        true
    }

    /// A window had nobody for these: more candidates next time.
    pub fn widen_search(&mut self, unmatched: &[TripId]) {
        let k_max = self.rules.k_max;
        for trip in unmatched.iter().filter(|trip| trip.market == self.id) {
            if let Some(entry) = self.trips.get_mut(&trip.number) {
                entry.k = entry.k.saturating_mul(2).min(k_max);
            }
        }
    }

    /// The offer could not be put before the driver.
    pub fn offer_undeliverable(&mut self, now_ms: i64, driver: &DriverId, trip: &TripId) {
        if self.by_driver.get(driver) == Some(&trip.number) && trip.market == self.id {
            self.give_back(now_ms, driver, trip.number);
        }
    }

    /// The driver has no stream any more: an offer goes back at once, an accepted trip when the grace is over.
    pub fn driver_disconnected(&mut self, now_ms: i64, driver: &DriverId) {
        let Some(&number) = self.by_driver.get(driver) else { return };
        self.give_back(now_ms, driver, number);
        let Some(entry) = self.trips.get_mut(&number) else { return };
        if entry.trip.driver.as_ref() == Some(driver) && entry.away_since_ms.is_none() {
            entry.away_since_ms = Some(now_ms);
            self.set_due(number);
        }
    }

    /// The driver has a stream. Answers what it is to know.
    pub fn driver_connected(&mut self, driver: &DriverId) -> Option<DriverNotification> {
        self.driver_still_connected(driver);
        let number = self.by_driver.get(driver)?;
        effect::task(&self.trips[number].trip, driver)
    }

    /// The driver has a stream still: nothing is missed.
    pub fn driver_still_connected(&mut self, driver: &DriverId) {
        let Some(&number) = self.by_driver.get(driver) else { return };
        let entry = self.trips.get_mut(&number).filter(|entry| entry.trip.driver.as_ref() == Some(driver));
        if entry.and_then(|entry| entry.away_since_ms.take()).is_some() {
            self.set_due(number);
        }
    }

    fn give_back(&mut self, now_ms: i64, driver: &DriverId, number: u64) {
        let trip = &self.trips[&number].trip;
        let (driver, why) = (driver.clone(), ReturnReason::DriverDisconnected);
        let event = if trip.state == TripState::Offered {
            TripEvent::OfferReturned { driver, why }
        } else if trip.takeover_offer.as_ref().is_some_and(|asked| asked.driver == driver) {
            TripEvent::ReassignmentReturned { driver, why }
        } else {
            return;
        };
        self.put(now_ms, number, event).expect("an offer can be given back");
    }

    /// Where drivers under way are, and when that was measured: the meters of those with a rider run on.
    pub fn drivers_moved(&mut self, now_ms: i64, positions: &[(DriverId, LatLng, i64)]) {
        for (driver, at, measured_ms) in positions {
            let Some(&number) = self.by_driver.get(driver) else { continue };
            self.seen_under_way(number, driver, (*at, *measured_ms));
            if let Some(event) = self.meter(number, *at, *measured_ms, now_ms) {
                self.put(now_ms, number, event).expect("a rider in the vehicle is metered");
            }
        }
    }

    /// Counts a position; the checkpoint when one is due.
    fn meter(&mut self, number: u64, at: LatLng, measured_ms: i64, now_ms: i64) -> Option<TripEvent> {
        let checkpoint_every_ms = self.rules.meter_checkpoint_ms;
        let entry = self.trips.get_mut(&number)?;
        if entry.trip.state != TripState::OnTrip || measured_ms < entry.trip.times.picked_up_ms? {
            return None;
        }
        let (last, last_ms) = entry.last.unwrap_or((entry.trip.request.pickup, 0));
        let step_m = distance_m(last, at);
        if measured_ms > last_ms && step_m >= METER_STEP_MIN_M {
            entry.meter_m += step_m;
            entry.last = Some((at, measured_ms));
        }
        if now_ms - entry.checkpoint_ms < checkpoint_every_ms || entry.meter_m <= entry.trip.meter.distance_m
        {
            return None;
        }
        Some(TripEvent::Metered { distance_m: entry.meter_m, at: entry.last?.0 })
    }
}
