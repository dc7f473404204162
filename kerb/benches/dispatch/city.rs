//! Generates positions of drivers and riders: in a square city of 30 km, or on the streets of a real city.

use std::sync::Arc;

use kerb_geometry::LatLng;
use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use std::f64::consts::TAU;

/// The side of the square city, in meters.
const CITY_M: f64 = 30_000.0;
/// Number of areas in a clustered city in which drivers and riders are frequent.
const HOTSPOTS: usize = 12;
/// The share of drivers and riders who are in a hotspot.
const HOTSPOT_SHARE: f64 = 0.7;
/// The south-western corner of the square city, in degrees.
const CORNER: (f64, f64) = (52.385, 13.185);
const M_PER_DEGREE: f64 = 111_195.0;
/// Maximum offset of a position from its junction, in degrees: some 40 m.
const JUNCTION_OFFSET_DEG: f64 = 4e-4;

/// The distribution of drivers and riders in the square city.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Spread {
    /// Every position is equally likely.
    Uniform,
    /// 70 % are in twelve hotspots with a radius of 1 to 4 km, whose weights differ for drivers and riders. The others are
    /// uniform.
    Clustered,
}

/// A generator of positions, of drivers or of riders.
pub(crate) enum PositionSource {
    /// The square city.
    City { spread: Spread, hotspots: Vec<Hotspot> },
    /// The surroundings of the junctions of a road network, each equally likely.
    Junctions(Arc<[LatLng]>),
}

pub(crate) struct Hotspot {
    center: [f64; 2],
    radius_m: f64,
    weight: f64,
}

impl PositionSource {
    /// Makes the sources of drivers and of riders. Both have the same hotspots, with different weights.
    pub(crate) fn drivers_and_riders(spread: Spread, rng: &mut Pcg64Mcg) -> [Self; 2] {
        let mut both = [Vec::new(), Vec::new()];
        for _ in 0..HOTSPOTS {
            let radius_m = rng.random_range(1_000.0..4_000.0);
            let center = [0, 1].map(|_| rng.random_range(radius_m..CITY_M - radius_m));
            let weight = rng.random_range(0.2..1.2);
            for (kind, share) in both.iter_mut().zip([rng.random_range(0.6..1.4), 1.0]) {
                kind.push(Hotspot { center, radius_m, weight: weight * share });
            }
        }
        both.map(|hotspots| Self::City { spread, hotspots })
    }

    /// Generates a position.
    pub(crate) fn random(&self, rng: &mut Pcg64Mcg) -> LatLng {
        let (spread, hotspots) = match self {
            Self::City { spread, hotspots } => (*spread, hotspots),
            Self::Junctions(junctions) => {
                let junction = junctions[rng.random_range(0..junctions.len())];
                let mut offset = || rng.random_range(-JUNCTION_OFFSET_DEG..JUNCTION_OFFSET_DEG);
                return LatLng::new(junction.lat_deg() + offset(), junction.lon_deg() + offset()).unwrap();
            }
        };
        let [east_m, north_m] = point(spread, hotspots, rng);
        let lat = CORNER.0 + north_m / M_PER_DEGREE;
        let lon = CORNER.1 + east_m / (M_PER_DEGREE * CORNER.0.to_radians().cos());
        LatLng::new(lat, lon).unwrap()
    }
}

fn point(spread: Spread, hotspots: &[Hotspot], rng: &mut Pcg64Mcg) -> [f64; 2] {
    if matches!(spread, Spread::Uniform) || !rng.random_bool(HOTSPOT_SHARE) {
        return [0, 1].map(|_| rng.random_range(0.0..CITY_M));
    }
    // Chooses a hotspot by its weight.
    let mut left = rng.random_range(0.0..hotspots.iter().map(|hotspot| hotspot.weight).sum());
    let chosen = hotspots.iter().find(|hotspot| {
        left -= hotspot.weight;
        left < 0.0
    });
    let Hotspot { center, radius_m, .. } = chosen.unwrap_or(&hotspots[0]);
    // The distance from the center is uniform, so the density grows toward the center.
    let (angle, distance_m) = (rng.random_range(0.0..TAU), rng.random_range(0.0..*radius_m));
    [center[0] + distance_m * angle.cos(), center[1] + distance_m * angle.sin()]
}
