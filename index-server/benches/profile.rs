//! Runs one kind of work on a full index, for a profiler: `update`, `query`, `nearest` or `within`. Times are processor
//! times. `nearest-100` and `nearest-1000` search for drivers of which there is one in 100 or in 1,000.
//!
//! `cargo bench -p kerb-index-server --bench profile -- nearest`; size: `KERB_BENCH_DRIVERS=1000000`. Under
//! `valgrind --tool=callgrind --toggle-collect='profile::measured*'` only the work itself is counted.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench fails by panicking")]

#[path = "shared/city.rs"]
#[allow(dead_code, reason = "the other benches use more of it")]
mod city;
#[path = "shared/filled_index.rs"]
#[allow(dead_code, reason = "the other benches use more of it")]
mod filled_index;

use std::hint::black_box;

use city::City;
use filled_index::{FilledIndex, ROWS, query, search};
use kerb_ports::{DriverFilter, ShardQuery};
use kerb_types::{Capabilities, IndexedStatus};

/// Number of measurements, each with different work.
const ROUNDS: usize = 9;
/// Updates of a round, searches for the nearest, and for all within.
const BATCHES: usize = 8;
const NEAREST: usize = 2_000;
const WITHIN: usize = 100;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let drivers = std::env::var("KERB_BENCH_DRIVERS").map_or(1_000_000, |text| text.parse().unwrap());
    let rounds = std::env::var("KERB_BENCH_ROUNDS").map_or(ROUNDS, |text| text.parse().unwrap());
    let mut city = City::new(drivers);
    let mut filled = FilledIndex::new(&city, drivers);
    for kind in words {
        let mut nanos: Vec<f64> = (0..rounds).map(|_| round(&kind, &mut city, &mut filled)).collect();
        nanos.sort_by(f64::total_cmp);
        let (least, median) = (nanos[0], nanos[rounds / 2]);
        println!(
            "{kind}: {median:.0} ns, at least {least:.0}, median of {rounds} rounds of {drivers} drivers"
        );
    }
}

/// Nanoseconds per operation.
fn round(kind: &str, city: &mut City, filled: &mut FilledIndex) -> f64 {
    match kind {
        "update" => {
            let batches: Vec<_> = (0..BATCHES).map(|_| city.next(ROWS)).collect();
            nanos(BATCHES * ROWS, || batches.iter().for_each(|batch| filled.apply(batch)))
        }
        "query" => {
            let riders: Vec<_> = (0..NEAREST).map(|_| city.rider_nearby()).collect();
            nanos(NEAREST, || {
                for rider in &riders {
                    black_box(query(city.sharding, *rider, true));
                }
            })
        }
        "nearest" | "nearest-100" | "nearest-1000" | "within" => {
            let nearest = kind != "within";
            let many = if nearest { NEAREST } else { WITHIN };
            let riders: Vec<_> = (0..many).map(|_| city.rider_nearby()).collect();
            let filter = match kind {
                "nearest-100" => {
                    DriverFilter { statuses: 1 << IndexedStatus::OnBreak as u8, ..DriverFilter::ANY }
                }
                "nearest-1000" => DriverFilter { capabilities: Capabilities(1), ..DriverFilter::ANY },
                _ => DriverFilter::ANY,
            };
            let to_query = |rider| ShardQuery { filter, ..query(city.sharding, rider, nearest) };
            let queries: Vec<_> = riders.into_iter().map(to_query).collect();
            nanos(many, || {
                for query in &queries {
                    black_box(search(&filled.index, query));
                }
            })
        }
        _ => panic!("{kind}, must be update, query, nearest, nearest-100, nearest-1000 or within"),
    }
}

fn nanos(count: usize, work: impl FnOnce()) -> f64 {
    let began = processor_nanos();
    measured(work);
    (processor_nanos() - began) / count as f64
}

/// Processor time of this thread, without that of other threads on a busy machine.
fn processor_nanos() -> f64 {
    // The kernel updates the figure when the thread yields.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split_whitespace().next().unwrap().parse().unwrap()
}

/// The function that a profiler measures.
#[inline(never)]
fn measured(work: impl FnOnce()) {
    work();
}
