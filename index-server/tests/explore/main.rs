//! Explores the real writer and the real searches; needs the feature `explore`.
//!
//! `KERB_EXPLORE_ITERATIONS` is the number of executions of each scenario, and `KERB_EXPLORE_SEED` the first seed. A
//! failure's message contains its seed; with one iteration, the seed replays the failure.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod litmus;
mod rules;
mod scenario;
mod world;

/// Reads a number from an environment variable.
fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// The seeds to run; the environment may choose others.
fn seeds(iterations: u64) -> std::ops::Range<u64> {
    let first = number_of("KERB_EXPLORE_SEED").unwrap_or(1);
    let iterations = number_of("KERB_EXPLORE_ITERATIONS").unwrap_or(iterations);
    println!("seeds from {first}, {iterations} executions");
    first..first + iterations
}
