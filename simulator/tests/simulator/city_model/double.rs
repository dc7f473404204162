//! A tiny dispatcher: the nearest free driver gets the oldest request. It can be chaotic: lose, repeat and refuse.

use std::collections::{BTreeMap, VecDeque};

use kerb_geometry::{LatLng, distance_m};
use kerb_simulator::lab::message::{Action, Heard, Outcome, Said};
use kerb_trips::TripState;
use kerb_types::DriverStatus;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// An offer runs out after this, milliseconds.
const OFFER_MS: i64 = 15_000;
/// The straight line's speed, meters a second.
const MPS: f64 = 4.5;

struct Ride {
    pickup: LatLng,
    dropoff: LatLng,
    state: TripState,
    driver: Option<u32>,
    refused_by: Vec<u32>,
    until_ms: i64,
    wait_until_ms: i64,
}

/// The service's stand-in.
pub(super) struct Double {
    rides: BTreeMap<u32, Ride>,
    places: BTreeMap<u32, LatLng>,
    answers: VecDeque<Heard>,
    /// Whether to lose, repeat and refuse.
    chaos: Option<Pcg64Mcg>,
    due_ms: Option<i64>,
}

impl Double {
    pub(super) fn new() -> Self {
        Self {
            rides: BTreeMap::new(),
            places: BTreeMap::new(),
            answers: VecDeque::new(),
            chaos: None,
            due_ms: None,
        }
    }

    pub(super) fn chaotic(seed: u64) -> Self {
        Self { chaos: Some(Pcg64Mcg::seed_from_u64(seed)), ..Self::new() }
    }

    /// When it has something to do of itself.
    pub(super) fn next_ms(&self) -> Option<i64> {
        self.due_ms
    }

    pub(super) fn take(&mut self, now_ms: i64, said: &Said) {
        match said {
            Said::Report { driver, position, status, .. } => {
                if *status == DriverStatus::Available {
                    self.places.insert(*driver, *position);
                } else {
                    self.places.remove(driver);
                }
            }
            Said::Request { request, pickup, dropoff, wait_max_ms, .. } => {
                if self.luck(0.02) {
                    let reason = "full".to_owned();
                    return self.answers.push_back(Heard::RequestRefused { request: *request, reason });
                }
                let ride = Ride {
                    pickup: *pickup,
                    dropoff: *dropoff,
                    state: TripState::Requested,
                    driver: None,
                    refused_by: Vec::new(),
                    until_ms: i64::MAX,
                    wait_until_ms: now_ms + i64::from(*wait_max_ms),
                };
                self.rides.insert(*request, ride);
                self.answers.push_back(Heard::Requested { request: *request, trip: format!("t-{request}") });
            }
            Said::Cancel { request } => {
                if let Some(ride) = self.rides.remove(request) {
                    self.tell_rider(*request, TripState::Cancelled, None, None);
                    self.over(*request, ride.driver);
                }
            }
            Said::Act { driver, trip, action } => self.act(*driver, trip, *action),
            Said::Switch { .. } => panic!("nobody changes the policy"),
        }
    }

    fn act(&mut self, driver: u32, trip: &str, action: Action) {
        let request: u32 = trip.strip_prefix("t-").unwrap().parse().unwrap();
        let outcome = if self.luck(0.05) {
            Outcome::Again
        } else if self.luck(0.03) {
            Outcome::Refused
        } else {
            self.decide(driver, request, action)
        };
        self.answers.push_back(Heard::Acted { driver, trip: trip.to_owned(), action, outcome });
    }

