//! Scripted agents: drivers go in straight lines, riders request at random, and all act when it is due.

use std::collections::BTreeMap;

use kerb_geometry::{LatLng, distance_m};
use kerb_simulator::agents::Agents;
use kerb_simulator::agents::messages::{
    ActionOutcome, AgentAction, AgentEvent, DriverAction, DriverNumber, RequestNumber,
};
use kerb_trips::TripState;
use kerb_types::DriverStatus;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// 2026-03-02 08:00 UTC.
pub(crate) const BEGINS_MS: i64 = 1_772_438_400_000;
const REPORT_EVERY_MS: i64 = 3_000;
const SPEED_MPS: f64 = 12.0;
const WAIT_MAX_MS: u32 = 240_000;

/// The state of a request, as its rider knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestState {
    Sent,
    Live(TripState),
    Ended(TripState),
    Rejected,
}

struct Driver {
    at: LatLng,
    /// Time at which it left `at` for `to`.
    since_ms: i64,
    to: LatLng,
    report_ms: i64,
    assignment: Option<Assignment>,
    act_ms: Option<i64>,
}

struct Assignment {
    trip: String,
    state: TripState,
    pickup: LatLng,
    dropoff: LatLng,
}

pub(crate) struct ScriptedAgents {
    rng: Pcg64Mcg,
    drivers: Vec<Driver>,
    /// Times and ends of future requests, the next one last.
    future_requests: Vec<(i64, LatLng, LatLng)>,
    pub(crate) requests: BTreeMap<RequestNumber, RequestState>,
    pub(crate) served: u32,
    ends_ms: i64,
}

impl ScriptedAgents {
    pub(crate) fn new(drivers: usize, requests: usize, minutes: i64, seed: u64) -> Self {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let ends_ms = BEGINS_MS + minutes * 60_000;
        let drivers = (0..drivers).map(|i| {
            let at = place(&mut rng);
            let report_ms = BEGINS_MS + (i as i64 * 37) % REPORT_EVERY_MS;
            Driver { at, since_ms: BEGINS_MS, to: at, report_ms, assignment: None, act_ms: None }
        });
        let drivers = drivers.collect();
        let mut future_requests: Vec<_> = (0..requests)
            .map(|_| (rng.random_range(BEGINS_MS + 5_000..ends_ms), place(&mut rng), place(&mut rng)))
            .collect();
        future_requests.sort_by_key(|request| request.0);
        future_requests.reverse();
        Self { rng, drivers, future_requests, requests: BTreeMap::new(), served: 0, ends_ms }
    }

    /// Returns the number of requests with neither a rejection nor a trip.
    pub(crate) fn unanswered(&self) -> usize {
        self.requests.values().filter(|state| **state == RequestState::Sent).count()
    }
}

fn place(rng: &mut Pcg64Mcg) -> LatLng {
    LatLng::new(rng.random_range(37.75..37.79), rng.random_range(-122.44..-122.39)).unwrap()
}

impl Driver {
    fn arrives_ms(&self) -> i64 {
        self.since_ms + (distance_m(self.at, self.to) / SPEED_MPS * 1_000.0) as i64
    }

    fn place(&self, now_ms: i64) -> LatLng {
        let whole_ms = (self.arrives_ms() - self.since_ms).max(1);
        let part = ((now_ms - self.since_ms) as f64 / whole_ms as f64).clamp(0.0, 1.0);
        let between = |a: f64, b: f64| a + (b - a) * part;
        LatLng::new(
            between(self.at.lat_deg(), self.to.lat_deg()),
            between(self.at.lon_deg(), self.to.lon_deg()),
        )
        .unwrap()
    }

    fn drive(&mut self, now_ms: i64, to: LatLng) {
        (self.at, self.since_ms, self.to) = (self.place(now_ms), now_ms, to);
    }

    /// Returns the action on its assignment that is due.
    fn act(&mut self, now_ms: i64, declines: bool) -> Option<DriverAction> {
        self.act_ms = None;
        match self.assignment.as_ref()?.state {
            TripState::Offered if declines => Some(DriverAction::Decline),
            TripState::Offered => Some(DriverAction::Accept),
            TripState::EnRoute if now_ms >= self.arrives_ms() => Some(DriverAction::Arrive),
            TripState::Arrived => Some(DriverAction::PickUp),
            TripState::OnTrip if now_ms >= self.arrives_ms() => Some(DriverAction::DropOff),
            _ => None,
        }
    }
}

impl Agents for ScriptedAgents {
    fn begins_ms(&self) -> i64 {
        BEGINS_MS
    }

    fn ends_ms(&self) -> i64 {
        self.ends_ms
    }

    fn vehicle_classes(&self) -> Vec<String> {
        vec!["standard".to_owned(); self.drivers.len()]
    }

