//! Validates a ring of vertices, and lays it out in the plane.

use crate::LatLng;
use crate::coordinate::{HALF_E7, TURN_E7};
use crate::planar::{PlanePoint, Rectangle, Segment, side};

/// Maximum vertices of a polygon, not counting a repeated closing vertex. Validation compares each edge with the edges at
/// its longitudes: at worst half a million pairs.
pub const MAX_POLYGON_VERTICES: usize = 1000;

/// Why a ring of vertices is not a polygon. Vertices and edges count from 0; edge `n` starts at vertex `n`.
#[expect(missing_docs, reason = "the fields are named like the values in the messages")]
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum PolygonError {
    /// The ring has fewer than 3 different vertices. `count` does not include a repeated closing vertex.
    #[error("polygon: {count} vertices are too few, at least 3 different ones are needed")]
    TooFewVertices { count: usize },
    /// The ring has more than [`MAX_POLYGON_VERTICES`] vertices. `count` does not include a repeated closing vertex.
    #[error("polygon: {count} vertices are too many, at most {MAX_POLYGON_VERTICES} are allowed")]
    TooManyVertices { count: usize },
    /// Two vertices are at the same position. `first` comes before `second` in the ring.
    #[error("polygon: vertices {first} and {second} are both {at}, each must be different")]
    RepeatedVertex { first: usize, second: usize, at: LatLng },
    /// All vertices are on one line, which goes from vertex 0 to vertex 1.
    #[error(
        "polygon: all vertices lie on the line from vertex 0 at {from} to vertex 1 at {to}, it has no area"
    )]
    ZeroArea { from: LatLng, to: LatLng },
    /// Two edges cross, or touch at a point that is not a shared vertex. `first` comes before `second` in the ring.
    #[error(
        "polygon: edge {first} from {first_start} and edge {second} from {second_start} cross or touch, \
         edges may only meet at the vertex they share"
    )]
    EdgesMeet { first: usize, first_start: LatLng, second: usize, second_start: LatLng },
    /// The ring goes around a pole, so it has no inside in the longitude/latitude plane.
    #[error(
        "polygon: the ring goes all the way round the globe and does not close; \
         to hold a pole, add edges along a meridian, the pole and back"
    )]
    GoesRoundPole,
    /// The ring spans more than 360 degrees of longitude from its westernmost to its easternmost vertex.
    #[error("polygon: {width_deg} degrees of longitude are too wide, at most 360 are allowed")]
    TooWide { width_deg: f64 },
}

/// Validates a ring and lays it out in the plane. A repeated closing vertex is removed.
///
/// In the plane, longitudes are unwrapped: they continue beyond 180 degrees, so that no edge is longer than half a turn.
/// The western end of the ring is within -180 to 180 degrees.
pub(crate) fn validate_ring(vertices: &mut Vec<LatLng>) -> Result<Vec<PlanePoint>, PolygonError> {
    if vertices.len() > 1 && vertices.first() == vertices.last() {
        vertices.pop();
    }
    match vertices.len() {
        count @ ..3 => return Err(PolygonError::TooFewVertices { count }),
        count if count > MAX_POLYGON_VERTICES => return Err(PolygonError::TooManyVertices { count }),
        _ => {}
    }
    let ring = unwrap_longitudes(vertices)?;
    reject_repeated_vertices(vertices, &ring)?;
    if ring.iter().all(|point| side(ring[0], ring[1], *point) == 0) {
        return Err(PolygonError::ZeroArea { from: vertices[0], to: vertices[1] });
    }
    reject_meeting_edges(vertices, &ring)?;
    Ok(ring)
}

/// Returns the edges of a ring in order.
pub(crate) fn edges(ring: &[PlanePoint]) -> impl Iterator<Item = Segment> + '_ {
    let ends = ring.iter().skip(1).chain(ring.first());
    ring.iter().zip(ends).map(|(start, end)| Segment { start: *start, end: *end })
}

