//! Randomness that two runs have in common: every agent has a stream of its own for each purpose, so what one does
//! more or less of under another policy changes nobody else's luck.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// What a stream of draws is for.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub(crate) enum Purpose {
    /// Which riders there are, and where from and to.
    Demand = 1,
    /// Which drivers there are.
    Supply,
    /// How a rider is.
    Rider,
    /// What a driver thinks of offers.
    Offers,
    /// Where a driver goes without a trip, and when it rests.
    Roaming,
    /// How long riders take to get into a vehicle.
    Boarding,
    /// Errors of a driver's positions.
    Noise,
    /// What happens to a driver's messages.
    Uplink,
    /// Which policy of a switchback comes first.
    Switchback,
    /// Other days, from which demand is expected.
    History,
}

/// The stream of an agent for a purpose.
pub(crate) fn stream(seed: u64, purpose: Purpose, agent: u64) -> Pcg64Mcg {
    Pcg64Mcg::seed_from_u64(mix(mix(seed, purpose as u64), agent))
}

/// Two numbers into one, so that neighbors are not alike (the finalizer of `SplitMix64`; Steele, Lea, Flood 2014).
fn mix(a: u64, b: u64) -> u64 {
    let mut z = a.wrapping_add(b.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Between two ends, both as likely as all between them.
pub(crate) fn between(rng: &mut Pcg64Mcg, [least, most]: [f64; 2]) -> f64 {
    least + (most - least) * rng.random::<f64>()
}

/// Yes with this chance. Always one draw, so that other settings leave the draws after it alone.
pub(crate) fn happens(rng: &mut Pcg64Mcg, chance: f64) -> bool {
    rng.random::<f64>() < chance
}

/// Log-normal around a median.
pub(crate) fn log_normal(rng: &mut Pcg64Mcg, median: f64, spread: f64) -> f64 {
    median * (kerb_loadgen::city::gaussian_pair(rng).0 * spread).exp()
}

/// How long until something happens that happens so many times an hour, milliseconds; never when it does not.
pub(crate) fn gap_ms(rng: &mut Pcg64Mcg, per_h: f64) -> i64 {
    let gap_h = -(1.0 - rng.random::<f64>()).ln() / per_h;
    // A century is as good as never, and no overflow. The chance of 0 an hour gives no number at all, or no end.
    (gap_h * 3_600_000.0).min(3e12) as i64
}

/// One of some shares, by its number.
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
