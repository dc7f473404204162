//! Measures how costs grow with the fleet, and throughput with threads: 10 k to 10 M drivers, 1 to all cores.
//!
//! `cargo bench -p kerb-index-server --bench scale`; sizes: `KERB_BENCH_DRIVERS=10000,100000,1000000,10000000`.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a bench measures the time that passes")]

#[path = "shared/city.rs"]
#[allow(dead_code, reason = "the other benches use more of it")]
mod city;
#[path = "shared/filled_index.rs"]
mod filled_index;

use std::hint::black_box;
use std::time::{Duration, Instant};

use city::City;
use filled_index::{FilledIndex, ROWS, query, search};
use kerb_ports::ShardQuery;

/// Number of measurements.
const ROUNDS: usize = 5;
/// Batches of a measurement.
const BATCHES: usize = 32;
/// Number of searches that are prepared.
const QUERIES: usize = 2_048;
/// Duration of the searches of threads.
const SPAN: Duration = Duration::from_secs(1);

fn main() {
    if std::env::args().skip(1).any(|word| !word.starts_with('-') && !"scale".contains(&word)) {
        return;
    }
    let sizes =
        std::env::var("KERB_BENCH_DRIVERS").unwrap_or_else(|_| "10000,100000,1000000,10000000".to_owned());
    for drivers in sizes.split(',') {
        measure(drivers.trim().parse().unwrap());
    }
}

/// Prints the figures of one size of the fleet.
fn measure(drivers: usize) {
    let mut city = City::new(drivers);
    let mut filled = FilledIndex::new(&city, drivers);
    // Every driver reports once, so that the trees are those of a fleet that has moved.
    for _ in 0..drivers.div_ceil(ROWS) {
        filled.apply(&city.next(ROWS));
    }
    let riders: Vec<_> = (0..QUERIES).map(|_| city.rider_nearby()).collect();
    let of = |nearest| riders.iter().map(|rider| query(city.sharding, *rider, nearest)).collect::<Vec<_>>();
    let (nearest, within) = (of(true), of(false));
    let (mut update_ns, mut nearest_us, mut within_us) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let batches: Vec<_> = (0..BATCHES).map(|_| city.next(ROWS)).collect();
        let began = Instant::now();
        for batch in &batches {
            filled.apply(batch);
        }
        update_ns.push(began.elapsed().as_nanos() as f64 / (BATCHES * ROWS) as f64);
        nearest_us.push(mean_us(&filled, &nearest));
        within_us.push(mean_us(&filled, &within[..QUERIES / 16]));
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (update_ns, nearest_us, within_us) = (median(update_ns), median(nearest_us), median(within_us));
    let bytes = filled.bytes_per_driver();
    println!(
        "{drivers:>9} drivers: update {update_ns:.0} ns, nearest {nearest_us:.2} us, all within 1 km \
         {within_us:.1} us, {bytes:.1} B a driver"
    );
    for threads in 1..=threads {
        let (per_s, p99_us) = on_threads(&filled, &nearest, threads);
        println!("{threads:>9} threads: {per_s:.0} nearest searches/s, p99 {p99_us:.1} us");
    }
}

fn mean_us(filled: &FilledIndex, queries: &[ShardQuery]) -> f64 {
    let began = Instant::now();
    for query in queries {
        black_box(search(&filled.index, query));
    }
    began.elapsed().as_nanos() as f64 / 1e3 / queries.len() as f64
}

/// Returns the searches a second of this number of threads, and the 99th percentile of their durations.
fn on_threads(filled: &FilledIndex, queries: &[ShardQuery], threads: usize) -> (f64, f64) {
    let index = &filled.index;
    let searches = |thread: usize| {
        let (began, mut took_us) = (Instant::now(), Vec::new());
        for query in queries.iter().cycle().skip(thread * 97) {
            let started = Instant::now();
            black_box(search(index, query));
            took_us.push(started.elapsed().as_nanos() as f64 / 1e3);
            if began.elapsed() >= SPAN {
                return took_us;
            }
        }
        took_us
    };
    let mut took_us: Vec<f64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|thread| scope.spawn(move || searches(thread))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    took_us.sort_by(f64::total_cmp);
    (took_us.len() as f64 / SPAN.as_secs_f64(), took_us[took_us.len() * 99 / 100])
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
