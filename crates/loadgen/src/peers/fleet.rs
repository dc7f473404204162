//! The same drivers and the same queries for every system, from a seed.

use kerb_geometry::{Circle, LatLng, Origin};
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use super::CENTER_E7;
use crate::city::City;

/// Number of busy places and their spread, meters (standard deviation).
const CLUSTERS: usize = 12;
const SPREAD_M: std::ops::Range<f64> = 1_000.0..3_000.0;
/// The offsets that each driver visits in turn: one step north, east, south and west of its home, about 18 m.
const STEPS_E7: [(i32, i32); 4] = [(1_600, 0), (0, 2_000), (-1_600, 0), (0, -2_000)];
/// The step at which a driver is at rest.
pub(super) const REST: u64 = 0;

/// A fleet of drivers around their homes.
pub(super) struct Fleet {
    homes: Vec<LatLng>,
    /// Updates visit the drivers in the order 0, stride, 2 · stride, …, so no system finds its memory in order.
    stride: u64,
}

/// The kind of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// The 10 nearest within 5 km.
    Nearest,
    /// All within 1 km.
    Within,
}

impl Kind {
    /// The radius of the search, meters.
    pub(super) fn radius_m(self) -> f64 {
        match self {
            Self::Nearest => 5_000.0,
            Self::Within => 1_000.0,
        }
    }

    /// The maximum number of drivers; `None` for all.
    pub(super) fn limit(self) -> Option<usize> {
        match self {
            Self::Nearest => Some(10),
            Self::Within => None,
        }
    }
}

/// A query and its point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Query {
    pub(super) kind: Kind,
    pub(super) point: LatLng,
}

impl Fleet {
    /// Draws `drivers` homes in one city, four of five in its busy places.
    pub(super) fn new(drivers: u32, seed: u64) -> Self {
        let city = city(seed);
        let mut rng = Pcg64Mcg::seed_from_u64(seed ^ 0x0f1e_e700);
        let homes = (0..drivers).map(|_| city.place(&mut rng)).collect();
        Self { homes, stride: stride(u64::from(drivers)) }
    }

    pub(super) fn len(&self) -> u32 {
        self.homes.len() as u32
    }

    /// Returns the driver of the `count`-th update.
    pub(super) fn turn(&self, count: u64) -> u32 {
        (count % self.homes.len() as u64 * self.stride % self.homes.len() as u64) as u32
    }

    /// Returns the position of a driver at a step.
    pub(super) fn place(&self, driver: u32, step: u64) -> LatLng {
        let (home, (north, east)) = (self.homes[driver as usize], STEPS_E7[step as usize % STEPS_E7.len()]);
        LatLng::from_e7(home.lat_e7() + north, home.lon_e7() + east).expect("the city is far from any edge")
    }

    /// Draws queries at positions that are distributed like the drivers.
    pub(super) fn queries(kind: Kind, count: usize, seed: u64) -> Vec<Query> {
        let city = city(seed);
        let mut rng = Pcg64Mcg::seed_from_u64(seed ^ 0xa5c1_0000 ^ kind.radius_m() as u64);
        (0..count).map(|_| Query { kind, point: city.place(&mut rng) }).collect()
    }

    /// Returns the haversines of the exact answer, in order, with every driver at rest, by a linear scan.
    pub(super) fn truth(&self, query: &Query) -> Vec<f64> {
        let circle = Circle::new(query.point, query.kind.radius_m()).expect("a legal radius");
        let havs = (0..self.len()).map(|driver| circle.origin().hav(self.place(driver, REST)));
        let mut havs: Vec<f64> = havs.filter(|hav| *hav <= circle.hav_max()).collect();
        havs.sort_unstable_by(f64::total_cmp);
        havs.truncate(query.kind.limit().unwrap_or(usize::MAX));
        havs
    }

    /// Returns the haversines of the returned drivers, in order.
    pub(super) fn distances(&self, query: &Query, drivers: &[u32]) -> Vec<f64> {
        let origin = Origin::new(query.point);
        let mut havs: Vec<f64> = drivers.iter().map(|driver| origin.hav(self.place(*driver, REST))).collect();
        havs.sort_unstable_by(f64::total_cmp);
        havs
    }
}

/// Returns the id of a driver: 15 bytes, the same for every system.
pub(super) fn id_of(driver: u32) -> String {
    format!("driver-{driver:08}")
}

/// Returns the driver of an id.
pub(super) fn driver_of(id: &[u8]) -> Option<u32> {
    std::str::from_utf8(id).ok()?.strip_prefix("driver-")?.parse().ok()
}

fn city(seed: u64) -> City {
    let center = LatLng::from_e7(CENTER_E7.0, CENTER_E7.1).expect("a legal place");
    City::with_clusters(center, seed, CLUSTERS, SPREAD_M)
}

/// Returns a number near the golden ratio of `n` that has no factor in common with it.
fn stride(n: u64) -> u64 {
    let gcd = |mut a: u64, mut b: u64| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let from = (n * 618 / 1_000).max(1);
    (from..=from + n)
        .find(|stride| gcd(*stride, n) == 1)
        .expect("one of n numbers in a row leaves a rest of 1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_turn_once_a_round() {
        for drivers in [100, 101, 999, 1_024] {
            let fleet = Fleet::new(drivers, 3);
            let mut turns: Vec<u32> = (0..u64::from(drivers)).map(|count| fleet.turn(count)).collect();
            assert_ne!(turns[1], turns[0] + 1);
            turns.sort_unstable();
            assert_eq!(turns, (0..drivers).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_truth_is_what_the_answers_distances_must_be() {
        let fleet = Fleet::new(500, 5);
        let query = Fleet::queries(Kind::Nearest, 1, 5)[0];
        let truth = fleet.truth(&query);
        let mut all: Vec<u32> = (0..500).collect();
        let origin = Origin::new(query.point);
        all.sort_by(|a, b| origin.hav(fleet.place(*a, REST)).total_cmp(&origin.hav(fleet.place(*b, REST))));
        assert!(!truth.is_empty());
        assert_eq!(fleet.distances(&query, &all[..truth.len()]), truth);
        assert_ne!(fleet.distances(&query, &all[1..=truth.len()]), truth);
    }

    #[test]
    fn ids_lead_back_to_drivers() {
        assert_eq!(driver_of(id_of(1_234_567).as_bytes()), Some(1_234_567));
        assert_eq!(
            (driver_of(b"phone-00000001"), driver_of(b"driver-x"), driver_of(&[0xff])),
            (None, None, None)
        );
    }
}
