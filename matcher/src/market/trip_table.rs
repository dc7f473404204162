//! The book of a market: a trip takes an event, and every list follows. The one place that changes them.

use kerb_geometry::LatLng;
use kerb_ports::Error;
use kerb_trips::{
    Change, EventKind, IdempotencyKey, Outcome, RideRequest, RiderId, Trip, TripEvent, TripState,
};
use kerb_types::DriverId;

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
    /// Where the driver under way to the pickup was last seen, and when that was measured.
    pub(super) driver_at: Option<(LatLng, i64)>,
    /// Windows in which it waited for a driver who was to be free soon.
    pub(super) deferrals: u32,
    /// Meters since the pick-up, up to the newest position.
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
        Self {
            trip,
            k,
            due_ms: None,
            away_since_ms: None,
            driver_at: None,
            deferrals: 0,
            meter_m,
            last,
            checkpoint_ms,
        }
    }
}

/// Who is promised to a trip.
#[derive(PartialEq, Eq)]
pub(super) struct ReservedDrivers {
    /// Its own driver, from the offer on.
    pub(super) own: Option<DriverId>,
    /// Who is asked to take it over.
    pub(super) asked: Option<DriverId>,
}

impl ReservedDrivers {
    fn of(trip: &Trip) -> Self {
        Self {
            own: trip.driver.clone().filter(|_| trip.state.has_driver()),
            asked: trip.takeover_offer.as_ref().map(|asked| asked.driver.clone()),
        }
    }

    fn drivers(&self) -> impl Iterator<Item = &DriverId> {
        self.own.iter().chain(&self.asked)
    }

    /// Those of them who are not among the others.
    fn without<'a>(&'a self, others: &'a Self) -> impl Iterator<Item = &'a DriverId> {
        self.drivers().filter(|driver| !others.drivers().any(|other| other == *driver))
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
        let before = ReservedDrivers::of(&self.trips[&number].trip);
        let outcome = self.take(now_ms, number, &event)?;
        if outcome == Outcome::Changed {
            let trip = &self.trips[&number].trip;
            self.effects.extend(effect::of(&event, trip, &before));
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
        let (state, before) = (entry.trip.state, ReservedDrivers::of(&entry.trip));
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
        if let TripEvent::Reassigned { from, .. } = event {
            self.begin_cooldown(from, at_ms);
        }
        if event.kind() != EventKind::Metered {
            self.update_lists(number, state, &before);
        }
        Ok(Outcome::Changed)
    }

    /// A trip has come from this state and these drivers to where it stands.
    fn update_lists(&mut self, number: u64, before: TripState, held_before: &ReservedDrivers) {
        let entry = self.trips.get_mut(&number).expect("the caller has just changed it");
        let (state, requested_ms) = (entry.trip.state, entry.trip.times.requested_ms);
        let held = ReservedDrivers::of(&entry.trip);
        if held_before.own != held.own {
            (entry.away_since_ms, entry.driver_at) = (None, None);
        }
        for driver in held_before.without(&held) {
            self.by_driver.remove(driver);
            self.ending.push((driver.clone(), self.trip_id(number)));
        }
        for driver in held.without(held_before) {
            self.by_driver.insert(driver.clone(), number);
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
