//! Drivers like a real city's, and time.

#![allow(dead_code, reason = "each bench uses its part")]
#![expect(clippy::disallowed_methods, reason = "a bench measures wall time")]

use std::time::Instant;

use kerb_geometry::LatLng;
use kerb_types::{Capabilities, DriverId, DriverProfile, VehicleClass};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// The seed of all benches.
pub(crate) const SEED: u64 = 7;

/// An argument `--name value`, or the default.
pub(crate) fn argument(name: &str, default: usize) -> usize {
    let arguments: Vec<String> = std::env::args().collect();
    let value = arguments.iter().position(|a| a == name).and_then(|i| arguments.get(i + 1));
    value.map_or(default, |value| value.replace('_', "").parse().expect("a number"))
}

/// Seconds that `work` takes, and its result.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed().as_secs_f64(), result)
}

/// The middle one.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

pub(crate) fn rng() -> Pcg64Mcg {
    Pcg64Mcg::seed_from_u64(SEED)
}

pub(crate) fn profile(i: usize) -> DriverProfile {
    DriverProfile {
        id: DriverId::new(&format!("driver-{i:08}")).expect("a legal id"),
        vehicle_class: VehicleClass((i % 8) as u8),
        capabilities: Capabilities(0),
    }
}

/// One of 40 cities of 20 km: three quarters of its drivers near the middle.
pub(crate) fn position(rng: &mut Pcg64Mcg) -> LatLng {
    let city = rng.random_range(0..40_u32);
    let center = [f64::from(city % 8) * 14.0 - 50.0, f64::from(city / 8) * 30.0 - 100.0];
    let spread = if rng.random_range(0..4) == 0 { 0.2 } else { 0.05 };
    let mut offset = || (rng.random_range(-1.0..1.0) + rng.random_range(-1.0..1.0)) * spread;
    LatLng::new(center[0] + offset(), center[1] + offset()).expect("within the globe")
}