    fn next_ms(&self) -> Option<i64> {
        let driver = self.drivers.iter().map(|d| d.report_ms.min(d.act_ms.unwrap_or(i64::MAX))).min();
        self.future_requests.last().map(|request| request.0).into_iter().chain(driver).min()
    }

    fn step(&mut self, now_ms: i64, actions: &mut Vec<AgentAction>) {
        while let Some((_, pickup, dropoff)) = self.future_requests.pop_if(|request| request.0 <= now_ms) {
            let request = RequestNumber(self.requests.len() as u32);
            self.requests.insert(request, RequestState::Sent);
            let (passengers, vehicle_class) = (1, "standard".to_owned());
            actions.push(AgentAction::Request {
                request,
                pickup,
                dropoff,
                passengers,
                vehicle_class,
                wait_max_ms: WAIT_MAX_MS,
            });
        }
        for (number, driver) in (0..).map(DriverNumber).zip(&mut self.drivers) {
            if driver.act_ms.is_some_and(|act_ms| act_ms <= now_ms) {
                let declines = self.rng.random_range(0..10) == 0;
                if let Some(action) = driver.act(now_ms, declines) {
                    let trip = driver.assignment.as_ref().unwrap().trip.clone();
                    actions.push(AgentAction::Trip { driver: number, trip, action });
                }
            }
            if driver.report_ms <= now_ms {
                driver.report_ms = now_ms + REPORT_EVERY_MS;
                let is_free = driver.assignment.is_none();
                actions.push(AgentAction::Report {
                    driver: number,
                    measured_ms: now_ms,
                    position: driver.place(now_ms),
                    heading_deg: 12.5,
                    speed_mps: SPEED_MPS,
                    status: if is_free { DriverStatus::Available } else { DriverStatus::OnTrip },
                });
            }
        }
    }

    fn on_event(&mut self, now_ms: i64, event: AgentEvent) {
        match event {
            AgentEvent::RequestAccepted { request, .. } => {
                let state = self.requests.get_mut(&request).unwrap();
                if *state == RequestState::Sent {
                    *state = RequestState::Live(TripState::Requested);
                }
            }
            AgentEvent::RequestRejected { request, .. } => {
                _ = self.requests.insert(request, RequestState::Rejected);
            }
            AgentEvent::TripChanged { request, state, .. } => {
                self.served += u32::from(state == TripState::Completed);
                let state =
                    if state.is_live() { RequestState::Live(state) } else { RequestState::Ended(state) };
                self.requests.insert(request, state);
            }
            AgentEvent::Assignment { driver, trip, state, pickup, dropoff, .. } => {
                self.assign(now_ms, driver, Assignment { trip, state, pickup, dropoff });
            }
            AgentEvent::TripEnded { driver, trip } => {
                let driver = &mut self.drivers[driver.index()];
                if driver.assignment.as_ref().is_some_and(|assignment| assignment.trip == trip) {
                    (driver.assignment, driver.act_ms) = (None, None);
                    driver.drive(now_ms, driver.place(now_ms));
                }
            }
            AgentEvent::ActionResult { driver, trip, action, outcome } => {
                self.on_action_result(now_ms, driver, &trip, action, outcome);
            }
        }
    }
}

impl ScriptedAgents {
    fn assign(&mut self, now_ms: i64, number: DriverNumber, assignment: Assignment) {
        let driver = &mut self.drivers[number.index()];
        driver.act_ms = Some(match assignment.state {
            TripState::EnRoute => {
                driver.drive(now_ms, assignment.pickup);
                driver.arrives_ms()
            }
            TripState::OnTrip => {
                driver.drive(now_ms, assignment.dropoff);
                driver.arrives_ms()
            }
            TripState::Arrived => now_ms + 20_000,
            _ => now_ms + self.rng.random_range(1_000..6_000),
        });
        driver.assignment = Some(assignment);
    }

    fn on_action_result(
        &mut self,
        now_ms: i64,
        number: DriverNumber,
        trip: &str,
        action: DriverAction,
        outcome: ActionOutcome,
    ) {
        let driver = &mut self.drivers[number.index()];
        let Some(assignment) = driver.assignment.take_if(|assignment| assignment.trip == trip) else {
            return;
        };
        let state = match (outcome, action) {
            (ActionOutcome::Retry, _) => {
                driver.act_ms = Some(now_ms + 1_000);
                driver.assignment = Some(assignment);
                return;
            }
            (ActionOutcome::Rejected, _) | (_, DriverAction::Decline | DriverAction::DropOff) => {
                driver.report_ms = now_ms;
                return;
            }
            (_, DriverAction::Accept) => TripState::EnRoute,
            (_, DriverAction::Arrive) => TripState::Arrived,
            (_, DriverAction::PickUp) => TripState::OnTrip,
        };
        self.assign(now_ms, number, Assignment { state, ..assignment });
    }
}
