//! A polygon in the longitude/latitude plane, with an exact test of membership.

mod edge_tree;
mod error;
mod planar;
mod ring;
mod sweep;
mod vertex;

use crate::coordinate::TURN_E7;
use crate::{CellBounds, LatLng, Relation};
use edge_tree::{EdgeTree, PointLocation};
use planar::{PlanePoint, Rectangle};

pub use error::{MAX_POLYGON_VERTICES, PolygonError, RingIndex, RingVertex};
pub use vertex::Vertex;

/// A simple polygon, which may have holes. The boundary belongs to it, also that of a hole.
///
/// Edges are straight in the plane of longitude and latitude, as in GeoJSON (RFC 7946, section 3.1.1). An edge that would
/// span more than 180 degrees of longitude crosses the antimeridian instead; an edge of exactly 180 degrees runs from the
/// one number to the other, so it runs east from 0 to +180 and west from 0 to -180. The vertices of a ring may be clockwise
/// or counterclockwise. Membership is decided in integers, without tolerance or rounding.
///
/// ```
/// use kerb_geometry::{LatLng, Polygon};
///
/// let fiji = [(-20.0, 176.0), (-20.0, -178.0), (-15.0, -178.0), (-15.0, 176.0)];
/// let vertices: Result<Vec<LatLng>, _> = fiji.iter().map(|&(lat, lon)| LatLng::new(lat, lon)).collect();
/// let polygon = Polygon::new(vertices?)?;
/// assert!(polygon.contains(LatLng::new(-16.8, 179.99)?));
/// assert!(polygon.contains(LatLng::new(-16.8, -179.99)?));
/// assert!(!polygon.contains(LatLng::new(-16.8, 0.0)?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Polygon {
    /// The outer ring, then the holes, as the caller wrote them, without repeated closing vertices.
    rings: Vec<Vec<Vertex>>,
    /// The rings in the plane: some longitudes may be beyond 180 degrees, none of the outer ring is below -180.
    trees: Vec<EdgeTree>,
}

/// An edge of a polygon, in one of the two places at which a box can meet it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlacedEdge {
    ring: u16,
    index: u16,
    /// The box is compared a whole turn to the east of its own place.
    is_turned: bool,
}

impl Polygon {
    /// Makes a polygon without holes of positions, whose meridian of 180 degrees is always -180. See
    /// [`Polygon::with_holes`].
    pub fn new(vertices: Vec<LatLng>) -> Result<Polygon, PolygonError> {
        Polygon::with_holes(vertices.into_iter().map(Vertex::from).collect(), Vec::new())
    }

    /// Validates an outer ring and the holes in it; the first vertex of a ring may be repeated at its end. The rings must
    /// not cross or touch each other or themselves, and every hole must be directly within the outer ring.
    ///
    /// The error names the wrong vertex or edge as the caller wrote it. The work is proportional to `n log n`.
    pub fn with_holes(outer: Vec<Vertex>, holes: Vec<Vec<Vertex>>) -> Result<Polygon, PolygonError> {
        let mut rings = Vec::with_capacity(1 + holes.len());
        rings.push(outer);
        rings.extend(holes);
        ring::open_rings(&mut rings)?;
        let points = ring::lay_out(&rings)?;
        sweep::reject_invalid_rings(&rings, &points)?;
        Ok(Polygon { rings, trees: points.into_iter().map(EdgeTree::new).collect() })
    }

    /// Returns the vertices of the outer ring in the given order, without a repeated closing vertex.
    pub fn vertices(&self) -> &[Vertex] {
        &self.rings[0]
    }

    /// Returns the holes in the given order, each as its vertices without a repeated closing vertex.
    pub fn holes(&self) -> &[Vec<Vertex>] {
        &self.rings[1..]
    }

    /// Returns the number of vertices of all rings, which is also the number of edges.
    pub fn vertex_count(&self) -> usize {
        self.rings.iter().map(Vec::len).sum()
    }

    /// Returns whether the position is inside or on the boundary.
    #[inline]
    pub fn contains(&self, position: LatLng) -> bool {
        self.contains_counting(position, &mut 0)
    }

    /// Returns [`Polygon::contains`], and adds its cost to `steps`: the nodes and edges that were read.
    #[inline]
    pub(crate) fn contains_counting(&self, position: LatLng, steps: &mut usize) -> bool {
        // The ring's western end is within -180 to 180 degrees, and the ring is at most 360 degrees wide. So a position can
        // only be inside at its own longitude, or a whole turn to the east of it.
        [0, TURN_E7].into_iter().any(|turn| {
            let lon = i64::from(position.lon_e7()) + turn;
            let point = PlanePoint { lon, lat: i64::from(position.lat_e7()) };
            self.plane_contains(point, steps)
        })
    }

    /// Returns how the box relates to the polygon.
    pub fn relation(&self, bounds: &CellBounds) -> Relation {
        // As in `contains`: the box at its own longitude, or a whole turn to the east of it.
        let unshifted = self.relation_in_plane(bounds, 0);
        if unshifted == Relation::Outside { self.relation_in_plane(bounds, TURN_E7) } else { unshifted }
    }

    /// Returns every edge at the places where a box can meet it.
    pub(crate) fn placed_edges(&self) -> Vec<PlacedEdge> {
        let rings = (0_u16..).zip(&self.rings);
        let edges = rings.flat_map(|(ring, vertices)| (0_u16..).zip(vertices).map(move |(at, _)| (ring, at)));
        edges
            .flat_map(|(ring, index)| [false, true].map(|is_turned| PlacedEdge { ring, index, is_turned }))
            .collect()
    }

    /// Returns the edges among these that meet the box.
    pub(crate) fn edges_meeting(&self, bounds: &CellBounds, among: &[PlacedEdge]) -> Vec<PlacedEdge> {
        let rectangles = [0, TURN_E7].map(|turn| Rectangle::of_bounds(bounds, turn));
        let meets = |placed: &&PlacedEdge| {
            let edge = self.trees[usize::from(placed.ring)].edge(usize::from(placed.index));
            edge.meets_rectangle(&rectangles[usize::from(placed.is_turned)])
        };
        among.iter().filter(meets).copied().collect()
    }

    fn plane_contains(&self, point: PlanePoint, steps: &mut usize) -> bool {
        if !self.trees[0].span().contains(point) {
            return false;
        }
        match self.trees[0].place(point, steps) {
            PointLocation::Outside => false,
            PointLocation::Boundary => true,
            PointLocation::Inside => {
                let holes = &self.trees[1..];
                *steps += holes.len();
                let in_hole = |hole: &EdgeTree| {
                    hole.span().contains(point) && hole.place(point, steps) == PointLocation::Inside
                };
                !holes.iter().any(in_hole)
            }
        }
    }

    fn relation_in_plane(&self, bounds: &CellBounds, turn: i64) -> Relation {
        let rectangle = Rectangle::of_bounds(bounds, turn);
        if !self.trees[0].span().meets(&rectangle) {
            Relation::Outside
        } else if self.trees.iter().any(|ring| ring.meets(&rectangle)) {
            Relation::Overlaps
        } else if self.plane_contains(rectangle.min, &mut 0) {
            // No edge enters the box, so all of the box is on one side of the boundary.
            Relation::Inside
        } else {
            Relation::Outside
        }
    }
}