    fn decide(&mut self, driver: u32, request: u32, action: Action) -> Outcome {
        let Some(ride) = self.rides.get_mut(&request).filter(|ride| ride.driver == Some(driver)) else {
            return Outcome::Refused;
        };
        let (from, to) = match action {
            Action::Accept => (TripState::Offered, TripState::EnRoute),
            Action::Decline => (TripState::Offered, TripState::Requested),
            Action::Arrive => (TripState::EnRoute, TripState::Arrived),
            Action::PickUp => (TripState::Arrived, TripState::OnTrip),
            Action::DropOff => (TripState::OnTrip, TripState::Completed),
        };
        if ride.state == to {
            return Outcome::Taken;
        }
        if ride.state != from {
            return Outcome::Refused;
        }
        ride.state = to;
        ride.until_ms = i64::MAX;
        if action == Action::Decline {
            ride.driver = None;
            ride.refused_by.push(driver);
        }
        let eta_s = self.places.get(&driver).map(|at| (distance_m(*at, ride.pickup) / MPS) as u32);
        let eta_s = eta_s.filter(|_| action == Action::Accept);
        let told = ride.driver;
        if to == TripState::Completed {
            self.rides.remove(&request);
        }
        self.tell_rider(request, to, told, eta_s);
        Outcome::Taken
    }

    /// All that people hear now: answers, offers, and what ran out.
    pub(super) fn answers(&mut self, now_ms: i64) -> Vec<Heard> {
        self.expire(now_ms);
        self.match_up(now_ms);
        self.due_ms = self
            .rides
            .values()
            .filter(|ride| matches!(ride.state, TripState::Requested | TripState::Offered))
            .map(|ride| ride.until_ms.min(ride.wait_until_ms).max(now_ms + 1))
            .min();
        let mut heard = Vec::new();
        for answer in std::mem::take(&mut self.answers) {
            if self.luck(0.05) {
                continue;
            }
            if self.luck(0.05) {
                heard.push(answer.clone());
            }
            heard.push(answer);
        }
        heard
    }

    fn expire(&mut self, now_ms: i64) {
        let due: Vec<u32> = self
            .rides
            .iter()
            .filter(|(_, ride)| matches!(ride.state, TripState::Requested | TripState::Offered))
            .filter(|(_, ride)| ride.until_ms.min(ride.wait_until_ms) <= now_ms)
            .map(|(request, _)| *request)
            .collect();
        for request in due {
            let ride = self.rides.get_mut(&request).unwrap();
            let driver = ride.driver.take();
            ride.refused_by.extend(driver);
            (ride.state, ride.until_ms) = (TripState::Requested, i64::MAX);
            if ride.wait_until_ms <= now_ms {
                self.rides.remove(&request);
                self.tell_rider(request, TripState::Expired, None, None);
            }
            self.over(request, driver);
        }
    }

    fn match_up(&mut self, now_ms: i64) {
        if self.rides.values().all(|ride| ride.state != TripState::Requested) {
            return;
        }
        let busy: Vec<u32> = self.rides.values().filter_map(|ride| ride.driver).collect();
        let mut free: BTreeMap<u32, LatLng> = self.places.clone();
        free.retain(|driver, _| !busy.contains(driver));
        let mut offers = Vec::new();
        for (request, ride) in self.rides.iter_mut().filter(|(_, ride)| ride.state == TripState::Requested) {
            let able = free.iter().filter(|(driver, _)| !ride.refused_by.contains(driver));
            let near =
                able.min_by(|a, b| distance_m(*a.1, ride.pickup).total_cmp(&distance_m(*b.1, ride.pickup)));
            let Some((&driver, &at)) = near else { continue };
            free.remove(&driver);
            (ride.state, ride.driver, ride.until_ms) = (TripState::Offered, Some(driver), now_ms + OFFER_MS);
            offers.push(Heard::Task {
                driver,
                trip: format!("t-{request}"),
                state: TripState::Offered,
                pickup: ride.pickup,
                dropoff: ride.dropoff,
                eta_s: Some((distance_m(at, ride.pickup) / MPS) as u32),
            });
        }
        self.answers.extend(offers);
    }

    fn over(&mut self, request: u32, driver: Option<u32>) {
        self.answers.extend(driver.map(|driver| Heard::Over { driver, trip: format!("t-{request}") }));
    }

    fn tell_rider(&mut self, request: u32, state: TripState, driver: Option<u32>, eta_s: Option<u32>) {
        self.answers.push_back(Heard::Trip { request, state, driver, eta_s });
    }

    fn luck(&mut self, chance: f64) -> bool {
        self.chaos.as_mut().is_some_and(|rng| rng.random::<f64>() < chance)
    }
}
