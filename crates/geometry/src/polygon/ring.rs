//! Lays out rings of vertices in the plane, and validates each by itself.

use super::error::{PolygonError, RingIndex, RingVertex};
use super::planar::{PlanePoint, Rectangle, side};
use super::{MAX_POLYGON_VERTICES, Vertex};
use crate::coordinate::{HALF_E7, TURN_E7};

/// Removes the repeated closing vertex of each ring, if there is one, and checks the number of vertices.
pub(super) fn open_rings(rings: &mut [Vec<Vertex>]) -> Result<(), PolygonError> {
    for (number, ring) in rings.iter_mut().enumerate() {
        let same = |a: &Vertex, b: &Vertex| crate::LatLng::from(*a) == crate::LatLng::from(*b);
        if ring.len() > 1 && matches!((ring.first(), ring.last()), (Some(a), Some(b)) if same(a, b)) {
            ring.pop();
        }
        if ring.len() < 3 {
            return Err(PolygonError::TooFewVertices { ring: RingIndex(number), count: ring.len() });
        }
    }
    let count = rings.iter().map(Vec::len).sum();
    if count > MAX_POLYGON_VERTICES { Err(PolygonError::TooManyVertices { count }) } else { Ok(()) }
}

/// Lays out the rings in the plane, where longitudes are unwrapped: they continue beyond 180 degrees, so that no edge is
/// longer than half a turn. The western end of the outer ring is within -180 to 180 degrees. A hole is laid out within the
/// longitudes of the outer ring if it fits there.
pub(super) fn lay_out(rings: &[Vec<Vertex>]) -> Result<Vec<Vec<PlanePoint>>, PolygonError> {
    let mut laid_out = Vec::with_capacity(rings.len());
    for (number, ring) in rings.iter().enumerate() {
        let points = unwrap_longitudes(RingIndex(number), ring)?;
        if points.iter().all(|point| side(points[0], points[1], *point) == 0) {
            let vertex = |index: usize| RingVertex { ring: RingIndex(number), index, at: ring[index] };
            // Two equal vertices have no line through them; the sort of the sweep names them instead.
            if points[0] != points[1] {
                return Err(PolygonError::ZeroArea { from: vertex(0), to: vertex(1) });
            }
        }
        laid_out.push(points);
    }
    let outer = Rectangle::around(&laid_out[0]);
    for hole in &mut laid_out[1..] {
        let span = Rectangle::around(hole);
        // The western ends of both are within one turn, so a hole fits here or a whole turn to the east. Of a hole that
        // fits nowhere, the sweep names a vertex.
        if span.min.lon < outer.min.lon {
            for point in hole {
                point.lon += TURN_E7;
            }
        }
    }
    Ok(laid_out)
}

fn unwrap_longitudes(number: RingIndex, vertices: &[Vertex]) -> Result<Vec<PlanePoint>, PolygonError> {
    let mut ring = Vec::with_capacity(vertices.len());
    let mut lon = i64::from(vertices[0].lon_e7());
    for (vertex, next) in vertices.iter().zip(vertices.iter().cycle().skip(1)) {
        ring.push(PlanePoint { lon, lat: i64::from(vertex.lat_e7()) });
        lon += lon_step(*vertex, *next);
    }
    // The steps add up to a multiple of a whole turn: 0, unless the ring goes around a pole.
    if lon != ring[0].lon {
        return Err(PolygonError::GoesRoundPole { ring: number });
    }

    let span = Rectangle::around(&ring);
    let width = span.max.lon - span.min.lon;
    if width > TURN_E7 {
        // At most a thousand half turns, 1.8e12 steps, which a double holds exactly.
        return Err(PolygonError::TooWide { ring: number, width_deg: width as f64 / 1e7 });
    }
    let turns = (span.min.lon + i64::from(HALF_E7)).div_euclid(TURN_E7);
    for point in &mut ring {
        point.lon -= turns * TURN_E7;
    }
    Ok(ring)
}

/// Returns the step in longitude from one vertex to the next, by the shorter way around the globe. Half a turn goes
/// straight from the one number to the other, so the sign of 180 degrees decides its direction.
fn lon_step(from: Vertex, to: Vertex) -> i64 {
    let straight = i64::from(to.lon_e7()) - i64::from(from.lon_e7());
    if straight.abs() > i64::from(HALF_E7) { straight - straight.signum() * TURN_E7 } else { straight }
}
