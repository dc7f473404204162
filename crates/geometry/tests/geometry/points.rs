//! Random inputs of the tests: positions all over the globe, and more of them at the poles, the antimeridian and the
//! equator, where errors are likely.

use kerb_geometry::{CellBounds, LatLng};
use proptest::prelude::*;
use proptest::test_runner::Config;

pub(crate) const QUARTER: i32 = 900_000_000;
pub(crate) const HALF: i32 = 1_800_000_000;

/// Returns a configuration with many cases that writes no files next to the sources. A failure prints its case, which is
/// then kept as a named test.
pub(crate) fn config(cases: u32) -> Config {
    Config { cases, failure_persistence: None, ..Config::default() }
}

pub(crate) fn e7(lat_e7: i32, lon_e7: i32) -> LatLng {
    LatLng::from_e7(lat_e7, lon_e7).expect("the test's own numbers")
}

pub(crate) fn deg(lat_deg: f64, lon_deg: f64) -> LatLng {
    LatLng::new(lat_deg, lon_deg).expect("the test's own numbers")
}

/// Generates a latitude, often at or near a pole or the equator.
pub(crate) fn lat_e7() -> impl Strategy<Value = i32> {
    prop_oneof![
        4 => -QUARTER..=QUARTER,
        1 => (0..2_000_i32).prop_map(|below| QUARTER - below),
        1 => (0..2_000_i32).prop_map(|above| above - QUARTER),
        1 => -2_000..2_000_i32,
        1 => prop_oneof![Just(QUARTER), Just(-QUARTER), Just(0)],
        1 => (0..10_000_000_i32).prop_map(|below| QUARTER - below),
    ]
}

/// Generates a longitude, often at or near the antimeridian or Greenwich.
pub(crate) fn lon_e7() -> impl Strategy<Value = i32> {
    prop_oneof![
        4 => -HALF..HALF,
        1 => (1..2_000_i32).prop_map(|below| HALF - below),
        1 => (0..2_000_i32).prop_map(|above| above - HALF),
        1 => -2_000..2_000_i32,
        1 => prop_oneof![Just(HALF - 1), Just(-HALF), Just(0)],
    ]
}

pub(crate) fn position() -> impl Strategy<Value = LatLng> {
    (lat_e7(), lon_e7()).prop_map(|(lat, lon)| e7(lat, lon))
}

/// Returns the position this many lattice steps away. Steps may cross the antimeridian; they stop at a pole.
pub(crate) fn step(from: LatLng, lat_steps: i64, lon_steps: i64) -> LatLng {
    let lat = (i64::from(from.lat_e7()) + lat_steps).clamp(-i64::from(QUARTER), i64::from(QUARTER));
    let lon = (i64::from(from.lon_e7()) + lon_steps + i64::from(HALF)).rem_euclid(2 * i64::from(HALF));
    // Both values are in the range of a position, which fits an `i32`.
    e7(lat as i32, (lon - i64::from(HALF)) as i32)
}

/// Generates a number of either sign. Its size is distributed evenly over the powers of two up to `2^bits`.
pub(crate) fn any_scale(bits: u32) -> impl Strategy<Value = i64> {
    (0..bits, any::<u64>(), any::<bool>()).prop_map(|(bit, noise, negative)| {
        // `bits` is at most 31 in the tests, so the size fits.
        let size = ((1_u64 << bit) + noise % (1 << bit)) as i64;
        if negative { -size } else { size }
    })
}

/// Generates two positions that are between a centimeter and half a turn apart.
pub(crate) fn pair() -> impl Strategy<Value = (LatLng, LatLng)> {
    (position(), any_scale(30), any_scale(31)).prop_map(|(a, lat, lon)| (a, step(a, lat, lon)))
}

/// Generates a box, from a single point to the whole globe, and a position in it.
pub(crate) fn bounds_and_position() -> impl Strategy<Value = (CellBounds, LatLng)> {
    (pair(), 0.0..=1.0_f64, 0.0..=1.0_f64).prop_map(|((a, b), up, across)| {
        let bounds = CellBounds::from_corners(a, b);
        (bounds, inside(&bounds, up, across))
    })
}

/// Returns the position at these shares of the distance from south to north and from west to east.
pub(crate) fn inside(bounds: &CellBounds, up: f64, across: f64) -> LatLng {
    let at = |low: i32, high: i32, share: f64| {
        let (low, high) = (f64::from(low), f64::from(high));
        (low + share * (high - low)).round().clamp(low, high) as i32
    };
    e7(at(bounds.south_e7(), bounds.north_e7(), up), at(bounds.west_e7(), bounds.east_e7(), across))
}
