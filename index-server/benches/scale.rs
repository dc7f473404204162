//! Measures how costs grow with the fleet, and throughput with threads: 10 k to 10 M drivers, 1 to all cores.
//!
//! `cargo bench -p kerb-index-server --bench scale`; sizes: `KERB_BENCH_DRIVERS=10000,100000,1000000,10000000`. The
//! plot goes to `target/scale.svg`, or where `KERB_BENCH_PLOT` says.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a bench measures the time that passes")]

#[path = "shared/city.rs"]
#[allow(dead_code, reason = "the other benches use more of it")]
mod city;
#[path = "shared/filled_index.rs"]
mod filled_index;
#[path = "../../crates/loadgen/src/plot.rs"]
#[allow(unreachable_pub, unused_imports, reason = "it is public, and tested, where it is at home")]
mod plot;

use std::hint::black_box;
use std::time::{Duration, Instant};

use city::City;
use filled_index::{FilledIndex, ROWS, query, search};
use kerb_ports::ShardQuery;
use plot::Group;

/// Number of measurements.
const ROUNDS: usize = 5;
/// Batches of a measurement.
const BATCHES: usize = 32;
/// Number of searches that are prepared.
const QUERIES: usize = 2_048;
/// Duration of the searches of threads.
const SPAN: Duration = Duration::from_secs(1);

/// One size of the fleet.
struct Size {
    drivers: usize,
    update_ns: f64,
    nearest_us: f64,
    within_us: f64,
    bytes: f64,
    /// By number of threads, from 1: searches a second, and the 99th percentile of their durations.
    cores: Vec<(usize, f64, f64)>,
}

fn main() {
    if std::env::args().skip(1).any(|word| !word.starts_with('-') && !"scale".contains(&word)) {
        return;
    }
    let sizes =
        std::env::var("KERB_BENCH_DRIVERS").unwrap_or_else(|_| "10000,100000,1000000,10000000".to_owned());
    let sizes: Vec<Size> = sizes.split(',').map(|drivers| measure(drivers.trim().parse().unwrap())).collect();
    let manifest = env!("CARGO_MANIFEST_DIR");
    let path = std::env::var("KERB_BENCH_PLOT").unwrap_or_else(|_| format!("{manifest}/../target/scale.svg"));
    std::fs::write(&path, picture(&sizes)).unwrap();
    println!("plot: {path}");
}

fn measure(drivers: usize) -> Size {
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
    let cores = (1..=threads).map(|threads| on_threads(&filled, &nearest, threads)).collect();
    let size = Size {
        drivers,
        update_ns: median(update_ns),
        nearest_us: median(nearest_us),
        within_us: median(within_us),
        bytes: filled.bytes_per_driver(),
        cores,
    };
    let Size { update_ns, nearest_us, within_us, bytes, .. } = size;
    println!(
        "{drivers:>9} drivers: update {update_ns:.0} ns, nearest {nearest_us:.2} us, all within 1 km \
         {within_us:.1} us, {bytes:.1} B a driver"
    );
    for (threads, per_s, p99_us) in &size.cores {
        println!("{threads:>9} threads: {per_s:.0} nearest searches/s, p99 {p99_us:.1} us");
    }
    size
}

fn mean_us(filled: &FilledIndex, queries: &[ShardQuery]) -> f64 {
    let began = Instant::now();
    for query in queries {
        black_box(search(&filled.index, query));
    }
    began.elapsed().as_nanos() as f64 / 1e3 / queries.len() as f64
}

fn on_threads(filled: &FilledIndex, queries: &[ShardQuery], threads: usize) -> (usize, f64, f64) {
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
    (threads, took_us.len() as f64 / SPAN.as_secs_f64(), took_us[took_us.len() * 99 / 100])
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn picture(sizes: &[Size]) -> String {
    let by_size = |title: &str, figure: fn(&Size) -> f64| Group {
        title: title.to_owned(),
        bars: sizes.iter().map(|size| (format!("{} drivers", size.drivers), figure(size))).collect(),
    };
    let mut groups = vec![
        by_size("update, nanoseconds", |size| size.update_ns),
        by_size("10 nearest within 5 km, microseconds", |size| size.nearest_us),
        by_size("all within 1 km, microseconds", |size| size.within_us),
        by_size("memory, bytes a driver", |size| size.bytes),
    ];
    for size in sizes {
        let bars = |figure: fn(&(usize, f64, f64)) -> f64| {
            size.cores.iter().map(|core| (format!("{} threads", core.0), figure(core))).collect()
        };
        let title = |what: &str| format!("{} drivers: 10 nearest, {what}", size.drivers);
        groups.push(Group { title: title("searches a second"), bars: bars(|core| core.1) });
        groups.push(Group { title: title("p99 in microseconds"), bars: bars(|core| core.2) });
    }
    plot::bars("The index by size and by threads; each group has a logarithmic scale of its own", &groups)
}
