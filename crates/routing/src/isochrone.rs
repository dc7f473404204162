//! Isochrones: the area that is reached within a time, as polygons.
//!
//! The reached streets, up to the points where the time ends, get a margin on both sides. A grid over them contains
//! each corner's distance to the nearest reached street (`field.rs`). The polygons are the contours of the margin in
//! this grid (`rings.rs`, marching squares).
//!
//! The result has two guarantees, where a cell is [`Isochrone::cell_m`] wide. Every point within 0.58 cells of a
//! reached street is inside, because all corners of its cell are within the margin of 2 cells. Every point farther than
//! 3.42 cells from all of them is outside, because no corner of its cell is within the margin. Blocks that are wider
//! than twice the margin and have no reached street remain as holes.
//!
//! Meters are those of a plane that touches the globe at the middle of the streets' latitudes. At 50 degrees and 100 km
//! to the north or south of it, the margin to the east and west is off by 2 %.

mod field;
mod rings;

use kerb_geometry::{EARTH_RADIUS_M, LatLng};

use crate::engine::{OneToAll, PhantomNode};
use crate::network::line::{cut, length_m};
use crate::network::{DirectedSegment, Network};
use crate::roads::Roads;
use field::{CELL_M, Field, MARGIN_CELLS};
use rings::ContourPolygon;

/// The area that is reached within a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Isochrone {
    /// The area as polygons that do not touch each other.
    pub polygons: Vec<Polygon>,
    /// The side length of the grid's cells in meters. The module states the guarantees in cells.
    pub cell_m: f64,
    /// The area without its holes, in square meters.
    pub area_m2: f64,
    /// The length of the reached streets in meters. Both directions of a street count.
    pub streets_m: f64,
}

/// A closed line of longitudes and latitudes in degrees; the last point repeats the first. Beyond the 180th meridian
/// longitudes continue above 180 or below -180.
pub type Ring = Vec<[f64; 2]>;

/// A connected part of the area.
#[derive(Clone, Debug, PartialEq)]
pub struct Polygon {
    /// The outer boundary, counter-clockwise.
    pub outer: Ring,
    /// The boundaries of the holes, clockwise.
    pub holes: Vec<Ring>,
}

/// A plane that touches the globe: meters to the east of a longitude and to the north of the equator.
#[derive(Clone, Copy, Debug)]
struct Plane {
    lon_deg: f64,
    /// The cosine of the latitude where the plane touches the globe.
    scale: f64,
}

impl Roads {
    /// The area that is reached from a start within a time in milliseconds.
    pub fn isochrone(&self, from: &[PhantomNode], within_ms: u32) -> Isochrone {
        let reached = self.engine().router().one_to_all(from, within_ms);
        around(&reached_lines(self.network(), &reached))
    }
}

/// The reached parts of streets as lines.
fn reached_lines(network: &Network, reached: &OneToAll) -> Vec<Vec<LatLng>> {
    let arc_segments = reached.arc_segments.iter();
    arc_segments
        .map(|arc_segment| {
            let arc = DirectedSegment::from_number(network.directed_segments()[arc_segment.arc as usize]);
            cut(&network.line(arc), arc_segment.from, arc_segment.to)
        })
        .filter(|line| line.len() > 1)
        .collect()
}

/// The isochrone around reached lines.
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
    let contours = rings::polygons(&field, level_m);
    let to_ring = |ring: &Vec<[f64; 2]>| ring.iter().map(|point| plane.degrees(*point)).collect();
    let polygon = |contour: &ContourPolygon| Polygon {
        outer: to_ring(&contour.outer),
        holes: contour.holes.iter().map(to_ring).collect(),
    };
    Isochrone {
        polygons: contours.iter().map(polygon).collect(),
        cell_m: field.cell_m,
        area_m2: contours.iter().map(ContourPolygon::area_m2).sum(),
        streets_m,
    }
}

impl Plane {
    /// The plane in the middle of these lines; `None` without lines.
    fn of(lines: &[Vec<LatLng>]) -> Option<Plane> {
        let first = lines.first()?.first()?;
        let lats = || lines.iter().flatten().map(|at| at.lat_deg());
        let (south, north) = (lats().fold(f64::MAX, f64::min), lats().fold(f64::MIN, f64::max));
        let scale = f64::midpoint(south, north).to_radians().cos();
        Some(Plane { lon_deg: first.lon_deg(), scale })
    }

    fn meters(self, at: LatLng) -> [f64; 2] {
        // The shorter way around the globe, also across the 180th meridian.
        let east_deg = (at.lon_deg() - self.lon_deg + 540.0).rem_euclid(360.0) - 180.0;
        [east_deg.to_radians() * EARTH_RADIUS_M * self.scale, at.lat_deg().to_radians() * EARTH_RADIUS_M]
    }

    fn degrees(self, [east_m, north_m]: [f64; 2]) -> [f64; 2] {
        let east_deg = (east_m / EARTH_RADIUS_M / self.scale).to_degrees();
        [self.lon_deg + east_deg, (north_m / EARTH_RADIUS_M).to_degrees()]
    }
}
