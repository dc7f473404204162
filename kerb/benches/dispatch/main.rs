//! Measures dispatch as a whole, in one process: an index server, an aggregator, a journal on disk, a matcher, and drivers
//! who receive offers through the port of an ingest node.
//!
//! `cargo bench -p kerb --bench dispatch` runs all parts; arguments select parts: `-- window streets events latency
//! recovery`. Each line has the median, the least and the greatest of its rounds. `streets` needs a folder of extracts, named
//! by `KERB_BENCH_DATA`, with `nyc/manhattan_roads.osm.pbf` in it.

#![allow(clippy::unwrap_used, reason = "a bench fails by panicking")]

mod city;
mod drivers;
mod events;
mod latency;
mod node;
mod recovery;
mod rides;
mod statistics;
mod stopwatch;
mod streets;
mod window;

fn main() {
    // Cargo adds its own options, which are ignored.
    let parts: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let is_selected = |part: &str| parts.is_empty() || parts.iter().any(|selected| selected == part);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if is_selected("window") {
        runtime.block_on(window::run());
    }
    if is_selected("streets") {
        runtime.block_on(streets::run());
    }
    if is_selected("events") {
        runtime.block_on(events::run());
    }
    if is_selected("latency") {
        runtime.block_on(latency::run());
    }
    if is_selected("recovery") {
        runtime.block_on(recovery::run());
    }
}
