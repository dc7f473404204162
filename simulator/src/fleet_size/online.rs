//! The online run: in each minute, the day's trips are assigned to a fixed fleet with the smallest total delay.
//!
//! The method is the network-based batching of Vazifeh et al. 2018. A trip is known at the beginning of the minute of its
//! request. A vehicle can have one further trip after its present one. A trip that cannot begin within the maximum delay is
//! lost; an unassigned trip waits for the next minute. The solver is that of the matcher.

use kerb_assignment::{PENALTY_MAX, Problem, ProblemBuilder, solve_optimal};
use kerb_routing::engine::{Router, UNREACHABLE_MS};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde::Serialize;

use crate::fleet_size::day::{Day, DayTrip};

/// Length of a batch, seconds.
const BATCH_S: i64 = 60;
/// Cost of a second of delay. The travel time costs less than that, so it only decides between equal delays.
const DELAY_WEIGHT: u32 = 64;
/// Resolution of the travel time in the cost, seconds.
const WAY_STEP_S: f64 = 15.0;
/// Upper limit of the maximum delay, seconds: a lost trip must cost at least four such delays.
pub const DELAY_MAX_S: u32 = PENALTY_MAX / DELAY_WEIGHT / 4;

/// The results of a fleet.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OnlineReport {
    /// Ratio to the smallest fleet.
    pub times: f64,
    /// Number of vehicles.
    pub fleet: usize,
    /// Maximum delay, seconds.
    pub delay_max_s: u32,
    /// Trips that began within the maximum delay.
    pub served: usize,
    /// Trips that did not.
    pub lost: usize,
    /// Share of served trips among all trips.
    pub served_share: f64,
    /// Share of trips without a delay among served trips.
    pub on_time_share: f64,
    /// Mean delay of served trips, seconds.
    pub delay_mean_s: f64,
    /// Median delay, seconds.
    pub delay_p50_s: f64,
    /// 90th percentile of the delay, seconds.
    pub delay_p90_s: f64,
    /// 99th percentile of the delay, seconds.
    pub delay_p99_s: f64,
    /// Number of batches with trips.
    pub batches: usize,
    /// Mean duration of a batch on one thread, with its travel times, milliseconds.
    pub batch_mean_ms: f64,
    /// Maximum duration of a batch, milliseconds.
    pub batch_max_ms: f64,
    /// Mean duration of the assignment alone, milliseconds.
    pub assignment_mean_ms: f64,
}

/// The fleet of an online run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OnlineFleet {
    /// Ratio to the smallest fleet.
    pub times: f64,
    /// Number of vehicles, at least one.
    pub vehicles: usize,
    /// Maximum delay, seconds, at most [`DELAY_MAX_S`].
    pub delay_max_s: u32,
    /// Seed of the starting places, which are random pickups of the day.
    pub seed: u64,
}

#[derive(Clone, Copy)]
struct Vehicle {
    free_s: f64,
    place: u32,
}

struct Run<'a> {
    day: &'a Day,
    router: &'a Router,
    delay_max_s: f64,
    vehicles: Vec<Vehicle>,
    delays_s: Vec<f64>,
    lost: usize,
}

/// The assignment problem of a batch.
struct Batch {
    problem: Problem,
    /// Vehicle of each column.
    vehicles: Vec<u32>,
    /// Earliest pickup by row and column, unix seconds.
    pickups_s: Vec<f64>,
}

/// Runs the day. `elapsed_us` is a clock in microseconds.
pub fn online(day: &Day, router: &Router, fleet: OnlineFleet, elapsed_us: &dyn Fn() -> u64) -> OnlineReport {
    let mut random = Pcg64Mcg::seed_from_u64(fleet.seed);
    let mut place = || day.trips[random.random_range(0..day.trips.len())].from;
    let vehicles =
        (0..fleet.vehicles).map(|_| Vehicle { free_s: f64::NEG_INFINITY, place: place() }).collect();
    let delay_max_s = f64::from(fleet.delay_max_s);
    let mut run = Run { day, router, delay_max_s, vehicles, delays_s: Vec::new(), lost: 0 };
    let (mut waiting, mut batch_us, mut assignment_us) = (Vec::new(), Vec::new(), 0);
    let (mut now_s, mut next) = (day.trips.first().map_or(0, |trip| trip.pickup_s), 0);
    while next < day.trips.len() || !waiting.is_empty() {
        let ahead = &day.trips[next..];
        let known = ahead.partition_point(|trip| trip.pickup_s < now_s + BATCH_S);
        waiting.extend(next as u32..(next + known) as u32);
        next += known;
        if !waiting.is_empty() {
            let began = elapsed_us();
            let batch = run.batch(now_s, &waiting);
            let built = elapsed_us();
            let columns = solve_optimal(&batch.problem, 1).columns;
            assignment_us += elapsed_us() - built;
            batch_us.push(elapsed_us() - began);
            waiting = run.assign(now_s, &waiting, &batch, &columns);
        }
        now_s += BATCH_S;
    }
    run.report(fleet, &batch_us, assignment_us)
}

