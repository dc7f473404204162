//! The instances of the benches: a city of requests and drivers, from a seed.

mod nearest;

use std::f64::consts::TAU;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::{Problem, ProblemBuilder};
use nearest::Grid;

/// The side of the square city.
pub const CITY_M: f64 = 30_000.0;

/// How fast a driver comes along the straight line: 29 km/h.
pub const SPEED_M_PER_S: f64 = 8.0;

/// What a request costs that is left out. Drivers who would take as long are not candidates.
pub const PENALTY_S: u32 = 1_800;

/// Places where requests and drivers meet in a clustered city.
const HOTSPOTS: usize = 12;

/// The part of requests and of drivers that are at a hotspot.
const AT_HOTSPOTS: f64 = 0.7;

/// Where requests and drivers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// Anywhere, equally likely.
    Uniform,
    /// 70 % at twelve hotspots, where requests and drivers are in unequal numbers; the others anywhere.
    Clustered,
}

/// A window of a city.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instance {
    /// How many rows.
    pub requests: usize,
    /// How many columns.
    pub drivers: usize,
    /// How many of the nearest drivers are candidates of a request.
    pub candidates: usize,
    /// Where they are.
    pub spread: Spread,
    /// The same seed gives the same instance.
    pub seed: u64,
}

/// A place in the city, meters east and north of its corner.
type Point = [f64; 2];

struct Hotspot {
    center: Point,
    radius_m: f64,
    requests: f64,
    drivers: f64,
}

impl Instance {
    /// The problem: costs are whole seconds along the straight line.
    ///
    /// # Panics
    ///
    /// When there are more requests, drivers or edges than can be numbered in 32 bits.
    pub fn problem(&self) -> Problem {
        let mut rng = Pcg64Mcg::seed_from_u64(self.seed);
        let hotspots: Vec<Hotspot> = (0..HOTSPOTS).map(|_| hotspot(&mut rng)).collect();
        let requests = self.points(&mut rng, self.requests, &hotspots, |hotspot| hotspot.requests);
        let drivers = self.points(&mut rng, self.drivers, &hotspots, |hotspot| hotspot.drivers);

        let grid = Grid::new(&drivers, CITY_M);
        let edges = self.requests * self.candidates;
        let mut builder = ProblemBuilder::with_capacity(self.requests, self.drivers, edges);
        for request in requests {
            builder.begin_row(PENALTY_S);
            for (driver, distance_m) in grid.nearest(request, self.candidates) {
                builder.edge(driver, (distance_m / SPEED_M_PER_S).round() as u32);
            }
        }
        builder.build().expect("an instance is counted in 32 bits")
    }

    fn points(
        &self,
        rng: &mut Pcg64Mcg,
        count: usize,
        hotspots: &[Hotspot],
        share: impl Fn(&Hotspot) -> f64,
    ) -> Vec<Point> {
        let total: f64 = hotspots.iter().map(&share).sum();
        let mut point = || {
            if self.spread == Spread::Uniform || !rng.random_bool(AT_HOTSPOTS) {
                return [rng.random_range(0.0..CITY_M), rng.random_range(0.0..CITY_M)];
            }
            let mut left = rng.random_range(0.0..total);
            let chosen = hotspots.iter().find(|hotspot| {
                left -= share(hotspot);
                left < 0.0
            });
            chosen.unwrap_or(&hotspots[0]).point(rng)
        };
        (0..count).map(|_| point()).collect()
    }
}

impl Hotspot {
    /// Denser towards the center: the distance from it is uniform.
    fn point(&self, rng: &mut Pcg64Mcg) -> Point {
        let (angle, radius_m) = (rng.random_range(0.0..TAU), rng.random_range(0.0..self.radius_m));
        [self.center[0] + radius_m * angle.cos(), self.center[1] + radius_m * angle.sin()]
    }
}

/// Inside the city with its whole disc.
fn hotspot(rng: &mut Pcg64Mcg) -> Hotspot {
    let radius_m = rng.random_range(1_000.0..4_000.0);
    let mut coordinate = || rng.random_range(radius_m..CITY_M - radius_m);
    let center = [coordinate(), coordinate()];
    let requests = rng.random_range(0.2..1.2);
    Hotspot { center, radius_m, requests, drivers: requests * rng.random_range(0.6..1.4) }
}
