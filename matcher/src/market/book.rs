//! The book of a market: a trip takes an event, and every list follows. The one place that changes them.

use kerb_fleet::{
    Change, DriverId, Error, IdempotencyKey, Outcome, RideRequest, RiderId, Trip, TripEvent, TripState,
};
use kerb_spatial::LatLng;

use super::{Market, effect};

/// What makes a request one request.
pub(super) type Key = (RiderId, IdempotencyKey);

/// A trip and what is not written down of it.
pub(super) struct Entry {
    pub(super) trip: Trip,
    /// Candidates to look at in the next window.
    pub(super) k: u32,
    /// Where it stands in `due`.
    pub(super) due_ms: Option<i64>,
    /// Since when the driver has no stream.
    pub(super) away_since_ms: Option<i64>,
    /// Metres since the pick-up, up to the newest position.
    pub(super) meter_m: f64,
    /// The newest position that was counted, and when it was measured.
    pub(super) last: Option<(LatLng, i64)>,
    /// When the meter was last written down.
    pub(super) checkpoint_ms: i64,
}

impl Entry {
    pub(super) fn new(trip: Trip, k: u32) -> Self {
        let (meter_m, last) = (trip.meter.distance_m, trip.meter.last.map(|at| (at, 0)));
        let checkpoint_ms = trip.times.picked_up_ms.unwrap_or(0);
        Self { trip, k, due_ms: None, away_since_ms: None, meter_m, last, checkpoint_ms }
    }
}

impl Market {
    /// Opens a trip and queues it.
    pub(super) fn open(&mut self, now_ms: i64, request: RideRequest) -> u64 {
        let number = self.next_number;
        let trip = self.trip_id(number);
        let event = TripEvent::Requested(Box::new(request.clone()));
        self.insert(number, request, now_ms);
        self.effects.push(effect::Effect::Changed { trip: trip.clone() });
        self.queued.push(Change::Trip { trip, event });
        number
    }

    /// Lets a trip take an event and queues it. A repeat changes nothing.
    pub(super) fn put(&mut self, now_ms: i64, number: u64, event: TripEvent) -> Result<Outcome, Error> {
        let before = self.trips[&number].trip.driver.clone();
        let outcome = self.take(now_ms, number, &event)?;
        if outcome == Outcome::Changed {
            let trip = &self.trips[&number].trip;
            self.effects.extend(effect::of(&event, trip, before.as_ref()));
            self.queued.push(Change::Trip { trip: trip.id.clone(), event });
        }
        Ok(outcome)
    }

    /// A new trip and its place in the lists.
    pub(super) fn insert(&mut self, number: u64, request: RideRequest, at_ms: i64) {
        let key = (request.rider.clone(), request.key.clone());
        *self.live_of_rider.entry(request.rider.clone()).or_default() += 1;
        let trip = Trip::requested(self.trip_id(number), request, at_ms);
        self.keys.insert(key, number);
        self.waiting.insert((at_ms, number));
        self.trips.insert(number, Entry::new(trip, self.rules.k_min));
        self.next_number = self.next_number.max(number + 1);
        self.set_due(number);
    }

    /// Lets a trip take an event; the lists follow.
    pub(super) fn take(&mut self, at_ms: i64, number: u64, event: &TripEvent) -> Result<Outcome, Error> {
        let entry = self.trips.get_mut(&number).expect("the caller has looked it up");
        let (state, driver) = (entry.trip.state, entry.trip.driver.clone());
        if entry.trip.apply(event, at_ms)? == Outcome::Repeated {
            return Ok(Outcome::Repeated);
        }
        match event {
            TripEvent::PickedUp { at, .. } => {
                entry.meter_m = 0.0;
                entry.last = at.map(|at| (at, at_ms));
                entry.checkpoint_ms = at_ms;
            }
            TripEvent::Metered { distance_m, at } => {
                entry.meter_m = entry.meter_m.max(*distance_m);
                entry.last.get_or_insert((*at, at_ms));
                entry.checkpoint_ms = at_ms;
            }
            _ => {}
        }
        let now = entry.trip.state;
        if now != state {
            self.follow(number, state, driver);
        }
        Ok(Outcome::Changed)
    }

    /// A trip has come from this state and this driver to where it stands.
    fn follow(&mut self, number: u64, before: TripState, driver_before: Option<DriverId>) {
        let entry = self.trips.get_mut(&number).expect("the caller has just changed it");
        let (state, requested_ms) = (entry.trip.state, entry.trip.times.requested_ms);
        let driver = entry.trip.driver.clone().filter(|_| state.has_driver());
        let promised = driver_before.filter(|_| before.has_driver());
        if promised != driver {
            entry.away_since_ms = None;
            let trip = self.trip_id(number);
            if let Some(driver) = promised {
                self.by_driver.remove(&driver);
                self.ending.push((driver, trip));
            }
            if let Some(driver) = driver {
                self.by_driver.insert(driver, number);
            }
        }
        if before == TripState::Requested {
            self.waiting.remove(&(requested_ms, number));
        }
        if state == TripState::Requested {
            self.waiting.insert((requested_ms, number));
        }
        if before.is_live() && !state.is_live() {
            self.count_down(number);
        }
        self.set_due(number);
    }

    fn count_down(&mut self, number: u64) {
        let rider = &self.trips[&number].trip.request.rider;
        if let Some(live) = self.live_of_rider.get_mut(rider) {
            *live -= 1;
            if *live == 0 {
                self.live_of_rider.remove(rider);
            }
        }
    }
}
