//! The real writer and the real searches, explored; needs the feature `explore`.
//!
//! `KERB_EXPLORE_ITERATIONS` is the number of executions of each scenario. `KERB_EXPLORE_SEED` is the first seed; with
//! one iteration it replays a failure, whose message has the seed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod litmus;
mod rules;
mod scenario;
mod world;

/// The number that a variable of the environment holds.
fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// The seeds to run, unless the environment has others.
fn seeds(iterations: u64) -> std::ops::Range<u64> {
    let first = number_of("KERB_EXPLORE_SEED").unwrap_or(1);
    let iterations = number_of("KERB_EXPLORE_ITERATIONS").unwrap_or(iterations);
    println!("seeds from {first}, {iterations} executions");
    first..first + iterations
}
