//! Where drivers and riders are: in a square city of 30 km, or on the streets of a real one.

use std::sync::Arc;

use kerb_geometry::LatLng;
use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use std::f64::consts::TAU;

/// The side of the city.
const CITY_M: f64 = 30_000.0;
/// Where drivers and riders meet in a clustered city.
const HOTSPOTS: usize = 12;
/// The part of them that is there.
const AT_HOTSPOTS: f64 = 0.7;
/// Its south-western corner, degrees.
const CORNER: (f64, f64) = (52.385, 13.185);
const M_PER_DEGREE: f64 = 111_195.0;
/// How far from a junction its places are, degrees: some 40 m.
const BESIDE_DEG: f64 = 4e-4;

/// Where drivers and riders are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Spread {
    /// Anywhere, equally likely.
    Uniform,
    /// 70 % within 1 to 4 km of twelve places, of unequal weight for drivers and for riders; the others anywhere.
    Clustered,
}

/// Places of one kind, drivers or riders.
pub(crate) enum Places {
    /// In the square city.
    City { spread: Spread, hotspots: Vec<Hotspot> },
    /// Within some meters of the junctions of a road network, each equally likely.
    Junctions(Arc<[LatLng]>),
}

pub(crate) struct Hotspot {
    center: [f64; 2],
    radius_m: f64,
    weight: f64,
}

impl Places {
    /// Of drivers and of riders, who meet at the same hotspots.
    pub(crate) fn of(spread: Spread, rng: &mut Pcg64Mcg) -> [Self; 2] {
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

    /// One of them.
    pub(crate) fn any(&self, rng: &mut Pcg64Mcg) -> LatLng {
        let (spread, hotspots) = match self {
            Self::City { spread, hotspots } => (*spread, hotspots),
            Self::Junctions(junctions) => {
                let near = junctions[rng.random_range(0..junctions.len())];
                let mut off = || rng.random_range(-BESIDE_DEG..BESIDE_DEG);
                return LatLng::new(near.lat_deg() + off(), near.lon_deg() + off()).unwrap();
            }
        };
        let [east_m, north_m] = point(spread, hotspots, rng);
        let lat = CORNER.0 + north_m / M_PER_DEGREE;
        let lon = CORNER.1 + east_m / (M_PER_DEGREE * CORNER.0.to_radians().cos());
        LatLng::new(lat, lon).unwrap()
    }
}

fn point(spread: Spread, hotspots: &[Hotspot], rng: &mut Pcg64Mcg) -> [f64; 2] {
    if matches!(spread, Spread::Uniform) || !rng.random_bool(AT_HOTSPOTS) {
        return [0, 1].map(|_| rng.random_range(0.0..CITY_M));
    }
    let mut left = rng.random_range(0.0..hotspots.iter().map(|hotspot| hotspot.weight).sum());
    let chosen = hotspots.iter().find(|hotspot| {
        left -= hotspot.weight;
        left < 0.0
    });
    let Hotspot { center, radius_m, .. } = chosen.unwrap_or(&hotspots[0]);
    // Denser towards the center: the distance from it is uniform.
    let (angle, distance_m) = (rng.random_range(0.0..TAU), rng.random_range(0.0..*radius_m));
    [center[0] + distance_m * angle.cos(), center[1] + distance_m * angle.sin()]
}
