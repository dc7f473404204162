//! Polygons of both APIs: an outer ring and the holes in it.

use std::borrow::Cow;

use kerb_geometry::{MAX_POLYGON_VERTICES, Polygon, PolygonError, RingIndex, Vertex};
use kerb_types::FieldError;

use super::field::{at, at_most, each, invalid, invalid_position, reason};
use super::public::degrees_error;
use crate::{internal, v1};

/// Maximum holes: each hole has at least 3 vertices, and so has the outer ring.
const HOLES_MAX: usize = MAX_POLYGON_VERTICES / 3 - 1;

impl From<Vertex> for v1::LatLng {
    fn from(vertex: Vertex) -> Self {
        Self { latitude_deg: vertex.lat_deg(), longitude_deg: vertex.lon_deg() }
    }
}

impl TryFrom<v1::LatLng> for Vertex {
    type Error = FieldError;

    fn try_from(wire: v1::LatLng) -> Result<Self, FieldError> {
        Vertex::new(wire.latitude_deg, wire.longitude_deg).map_err(|error| degrees_error(&error))
    }
}

impl From<&Polygon> for v1::PolygonSearch {
    fn from(polygon: &Polygon) -> Self {
        let vertices = |ring: &[Vertex]| ring.iter().copied().map(Into::into).collect();
        let hole = |ring: &Vec<Vertex>| v1::PolygonRing { vertices: vertices(ring) };
        Self { vertices: vertices(polygon.vertices()), holes: polygon.holes().iter().map(hole).collect() }
    }
}

impl TryFrom<v1::PolygonSearch> for Polygon {
    type Error = FieldError;

    fn try_from(wire: v1::PolygonSearch) -> Result<Self, FieldError> {
        let holes = wire.holes.into_iter().map(|hole| hole.vertices).collect();
        polygon(wire.vertices, holes, |vertices| each("vertices", vertices))
    }
}

/// Returns the rings of a polygon for another node.
pub(super) fn internal_rings(polygon: &Polygon) -> (Vec<u64>, Vec<internal::v1::PolygonRing>) {
    let vertices = |ring: &[Vertex]| ring.iter().map(|vertex| vertex.to_bits()).collect();
    let hole = |ring: &Vec<Vertex>| internal::v1::PolygonRing { vertices: vertices(ring) };
    (vertices(polygon.vertices()), polygon.holes().iter().map(hole).collect())
}

/// Converts the rings that another node sent.
pub(super) fn internal_polygon(
    vertices: Vec<u64>,
    holes: Vec<internal::v1::PolygonRing>,
) -> Result<Polygon, FieldError> {
    let vertex = |(i, bits): (usize, &u64)| {
        vertex_of_bits(*bits).ok_or_else(|| invalid_position(at("vertices", i), *bits))
    };
    let ring = |ring: Vec<u64>| ring.iter().enumerate().map(vertex).collect();
    polygon(vertices, holes.into_iter().map(|hole| hole.vertices).collect(), ring)
}

/// Reverses `Vertex::to_bits`; `None` for bits that no vertex has.
fn vertex_of_bits(bits: u64) -> Option<Vertex> {
    // The casts split the word into its halves.
    let (lat_e7, lon_e7) = ((bits >> 32) as u32, bits as u32);
    Vertex::from_e7(lat_e7.cast_signed(), lon_e7.cast_signed()).ok()
}

/// Converts an outer ring and its holes.
fn polygon<V>(
    outer: Vec<V>,
    holes: Vec<Vec<V>>,
    ring: impl Fn(Vec<V>) -> Result<Vec<Vertex>, FieldError>,
) -> Result<Polygon, FieldError> {
    // The checks precede the conversion, so that huge lists cost nothing. A closing vertex may be repeated.
    at_most("vertices", outer.len(), MAX_POLYGON_VERTICES + 1)?;
    at_most("holes", holes.len(), HOLES_MAX)?;
    let (rings, count) = (1 + holes.len(), outer.len() + holes.iter().map(Vec::len).sum::<usize>());
    if count > MAX_POLYGON_VERTICES + rings {
        let expected = format_args!("at most {MAX_POLYGON_VERTICES}");
        return Err(invalid("holes", format_args!("{count} vertices of all rings"), expected));
    }
    let outer = ring(outer)?;
    let hole = |(i, hole): (usize, Vec<V>)| ring(hole).map_err(|error| error.within(at("holes", i)));
    let holes = holes.into_iter().enumerate().map(hole).collect::<Result<Vec<_>, _>>()?;
    Polygon::with_holes(outer, holes).map_err(|error| FieldError::new(path(&error), reason(&error)))
}

/// Returns the path of the ring at fault.
fn path(error: &PolygonError) -> Cow<'static, str> {
    match RingIndex::hole(error.ring()) {
        Some(hole) => format!("holes[{hole}].vertices").into(),
        None => "vertices".into(),
    }
}
