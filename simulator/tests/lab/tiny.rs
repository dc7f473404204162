//! A tiny scripted city: drivers go in straight lines, riders ask at random, and everybody says what is due.

use std::collections::BTreeMap;

use kerb_geometry::{LatLng, distance_m};
use kerb_simulator::lab::message::{Action, DriverNumber, Heard, Outcome, RequestNumber, Said};
use kerb_simulator::lab::people::People;
use kerb_trips::TripState;
use kerb_types::DriverStatus;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// 2026-03-02 08:00 UTC.
pub(crate) const BEGINS_MS: i64 = 1_772_438_400_000;
const REPORT_EVERY_MS: i64 = 3_000;
const SPEED_MPS: f64 = 12.0;
const WAIT_MAX_MS: u32 = 240_000;

/// How a request stands, as its rider knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stand {
    Asked,
    Waiting(TripState),
    Ended(TripState),
    Refused,
}

struct Driver {
    at: LatLng,
    /// Since when it goes from `at` to `to`.
    since_ms: i64,
    to: LatLng,
    report_ms: i64,
    job: Option<Job>,
    act_ms: Option<i64>,
}

struct Job {
    trip: String,
    state: TripState,
    pickup: LatLng,
    dropoff: LatLng,
}

pub(crate) struct Tiny {
    rng: Pcg64Mcg,
    drivers: Vec<Driver>,
    /// When each rider asks, in order.
    asks: Vec<(i64, LatLng, LatLng)>,
    pub(crate) stands: BTreeMap<RequestNumber, Stand>,
    pub(crate) served: u32,
    ends_ms: i64,
}

impl Tiny {
    pub(crate) fn new(drivers: usize, requests: usize, minutes: i64, seed: u64) -> Self {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let ends_ms = BEGINS_MS + minutes * 60_000;
        let drivers = (0..drivers).map(|i| {
            let at = place(&mut rng);
            let report_ms = BEGINS_MS + (i as i64 * 37) % REPORT_EVERY_MS;
            Driver { at, since_ms: BEGINS_MS, to: at, report_ms, job: None, act_ms: None }
        });
        let drivers = drivers.collect();
        let mut asks: Vec<_> = (0..requests)
            .map(|_| (rng.random_range(BEGINS_MS + 5_000..ends_ms), place(&mut rng), place(&mut rng)))
            .collect();
        asks.sort_by_key(|ask| ask.0);
        asks.reverse();
        Self { rng, drivers, asks, stands: BTreeMap::new(), served: 0, ends_ms }
    }

    /// Requests of which the city knows neither a refusal nor a trip.
    pub(crate) fn unanswered(&self) -> usize {
        self.stands.values().filter(|stand| **stand == Stand::Asked).count()
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

    fn go(&mut self, now_ms: i64, to: LatLng) {
        (self.at, self.since_ms, self.to) = (self.place(now_ms), now_ms, to);
    }

    /// What it does now about its job.
    fn act(&mut self, now_ms: i64, declines: bool) -> Option<Action> {
        self.act_ms = None;
        match self.job.as_ref()?.state {
            TripState::Offered if declines => Some(Action::Decline),
            TripState::Offered => Some(Action::Accept),
            TripState::EnRoute if now_ms >= self.arrives_ms() => Some(Action::Arrive),
            TripState::Arrived => Some(Action::PickUp),
            TripState::OnTrip if now_ms >= self.arrives_ms() => Some(Action::DropOff),
            _ => None,
        }
    }
}

impl People for Tiny {
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
        self.asks.last().map(|ask| ask.0).into_iter().chain(driver).min()
    }

    fn step(&mut self, now_ms: i64, said: &mut Vec<Said>) {
        while let Some((_, pickup, dropoff)) = self.asks.pop_if(|ask| ask.0 <= now_ms) {
            let request = self.stands.len() as RequestNumber;
            self.stands.insert(request, Stand::Asked);
            let (passengers, vehicle_class) = (1, "standard".to_owned());
            said.push(Said::Request {
                request,
                pickup,
                dropoff,
                passengers,
                vehicle_class,
                wait_max_ms: WAIT_MAX_MS,
            });
        }
        for (number, driver) in (0..).zip(&mut self.drivers) {
            if driver.act_ms.is_some_and(|act_ms| act_ms <= now_ms) {
                let declines = self.rng.random_range(0..10) == 0;
                if let Some(action) = driver.act(now_ms, declines) {
                    let trip = driver.job.as_ref().unwrap().trip.clone();
                    said.push(Said::Act { driver: number, trip, action });
                }
            }
            if driver.report_ms <= now_ms {
                driver.report_ms = now_ms + REPORT_EVERY_MS;
                let free = driver.job.is_none();
                said.push(Said::Report {
                    driver: number,
                    measured_ms: now_ms,
                    position: driver.place(now_ms),
                    heading_deg: 12.5,
                    speed_mps: SPEED_MPS,
                    status: if free { DriverStatus::Available } else { DriverStatus::OnTrip },
                });
            }
        }
    }

    fn hear(&mut self, now_ms: i64, heard: Heard) {
        match heard {
            Heard::Requested { request, .. } => {
                let stand = self.stands.get_mut(&request).unwrap();
                if *stand == Stand::Asked {
                    *stand = Stand::Waiting(TripState::Requested);
                }
            }
            Heard::RequestRefused { request, .. } => _ = self.stands.insert(request, Stand::Refused),
            Heard::Trip { request, state, .. } => {
                let stand = if state.is_live() { Stand::Waiting(state) } else { Stand::Ended(state) };
                self.served += u32::from(state == TripState::Completed);
                self.stands.insert(request, stand);
            }
            Heard::Task { driver, trip, state, pickup, dropoff, .. } => {
                self.task(now_ms, driver, Job { trip, state, pickup, dropoff });
            }
            Heard::Over { driver, trip } => {
                let driver = &mut self.drivers[driver as usize];
                if driver.job.as_ref().is_some_and(|job| job.trip == trip) {
                    (driver.job, driver.act_ms) = (None, None);
                    driver.go(now_ms, driver.place(now_ms));
                }
            }
            Heard::Acted { driver, trip, action, outcome } => {
                self.acted(now_ms, driver, &trip, action, outcome);
            }
        }
    }
}

impl Tiny {
    fn task(&mut self, now_ms: i64, number: DriverNumber, job: Job) {
        let driver = &mut self.drivers[number as usize];
        driver.act_ms = Some(match job.state {
            TripState::EnRoute => {
                driver.go(now_ms, job.pickup);
                driver.arrives_ms()
            }
            TripState::OnTrip => {
                driver.go(now_ms, job.dropoff);
                driver.arrives_ms()
            }
            TripState::Arrived => now_ms + 20_000,
            _ => now_ms + self.rng.random_range(1_000..6_000),
        });
        driver.job = Some(job);
    }

    fn acted(&mut self, now_ms: i64, number: DriverNumber, trip: &str, action: Action, outcome: Outcome) {
        let driver = &mut self.drivers[number as usize];
        let Some(job) = driver.job.take_if(|job| job.trip == trip) else { return };
        let state = match (outcome, action) {
            (Outcome::Again, _) => {
                driver.act_ms = Some(now_ms + 1_000);
                driver.job = Some(job);
                return;
            }
            (Outcome::Refused, _) | (_, Action::Decline | Action::DropOff) => {
                driver.report_ms = now_ms;
                return;
            }
            (_, Action::Accept) => TripState::EnRoute,
            (_, Action::Arrive) => TripState::Arrived,
            (_, Action::PickUp) => TripState::OnTrip,
        };
        self.task(now_ms, number, Job { state, ..job });
    }
}