impl Run<'_> {
    fn batch(&self, now_s: i64, waiting: &[u32]) -> Batch {
        let now = now_s as f64;
        let until_s = now + BATCH_S as f64 + self.delay_max_s;
        let numbered = (0_u32..).zip(&self.vehicles);
        let vehicles: Vec<u32> = numbered.filter(|(_, v)| v.free_s <= until_s).map(|(n, _)| n).collect();
        let place = |number: u32| &self.day.places[number as usize][..];
        let from: Vec<_> = vehicles.iter().map(|v| place(self.vehicles[*v as usize].place)).collect();
        let trips = || waiting.iter().map(|trip| self.day.trips[*trip as usize]);
        let to: Vec<_> = trips().map(|trip| place(trip.from)).collect();
        let table = self.router.matrix(&from, &to);
        let slowness = self.day.slowness_at(now_s);
        let mut builder = ProblemBuilder::with_capacity(waiting.len(), vehicles.len(), 0);
        let mut pickups_s = Vec::with_capacity(waiting.len() * vehicles.len());
        for (row, trip) in trips().enumerate() {
            builder.begin_row(PENALTY_MAX);
            for (column, vehicle) in (0..).zip(&vehicles) {
                let free_ms = table.row(column as usize)[row];
                let drive_s = f64::from(free_ms) * slowness / 1_000.0;
                let pickup_s =
                    (now.max(self.vehicles[*vehicle as usize].free_s) + drive_s).max(trip.pickup_s as f64);
                pickups_s.push(pickup_s);
                let delay_s = pickup_s - trip.pickup_s as f64;
                if free_ms < UNREACHABLE_MS && delay_s <= self.delay_max_s {
                    builder.edge(column, cost(delay_s, drive_s));
                }
            }
        }
        let problem = builder.build().expect("columns are numbered and delays are bounded");
        Batch { problem, vehicles, pickups_s }
    }

    /// Assigns the trips to their vehicles. Returns the trips that wait for the next minute.
    fn assign(&mut self, now_s: i64, waiting: &[u32], batch: &Batch, columns: &[Option<u32>]) -> Vec<u32> {
        let mut unassigned = Vec::new();
        for (row, (number, column)) in waiting.iter().zip(columns).enumerate() {
            let trip = self.day.trips[*number as usize];
            if let Some(column) = column {
                let pickup_s = batch.pickups_s[row * batch.vehicles.len() + *column as usize];
                let vehicle = &mut self.vehicles[batch.vehicles[*column as usize] as usize];
                *vehicle = Vehicle { free_s: pickup_s + lasts_s(trip), place: trip.to };
                self.delays_s.push(pickup_s - trip.pickup_s as f64);
            } else if ((now_s + BATCH_S - trip.pickup_s) as f64) < self.delay_max_s {
                unassigned.push(*number);
            } else {
                self.lost += 1;
            }
        }
        unassigned
    }

    fn report(mut self, fleet: OnlineFleet, batch_us: &[u64], assignment_us: u64) -> OnlineReport {
        self.delays_s.sort_unstable_by(f64::total_cmp);
        let (served, batches) = (self.delays_s.len(), batch_us.len());
        let at = |share: f64| percentile(&self.delays_s, share);
        // A delay below a second is a rounding error.
        let on_time = self.delays_s.partition_point(|delay_s| *delay_s < 1.0);
        let each = |sum: f64, of: usize| sum / of.max(1) as f64;
        OnlineReport {
            times: fleet.times,
            fleet: fleet.vehicles,
            delay_max_s: fleet.delay_max_s,
            served,
            lost: self.lost,
            served_share: each(served as f64, served + self.lost),
            on_time_share: each(on_time as f64, served),
            delay_mean_s: each(self.delays_s.iter().sum(), served),
            delay_p50_s: at(0.5),
            delay_p90_s: at(0.9),
            delay_p99_s: at(0.99),
            batches,
            batch_mean_ms: each(batch_us.iter().sum::<u64>() as f64 / 1e3, batches),
            batch_max_ms: batch_us.iter().max().map_or(0.0, |us| *us as f64 / 1e3),
            assignment_mean_ms: each(assignment_us as f64 / 1e3, batches),
        }
    }
}

fn lasts_s(trip: DayTrip) -> f64 {
    (trip.dropoff_s - trip.pickup_s) as f64
}

fn cost(delay_s: f64, drive_s: f64) -> u32 {
    let way = ((drive_s / WAY_STEP_S) as u32).min(DELAY_WEIGHT - 1);
    delay_s as u32 * DELAY_WEIGHT + way
}

/// Returns a percentile by nearest rank; 0 without values.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}
