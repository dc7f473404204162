//! Generated problems for benches and tests: requests and drivers of a square city, from a seed.

mod nearest;

use std::f64::consts::TAU;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::builder::ProblemBuilder;
use crate::problem::Problem;
use nearest::Grid;

/// The side of the square city, in meters.
pub const CITY_M: f64 = 30_000.0;

/// Speed of a driver along the straight line, in meters per second: 29 km/h.
pub const SPEED_M_PER_S: f64 = 8.0;

/// Penalty of an unmatched request, in seconds. A driver whose travel time reaches it is not a candidate.
pub const PENALTY_S: u32 = 1_800;

/// Number of hotspots of a clustered city.
const HOTSPOTS: usize = 12;

/// Share of the requests and of the drivers that are at a hotspot.
const AT_HOTSPOTS: f64 = 0.7;

/// The distribution of requests and drivers over the city.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// Uniform over the city.
    Uniform,
    /// 70 % at twelve hotspots with unequal numbers of requests and drivers; the others uniform over the city.
    Clustered,
}

/// The parameters of a generated problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instance {
    /// Number of rows.
    pub requests: usize,
    /// Number of columns.
    pub drivers: usize,
    /// Number of nearest drivers that are candidates of a request.
    pub candidates: usize,
    /// The distribution over the city.
    pub spread: Spread,
    /// Seed of the random generator; the same seed gives the same problem.
    pub seed: u64,
}

/// A point in the city: meters east and north of its corner.
type Point = [f64; 2];

struct Hotspot {
    center: Point,
    radius_m: f64,
    requests: f64,
    drivers: f64,
}

impl Instance {
    /// Generates the problem. A cost is the travel time along the straight line, in whole seconds.
    ///
    /// # Panics
    ///
    /// Panics if there are more requests, drivers or edges than 32 bits can number.
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
        builder.build().expect("32 bits number the rows, columns and edges")
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
    /// Draws a point. The distance from the center is uniform, so points are denser near the center.
    fn point(&self, rng: &mut Pcg64Mcg) -> Point {
        let (angle, radius_m) = (rng.random_range(0.0..TAU), rng.random_range(0.0..self.radius_m));
        [self.center[0] + radius_m * angle.cos(), self.center[1] + radius_m * angle.sin()]
    }
}

/// Draws a hotspot whose whole disc is inside the city.
fn hotspot(rng: &mut Pcg64Mcg) -> Hotspot {
    let radius_m = rng.random_range(1_000.0..4_000.0);
    let mut coordinate = || rng.random_range(radius_m..CITY_M - radius_m);
    let center = [coordinate(), coordinate()];
    let requests = rng.random_range(0.2..1.2);
    Hotspot { center, radius_m, requests, drivers: requests * rng.random_range(0.6..1.4) }
}
