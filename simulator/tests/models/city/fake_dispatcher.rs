//! A fake dispatcher: the nearest free driver gets the oldest request. It can lose, repeat and reject at random.

use std::collections::{BTreeMap, VecDeque};

use kerb_geometry::{LatLng, distance_m};
use kerb_simulator::agents::messages::{
    ActionOutcome, AgentAction, AgentEvent, DriverAction, DriverNumber, RequestNumber,
};
use kerb_trips::TripState;
use kerb_types::DriverStatus;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Time until an offer expires, milliseconds.
const OFFER_MS: i64 = 15_000;
/// Speed on the straight line, meters per second.
const MPS: f64 = 4.5;

struct Trip {
    pickup: LatLng,
    dropoff: LatLng,
    state: TripState,
    driver: Option<DriverNumber>,
    declined_by: Vec<DriverNumber>,
    until_ms: i64,
    wait_until_ms: i64,
}

/// A dispatcher without windows, streets or a journal.
pub(super) struct FakeDispatcher {
    trips: BTreeMap<RequestNumber, Trip>,
    free_drivers: BTreeMap<DriverNumber, LatLng>,
    events: VecDeque<AgentEvent>,
    /// Draws losses, repetitions and rejections; `None` for a reliable dispatcher.
    chaos: Option<Pcg64Mcg>,
    due_ms: Option<i64>,
}

impl FakeDispatcher {
    pub(super) fn new() -> Self {
        Self {
            trips: BTreeMap::new(),
            free_drivers: BTreeMap::new(),
            events: VecDeque::new(),
            chaos: None,
            due_ms: None,
        }
    }

    pub(super) fn chaotic(seed: u64) -> Self {
        Self { chaos: Some(Pcg64Mcg::seed_from_u64(seed)), ..Self::new() }
    }

    /// Returns the time of its next timeout.
    pub(super) fn next_ms(&self) -> Option<i64> {
        self.due_ms
    }

    pub(super) fn submit(&mut self, now_ms: i64, action: &AgentAction) {
        match action {
            AgentAction::Report { driver, position, status, .. } => {
                if *status == DriverStatus::Available {
                    self.free_drivers.insert(*driver, *position);
                } else {
                    self.free_drivers.remove(driver);
                }
            }
            AgentAction::Request { request, pickup, dropoff, wait_max_ms, .. } => {
                if self.happens(0.02) {
                    let reason = "full".to_owned();
                    return self.events.push_back(AgentEvent::RequestRejected { request: *request, reason });
                }
                let trip = Trip {
                    pickup: *pickup,
                    dropoff: *dropoff,
                    state: TripState::Requested,
                    driver: None,
                    declined_by: Vec::new(),
                    until_ms: i64::MAX,
                    wait_until_ms: now_ms + i64::from(*wait_max_ms),
                };
                self.trips.insert(*request, trip);
                let trip = format!("t-{request}");
                self.events.push_back(AgentEvent::RequestAccepted { request: *request, trip });
            }
            AgentAction::Cancel { request } => {
                if let Some(trip) = self.trips.remove(request) {
                    self.notify_rider(*request, TripState::Cancelled, None, None);
                    self.notify_ended(*request, trip.driver);
                }
            }
            AgentAction::Trip { driver, trip, action } => self.on_driver_action(*driver, trip, *action),
            AgentAction::SwitchPolicy { .. } => panic!("this city has no operator"),
        }
    }

    fn on_driver_action(&mut self, driver: DriverNumber, trip: &str, action: DriverAction) {
        let request = RequestNumber(trip.strip_prefix("t-").unwrap().parse().unwrap());
        let outcome = if self.happens(0.05) {
            ActionOutcome::Retry
        } else if self.happens(0.03) {
            ActionOutcome::Rejected
        } else {
            self.apply(driver, request, action)
        };
        let trip = trip.to_owned();
        self.events.push_back(AgentEvent::ActionResult { driver, trip, action, outcome });
    }

