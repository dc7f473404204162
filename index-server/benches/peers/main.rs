//! Compares the index with other structures in memory, on the same points: rstar, kiddo rebuilt, a hash grid of 250 m
//! squares and one of H3 cells. Every answer's distances are compared with a linear scan.
//!
//! `cargo bench -p kerb-index-server --bench peers`; sizes: `KERB_BENCH_DRIVERS=100000,1000000`.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a bench measures the time that passes")]

#[path = "../shared/city.rs"]
#[allow(dead_code, reason = "the other benches use more of it")]
mod city;
#[path = "../shared/filled_index.rs"]
#[allow(dead_code, reason = "the other bench uses more of it")]
mod filled_index;
mod grid;
mod trees;

use std::hint::black_box;
use std::time::Instant;

use city::City;
use filled_index::{FilledIndex, ROWS, query, search};
use kerb_geometry::{Circle, LatLng, Origin};
use kerb_types::Sharding;

/// Number of measurements, the structures in turn.
const ROUNDS: usize = 5;
/// Updates, nearest searches and searches within of a round.
const UPDATES: usize = 8 * ROWS;
const NEAREST: usize = 2_000;
const WITHIN: usize = 200;
/// Answers that are compared with a linear scan, of each kind.
const COMPARED: usize = 20;

/// A driver and where it is now.
type Move = (u32, LatLng);

/// A structure of points.
trait Points {
    fn name(&self) -> &'static str;
    /// Takes the newest positions.
    fn update(&mut self, moves: &[Move]);
    /// Distances (haversines) of the 10 nearest within 5 km, in order.
    fn nearest(&self, point: LatLng) -> Vec<f64>;
    /// Distances of all within 1 km, in no order.
    fn within(&self, point: LatLng) -> Vec<f64>;
}

/// The index, which also compares versions, holds driver profiles, and lets searches run next to updates.
struct KerbIndex {
    filled: FilledIndex,
    sharding: Sharding,
    sequence: u64,
}

impl Points for KerbIndex {
    fn name(&self) -> &'static str {
        "kerb index"
    }

    fn update(&mut self, moves: &[Move]) {
        for moves in moves.chunks(ROWS) {
            self.sequence += 1;
            self.filled.apply(&City::batch_of(self.sharding, moves, self.sequence));
        }
    }

    fn nearest(&self, point: LatLng) -> Vec<f64> {
        search(&self.filled.index, &query(self.sharding, point, true))
    }

    fn within(&self, point: LatLng) -> Vec<f64> {
        search(&self.filled.index, &query(self.sharding, point, false))
    }
}

/// Nanoseconds an operation, of all rounds.
#[derive(Default)]
struct Times {
    update: Vec<f64>,
    nearest: Vec<f64>,
    within: Vec<f64>,
    different: usize,
}

fn main() {
    // Cargo passes "--bench"; with a filter that does not name this bench there is nothing to do.
    if std::env::args().skip(1).any(|word| !word.starts_with('-') && !"peers".contains(&word)) {
        return;
    }
    let sizes = std::env::var("KERB_BENCH_DRIVERS").unwrap_or_else(|_| "100000,1000000".to_owned());
    for drivers in sizes.split(',') {
        measure(drivers.trim().parse().unwrap());
    }
}

