//! The area around what can be reached within a time, as polygons.
//!
//! The streets that are reached, to the point where the time runs out, are given a margin on both sides: a grid over
//! them holds each corner's distance to the nearest of them (`field.rs`), and the line of equal distance is drawn
//! through its cells (`rings.rs`, marching squares). What that promises, with [`Isochrone::cell_m`] as the side of a
//! cell: every point within 0.58 cells of a reached street is inside, for all corners of its cell are within the margin
//! of 2 cells; every point farther than 3.42 cells from all of them is outside, for no corner of its cell is within.
//! Blocks that are wider than twice the margin and not crossed stay as holes.
//!
//! Meters are those of a plane that touches the globe in the middle of the streets' latitudes: 100 km to the north or
//! south of it, at 50 degrees, the margin to the east and west is off by 2 %.

mod field;
mod rings;

use kerb_geometry::{EARTH_RADIUS_M, LatLng};

use crate::engine::{OneToAll, PhantomNode};
use crate::graph::{DirectedSegment, Network};
use crate::line::{cut, length_m};
use crate::roads::Roads;
use field::Field;

/// The side of a cell, if the grid is not too large for it.
const CELL_M: f64 = 25.0;
/// How wide the margin is.
const MARGIN_CELLS: f64 = 2.0;
/// Corners of the grid: 16 MB, enough for 50 by 50 km. Cells are doubled until they are no more.
const CORNERS_MAX: usize = 4_000_000;

/// What can be reached within a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Isochrone {
    /// The area, as polygons that do not meet.
    pub polygons: Vec<Polygon>,
    /// The side of a cell of the grid in meters; see the module for what is promised in cells.
    pub cell_m: f64,
    /// The area without its holes, in square meters.
    pub area_m2: f64,
    /// The length of the streets that are reached in meters, both directions of a street counted.
    pub streets_m: f64,
}

/// A closed line: longitude and latitude in degrees, the first point again at the end. Beyond the 180th meridian the
/// longitude goes on.
pub type Ring = Vec<[f64; 2]>;

/// A part of the area.
#[derive(Clone, Debug, PartialEq)]
pub struct Polygon {
    /// Around it, counter-clockwise.
    pub outer: Ring,
    /// Around its holes, clockwise.
    pub holes: Vec<Ring>,
}

/// A plane that touches the globe: meters to the east of a longitude and to the north of the equator.
#[derive(Clone, Copy, Debug)]
struct Plane {
    lon_deg: f64,
    /// The cosine of the latitude where it touches.
    scale: f64,
}

impl Roads {
    /// The area that is reached from a place within a time in milliseconds.
    pub fn isochrone(&self, from: &[PhantomNode], within_ms: u32) -> Isochrone {
        let reach = self.engine().routes().one_to_all(from, within_ms);
        around(&lines(self.network(), &reach))
    }
}

/// The parts of streets that are reached.
fn lines(network: &Network, reach: &OneToAll) -> Vec<Vec<LatLng>> {
    let arc_segments = reach.arc_segments.iter();
    arc_segments
        .map(|arc_part| {
            let arc = DirectedSegment::from_number(network.directed_segments()[arc_part.arc as usize]);
            cut(&network.line(arc), arc_part.from, arc_part.to)
        })
        .filter(|line| line.len() > 1)
        .collect()
}

fn around(lines: &[Vec<LatLng>]) -> Isochrone {
    let streets_m = lines.iter().map(|line| length_m(line)).sum();
    let Some(plane) = Plane::of(lines) else {
        return Isochrone { polygons: Vec::new(), cell_m: CELL_M, area_m2: 0.0, streets_m };
    };
    let pieces = || {
        lines
            .iter()
            .flat_map(|line| line.windows(2))
            .map(|pair| [pair[0], pair[1]].map(|at| plane.meters(at)))
    };
    let field = Field::new(pieces);
    let level_m = (field.cell_m * MARGIN_CELLS) as f32;
    let parts = rings::parts(&field, level_m);
    let to_ring = |ring: &Vec<[f64; 2]>| ring.iter().map(|point| plane.degrees(*point)).collect();
    let polygon = |part: &rings::AreaPart| Polygon {
        outer: to_ring(&part.outer),
        holes: part.holes.iter().map(to_ring).collect(),
    };
    Isochrone {
        polygons: parts.iter().map(polygon).collect(),
        cell_m: field.cell_m,
        area_m2: parts.iter().map(rings::AreaPart::area_m2).sum(),
        streets_m,
    }
}

impl Plane {
    /// In the middle of these lines, if there are any.
    fn of(lines: &[Vec<LatLng>]) -> Option<Plane> {
        let first = lines.first()?.first()?;
        let lats = || lines.iter().flatten().map(|at| at.lat_deg());
        let (south, north) = (lats().fold(f64::MAX, f64::min), lats().fold(f64::MIN, f64::max));
        let scale = f64::midpoint(south, north).to_radians().cos();
        Some(Plane { lon_deg: first.lon_deg(), scale })
    }

    fn meters(self, at: LatLng) -> [f64; 2] {
        let east_deg = (at.lon_deg() - self.lon_deg + 540.0).rem_euclid(360.0) - 180.0;
        [east_deg.to_radians() * EARTH_RADIUS_M * self.scale, at.lat_deg().to_radians() * EARTH_RADIUS_M]
    }

    fn degrees(self, [east_m, north_m]: [f64; 2]) -> [f64; 2] {
        let east_deg = (east_m / EARTH_RADIUS_M / self.scale).to_degrees();
        [self.lon_deg + east_deg, (north_m / EARTH_RADIUS_M).to_degrees()]
    }
}