    fn apply(&mut self, driver: DriverNumber, request: RequestNumber, action: DriverAction) -> ActionOutcome {
        let Some(trip) = self.trips.get_mut(&request).filter(|trip| trip.driver == Some(driver)) else {
            return ActionOutcome::Rejected;
        };
        let (from, to) = match action {
            DriverAction::Accept => (TripState::Offered, TripState::EnRoute),
            DriverAction::Decline => (TripState::Offered, TripState::Requested),
            DriverAction::Arrive => (TripState::EnRoute, TripState::Arrived),
            DriverAction::PickUp => (TripState::Arrived, TripState::OnTrip),
            DriverAction::DropOff => (TripState::OnTrip, TripState::Completed),
        };
        if trip.state == to {
            return ActionOutcome::Applied;
        }
        if trip.state != from {
            return ActionOutcome::Rejected;
        }
        trip.state = to;
        trip.until_ms = i64::MAX;
        if action == DriverAction::Decline {
            trip.driver = None;
            trip.declined_by.push(driver);
        }
        let eta_s = self.free_drivers.get(&driver).map(|at| (distance_m(*at, trip.pickup) / MPS) as u32);
        let eta_s = eta_s.filter(|_| action == DriverAction::Accept);
        let assigned = trip.driver;
        if to == TripState::Completed {
            self.trips.remove(&request);
        }
        self.notify_rider(request, to, assigned, eta_s);
        ActionOutcome::Applied
    }

    /// Expires and assigns, and returns all events of this moment.
    pub(super) fn events(&mut self, now_ms: i64) -> Vec<AgentEvent> {
        self.expire(now_ms);
        self.assign(now_ms);
        self.due_ms = self
            .trips
            .values()
            .filter(|trip| matches!(trip.state, TripState::Requested | TripState::Offered))
            .map(|trip| trip.until_ms.min(trip.wait_until_ms).max(now_ms + 1))
            .min();
        let mut events = Vec::new();
        for event in std::mem::take(&mut self.events) {
            if self.happens(0.05) {
                continue;
            }
            if self.happens(0.05) {
                events.push(event.clone());
            }
            events.push(event);
        }
        events
    }

    fn expire(&mut self, now_ms: i64) {
        let due: Vec<RequestNumber> = self
            .trips
            .iter()
            .filter(|(_, trip)| matches!(trip.state, TripState::Requested | TripState::Offered))
            .filter(|(_, trip)| trip.until_ms.min(trip.wait_until_ms) <= now_ms)
            .map(|(request, _)| *request)
            .collect();
        for request in due {
            let trip = self.trips.get_mut(&request).unwrap();
            let driver = trip.driver.take();
            trip.declined_by.extend(driver);
            (trip.state, trip.until_ms) = (TripState::Requested, i64::MAX);
            if trip.wait_until_ms <= now_ms {
                self.trips.remove(&request);
                self.notify_rider(request, TripState::Expired, None, None);
            }
            self.notify_ended(request, driver);
        }
    }

    fn assign(&mut self, now_ms: i64) {
        if self.trips.values().all(|trip| trip.state != TripState::Requested) {
            return;
        }
        let busy: Vec<DriverNumber> = self.trips.values().filter_map(|trip| trip.driver).collect();
        let mut free = self.free_drivers.clone();
        free.retain(|driver, _| !busy.contains(driver));
        let mut offers = Vec::new();
        for (request, trip) in self.trips.iter_mut().filter(|(_, trip)| trip.state == TripState::Requested) {
            let able = free.iter().filter(|(driver, _)| !trip.declined_by.contains(driver));
            let near =
                able.min_by(|a, b| distance_m(*a.1, trip.pickup).total_cmp(&distance_m(*b.1, trip.pickup)));
            let Some((&driver, &at)) = near else { continue };
            free.remove(&driver);
            (trip.state, trip.driver, trip.until_ms) = (TripState::Offered, Some(driver), now_ms + OFFER_MS);
            offers.push(AgentEvent::Assignment {
                driver,
                trip: format!("t-{request}"),
                state: TripState::Offered,
                pickup: trip.pickup,
                dropoff: trip.dropoff,
                eta_s: Some((distance_m(at, trip.pickup) / MPS) as u32),
            });
        }
        self.events.extend(offers);
    }

    fn notify_ended(&mut self, request: RequestNumber, driver: Option<DriverNumber>) {
        let trip = format!("t-{request}");
        self.events.extend(driver.map(|driver| AgentEvent::TripEnded { driver, trip }));
    }

    fn notify_rider(
        &mut self,
        request: RequestNumber,
        state: TripState,
        driver: Option<DriverNumber>,
        eta_s: Option<u32>,
    ) {
        self.events.push_back(AgentEvent::TripChanged { request, state, driver, eta_s });
    }

    fn happens(&mut self, chance: f64) -> bool {
        self.chaos.as_mut().is_some_and(|rng| rng.random::<f64>() < chance)
    }
}