fn measure(drivers: usize) {
    let mut city = City::new(drivers);
    let first: Vec<LatLng> = (0..drivers).map(|i| city.position(i)).collect();
    let (mut all, bytes): (Vec<Box<dyn Points>>, Vec<f64>) = makers(drivers)
        .into_iter()
        .map(|make| {
            let before = resident_bytes();
            let made = make(&first);
            (made, (resident_bytes() - before) / drivers as f64)
        })
        .unzip();
    let mut times: Vec<Times> = all.iter().map(|_| Times::default()).collect();
    for _ in 0..ROUNDS {
        let moves = city.moves(UPDATES);
        let riders: Vec<LatLng> = (0..NEAREST).map(|_| city.rider_nearby()).collect();
        for (points, times) in all.iter_mut().zip(&mut times) {
            times.update.push(nanos(UPDATES, || points.update(&moves)));
            times.nearest.push(nanos(NEAREST, || {
                for rider in &riders {
                    black_box(points.nearest(*rider));
                }
            }));
            times.within.push(nanos(WITHIN, || {
                for rider in &riders[..WITHIN] {
                    black_box(points.within(*rider));
                }
            }));
        }
        for rider in &riders[..COMPARED] {
            compare(&city, drivers, *rider, &all, &mut times);
        }
    }
    println!("\n{drivers} drivers, medians of {ROUNDS} rounds in turn");
    println!(
        "{:<12} {:>11} {:>11} {:>11} {:>9} {:>10}",
        "", "update ns", "nearest us", "within us", "bytes", "different"
    );
    for ((points, times), bytes) in all.iter().zip(times).zip(bytes) {
        let Times { update, nearest, within, different } = times;
        println!(
            "{:<12} {:>11.0} {:>11.2} {:>11.1} {bytes:>9.0} {different:>10}",
            points.name(),
            median(update),
            median(nearest) / 1e3,
            median(within) / 1e3,
        );
    }
}

type Make = Box<dyn FnOnce(&[LatLng]) -> Box<dyn Points>>;

fn makers(drivers: usize) -> Vec<Make> {
    vec![
        Box::new(move |_| {
            let city = City::new(drivers);
            Box::new(KerbIndex {
                filled: FilledIndex::new(&city, drivers),
                sharding: city.sharding,
                sequence: 0,
            })
        }),
        Box::new(|first| Box::new(grid::Grid::new("250 m grid", first, grid::Squares))),
        Box::new(|first| Box::new(grid::Grid::new("H3 grid", first, grid::Hexagons))),
        Box::new(|first| Box::new(trees::Rstar::new(first))),
        Box::new(|first| Box::new(trees::Kiddo::new(first))),
    ]
}

/// Counts for each structure an answer that is not that of a linear scan.
fn compare(city: &City, drivers: usize, rider: LatLng, all: &[Box<dyn Points>], times: &mut [Times]) {
    let scan = |radius_m: f64| {
        let circle = Circle::new(rider, radius_m).unwrap();
        let havs = (0..drivers).map(|i| circle.origin().hav(city.position(i)));
        let mut havs: Vec<f64> = havs.filter(|hav| *hav <= circle.hav_max()).collect();
        havs.sort_unstable_by(f64::total_cmp);
        havs
    };
    let (mut nearest, within) = (scan(5_000.0), scan(1_000.0));
    nearest.truncate(10);
    for (points, times) in all.iter().zip(times) {
        let mut found = points.within(rider);
        found.sort_unstable_by(f64::total_cmp);
        times.different += usize::from(points.nearest(rider) != nearest) + usize::from(found != within);
    }
}

fn nanos(count: usize, work: impl FnOnce()) -> f64 {
    let began = Instant::now();
    work();
    began.elapsed().as_nanos() as f64 / count as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Resident memory of this process.
fn resident_bytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<f64>().unwrap() * 1_024.0
}

/// Distances within a limit, the nearest `k` in order.
struct Nearest {
    origin: Origin,
    hav_max: f64,
    found: Vec<f64>,
}

impl Nearest {
    const K: usize = 10;

    fn new(point: LatLng, radius_m: f64) -> Self {
        let circle = Circle::new(point, radius_m).unwrap();
        Self { origin: Origin::new(point), hav_max: circle.hav_max(), found: Vec::with_capacity(Self::K + 1) }
    }

    fn offer(&mut self, position: LatLng) {
        let hav = self.origin.hav(position);
        if hav <= self.hav_max {
            let at = self.found.partition_point(|other| *other <= hav);
            self.found.insert(at, hav);
            if self.found.len() > Self::K {
                self.found.pop();
            }
            if self.found.len() == Self::K {
                self.hav_max = self.found[Self::K - 1];
            }
        }
    }
}
