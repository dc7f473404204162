//! A made-up city: where the drivers of a synthetic fleet are. Seeded, so that a load can be run again.

use kerb_geometry::LatLng;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Length of a degree of latitude on the mean sphere, meters.
const METERS_PER_DEGREE: f64 = 111_195.08;
/// Side of the square, meters.
pub const SIDE_M: f64 = 20_000.0;
/// Number of busy places.
const CLUSTERS: usize = 24;
/// Share of drivers in busy places, in hundredths.
const CLUSTERED_PERCENT: u32 = 80;
/// Spread of a busy place, meters (standard deviation).
const SPREAD_M: std::ops::Range<f64> = 250.0..1_500.0;

/// A square of 20 km with busy places: four drivers of five are in one of them, the others anywhere.
#[derive(Clone, Debug)]
pub struct City {
    center: LatLng,
    clusters: Vec<Cluster>,
}

/// In meters from the center.
#[derive(Clone, Copy, Debug)]
struct Cluster {
    east: f64,
    north: f64,
    spread: f64,
}

impl City {
    /// Draws the city of this seed. The center must lie below 80 degrees of latitude.
    pub fn new(center: LatLng, seed: u64) -> Self {
        Self::with_clusters(center, seed, CLUSTERS, SPREAD_M)
    }

    /// As [`City::new`], with `clusters` busy places; each draws its spread from `spread_m`, meters (standard deviation).
    pub fn with_clusters(center: LatLng, seed: u64, clusters: usize, spread_m: std::ops::Range<f64>) -> Self {
        assert!(clusters > 0, "four drivers of five need a busy place");
        assert!(center.lat_deg().abs() < 80.0, "a city so near a pole is no square");
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let inner = 0.4 * SIDE_M;
        let clusters = (0..clusters)
            .map(|_| Cluster {
                east: rng.random_range(-inner..inner),
                north: rng.random_range(-inner..inner),
                spread: rng.random_range(spread_m.clone()),
            })
            .collect();
        Self { center, clusters }
    }

    /// Draws the position of one driver.
    pub fn place(&self, rng: &mut impl RngExt) -> LatLng {
        if rng.random_range(0..100) >= CLUSTERED_PERCENT {
            let half = 0.5 * SIDE_M;
            return shifted(self.center, rng.random_range(-half..half), rng.random_range(-half..half));
        }
        // The first ones are the busiest: the smaller of two draws falls linearly.
        let clusters = self.clusters.len();
        let pick = rng.random_range(0..clusters).min(rng.random_range(0..clusters));
        let cluster = self.clusters[pick];
        let (a, b) = gaussian_pair(rng);
        shifted(self.center, cluster.east + a * cluster.spread, cluster.north + b * cluster.spread)
    }
}

/// Returns the position `east_m` and `north_m` meters away. The approximation holds for tens of kilometers.
pub fn shifted(from: LatLng, east_m: f64, north_m: f64) -> LatLng {
    let lat = (from.lat_deg() + north_m / METERS_PER_DEGREE).clamp(-90.0, 90.0);
    let meters_per_lon_degree = METERS_PER_DEGREE * from.lat_deg().to_radians().cos().max(0.01);
    let lon = from.lon_deg() + east_m / meters_per_lon_degree;
    let lon = (lon + 540.0).rem_euclid(360.0) - 180.0;
    LatLng::new(lat, lon).expect("clamped and wrapped into range")
}

/// Two independent normal draws (Box and Muller 1958).
pub fn gaussian_pair(rng: &mut impl RngExt) -> (f64, f64) {
    // 1 - u is never 0.
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    let (sin, cos) = (std::f64::consts::TAU * rng.random::<f64>()).sin_cos();
    (radius * cos, radius * sin)
}