fn unwrap_longitudes(vertices: &[LatLng]) -> Result<Vec<PlanePoint>, PolygonError> {
    let mut ring = Vec::with_capacity(vertices.len());
    let mut lon = i64::from(vertices[0].lon_e7());
    for (vertex, next) in vertices.iter().zip(vertices.iter().cycle().skip(1)) {
        ring.push(PlanePoint { lon, lat: i64::from(vertex.lat_e7()) });
        lon += lon_step(*vertex, *next);
    }
    // The steps add up to a multiple of a whole turn: 0, unless the ring goes around a pole.
    if lon != ring[0].lon {
        return Err(PolygonError::GoesRoundPole);
    }

    let span = Rectangle::around(&ring);
    let width = span.max.lon - span.min.lon;
    if width > TURN_E7 {
        // At most a thousand half turns, 1.8e12 steps, which a double holds exactly.
        return Err(PolygonError::TooWide { width_deg: width as f64 / 1e7 });
    }
    let turns = (span.min.lon + i64::from(HALF_E7)).div_euclid(TURN_E7);
    for point in &mut ring {
        point.lon -= turns * TURN_E7;
    }
    Ok(ring)
}

/// Returns the step in longitude from one vertex to the next, by the shorter way around the globe.
fn lon_step(from: LatLng, to: LatLng) -> i64 {
    let straight = i64::from(to.lon_e7()) - i64::from(from.lon_e7());
    if straight.abs() > i64::from(HALF_E7) { straight - straight.signum() * TURN_E7 } else { straight }
}

fn reject_repeated_vertices(vertices: &[LatLng], ring: &[PlanePoint]) -> Result<(), PolygonError> {
    let mut order: Vec<usize> = (0..ring.len()).collect();
    // Stable, so equal vertices stay in the order of the ring.
    order.sort_by_key(|&vertex| ring[vertex]);
    match order.windows(2).find(|pair| ring[pair[0]] == ring[pair[1]]) {
        Some(pair) => {
            Err(PolygonError::RepeatedVertex { first: pair[0], second: pair[1], at: vertices[pair[0]] })
        }
        None => Ok(()),
    }
}

/// Compares every edge with the edges that start within its longitudes. All vertices must differ.
///
/// This is a sweep from west to east (Shamos and Hoey, "Geometric Intersection Problems", FOCS 1976). It omits the tree
/// of that algorithm, which a thousand edges do not need.
fn reject_meeting_edges(vertices: &[LatLng], ring: &[PlanePoint]) -> Result<(), PolygonError> {
    let mut from_west: Vec<(Rectangle, usize, Segment)> =
        edges(ring).enumerate().map(|(index, edge)| (edge.rectangle(), index, edge)).collect();
    from_west.sort_unstable_by_key(|(rectangle, index, _)| (rectangle.min.lon, *index));

    for (position, (rectangle, index, edge)) in from_west.iter().enumerate() {
        let reached = from_west[position + 1..]
            .iter()
            .take_while(|(other_rectangle, ..)| other_rectangle.min.lon <= rectangle.max.lon);
        for (other_rectangle, other_index, other) in reached {
            if rectangle.meets(other_rectangle) && meet_wrongly(edge, other) {
                let (first, second) = (*index.min(other_index), *index.max(other_index));
                return Err(PolygonError::EdgesMeet {
                    first,
                    first_start: vertices[first],
                    second,
                    second_start: vertices[second],
                });
            }
        }
    }
    Ok(())
}

/// Returns whether two edges of a ring meet at a point that is not a shared vertex.
fn meet_wrongly(a: &Segment, b: &Segment) -> bool {
    if a.end == b.start {
        folds_back(a, b)
    } else if b.end == a.start {
        folds_back(b, a)
    } else {
        a.meets(b)
    }
}

/// Returns whether the edge `next`, which starts at the end of `edge`, runs back over it.
fn folds_back(edge: &Segment, next: &Segment) -> bool {
    let (back_lon, back_lat) = (edge.start.lon - edge.end.lon, edge.start.lat - edge.end.lat);
    let (next_lon, next_lat) = (next.end.lon - next.start.lon, next.end.lat - next.start.lat);
    let dot_product =
        i128::from(back_lon) * i128::from(next_lon) + i128::from(back_lat) * i128::from(next_lat);
    // `next` points backward along the line of `edge`.
    dot_product > 0 && edge.side(next.end) == 0
}
