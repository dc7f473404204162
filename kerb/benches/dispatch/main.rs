//! Dispatch as a whole, in one process: an index server, an aggregator, a journal on disk and a matcher, and drivers who
//! are told of offers through the port of an ingest node.
//!
//! `cargo bench -p kerb --bench dispatch`, or with the names of parts: `-- window streets events latency recovery`. Each
//! line is the median of its rounds, and their least and greatest. `streets` needs a folder of extracts, named by
//! `KERB_BENCH_DATA`, with `nyc/manhattan_roads.osm.pbf` in it.

#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]

mod city;
mod drivers;
mod events;
mod figures;
mod latency;
mod node;
mod recovery;
mod rides;
mod stopwatch;
mod streets;
mod window;

fn main() {
    // Cargo adds options of its own.
    let parts: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let is_wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if is_wanted("window") {
        runtime.block_on(window::run());
    }
    if is_wanted("streets") {
        runtime.block_on(streets::run());
    }
    if is_wanted("events") {
        runtime.block_on(events::run());
    }
    if is_wanted("latency") {
        runtime.block_on(latency::run());
    }
    if is_wanted("recovery") {
        runtime.block_on(recovery::run());
    }
}
