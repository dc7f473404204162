//! Random streams: each agent has its own stream for each purpose.
//!
//! Two runs of one seed therefore share their random draws. An agent that draws more or less under another policy does
//! not change the draws of the others.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// The purpose of a random stream. The number is a part of the seed, so it never changes.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub(crate) enum Purpose {
    /// Times and ends of the requests.
    Demand = 1,
    /// Starting places and shifts of the drivers.
    Supply,
    /// Patience of a rider.
    Rider,
    /// Decisions of a driver about offers.
    Offers,
    /// Moves of a driver without a trip, and its breaks.
    Roaming,
    /// Times of boarding.
    Boarding,
    /// Measurement errors of a driver's positions.
    Noise,
    /// Losses and delays of a driver's messages, and its outages.
    Uplink,
    /// Order of the policies in each pair of blocks of a switchback.
    Switchback,
    /// Seeds of the other days from which demand is expected.
    History,
}

/// Returns the stream of an agent for a purpose.
pub(crate) fn stream(seed: u64, purpose: Purpose, agent: u64) -> Pcg64Mcg {
    Pcg64Mcg::seed_from_u64(mix(mix(seed, purpose as u64), agent))
}

/// Mixes two numbers, so that neighboring inputs give unrelated outputs (the finalizer of `SplitMix64`; Steele, Lea,
/// Flood 2014).
fn mix(a: u64, b: u64) -> u64 {
    let mut z = a.wrapping_add(b.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Draws a uniform number between two ends.
pub(crate) fn between(rng: &mut Pcg64Mcg, [least, most]: [f64; 2]) -> f64 {
    least + (most - least) * rng.random::<f64>()
}

/// Draws true with this probability. It always takes one draw, so that settings do not shift later draws.
pub(crate) fn happens(rng: &mut Pcg64Mcg, chance: f64) -> bool {
    rng.random::<f64>() < chance
}

/// Draws from a log-normal distribution with this median.
pub(crate) fn log_normal(rng: &mut Pcg64Mcg, median: f64, spread: f64) -> f64 {
    median * (kerb_loadgen::city::gaussian_pair(rng).0 * spread).exp()
}

/// Draws the time until the next event of a Poisson process with this rate, milliseconds.
pub(crate) fn gap_ms(rng: &mut Pcg64Mcg, per_h: f64) -> i64 {
    let gap_h = -(1.0 - rng.random::<f64>()).ln() / per_h;
    // A century stands for never; it keeps the cast from an overflow. A rate of 0 gives NaN or infinity, and `min`
    // turns both into the century.
    (gap_h * 3_600_000.0).min(3e12) as i64
}

/// Draws an index in proportion to the weights.
pub(crate) fn pick(rng: &mut Pcg64Mcg, shares: impl Iterator<Item = f64> + Clone) -> usize {
    let mut left = rng.random::<f64>() * shares.clone().sum::<f64>();
    let mut last = 0;
    for (number, share) in shares.enumerate().filter(|(_, share)| *share > 0.0) {
        last = number;
        left -= share;
        if left < 0.0 {
            break;
        }
    }
    last
}
