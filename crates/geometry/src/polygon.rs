//! A polygon in the longitude/latitude plane, with an exact test of membership.

use crate::coordinate::TURN_E7;
use crate::planar::{PlanePoint, Rectangle};
use crate::ring::{edges, validate_ring};
use crate::{CellBounds, LatLng, PolygonError, Relation};

/// A simple polygon without holes. Its boundary belongs to it.
///
/// Edges are straight in the plane of longitude and latitude, as in GeoJSON (RFC 7946, section 3.1.1). An edge that would
/// span more than 180 degrees of longitude crosses the antimeridian instead. The vertices may be clockwise or
/// counterclockwise. Membership is decided in integers, without tolerance or rounding.
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
    vertices: Vec<LatLng>,
    /// The vertices in the plane: some longitudes may be beyond 180 degrees, none is below -180.
    ring: Vec<PlanePoint>,
    span: Rectangle,
}

impl Polygon {
    /// Validates a ring of vertices; the first vertex may be repeated at the end. The ring must bound one area. The error
    /// names the wrong vertex or edge: fewer than 3 vertices, repeated vertices, edges that cross or touch, a ring around
    /// a pole.
    pub fn new(mut vertices: Vec<LatLng>) -> Result<Polygon, PolygonError> {
        let ring = validate_ring(&mut vertices)?;
        Ok(Polygon { span: Rectangle::around(&ring), vertices, ring })
    }

    /// Returns the vertices in the given order, without a repeated closing vertex.
    pub fn vertices(&self) -> &[LatLng] {
        &self.vertices
    }

    /// Returns whether the position is inside or on the boundary.
    #[inline]
    pub fn contains(&self, position: LatLng) -> bool {
        // The ring's western end is within -180 to 180 degrees, and the ring is at most 360 degrees wide. So a position can
        // only be inside at its own longitude, or a whole turn to the east of it.
        [0, TURN_E7].into_iter().any(|turn| {
            let lon = i64::from(position.lon_e7()) + turn;
            let point = PlanePoint { lon, lat: i64::from(position.lat_e7()) };
            self.span.contains(point) && self.ring_contains(point)
        })
    }

    /// Returns how the box relates to the polygon.
    pub fn relation(&self, bounds: &CellBounds) -> Relation {
        // As in `contains`: the box at its own longitude, or a whole turn to the east of it.
        let unshifted = self.relation_in_plane(bounds, 0);
        if unshifted == Relation::Outside { self.relation_in_plane(bounds, TURN_E7) } else { unshifted }
    }

    /// Counts the edges that a ray from the point to the east crosses: an odd number means inside (Shimrat, "Algorithm
    /// 112", CACM 5, 1962).
    fn ring_contains(&self, point: PlanePoint) -> bool {
        let mut inside = false;
        for edge in edges(&self.ring) {
            let (start, end) = (edge.start, edge.end);
            if start.lat.max(end.lat) < point.lat || start.lat.min(end.lat) > point.lat {
                continue;
            }
            let side = edge.side(point);
            if side == 0 && edge.rectangle().contains(point) {
                return true;
            }
            // An edge includes its lower end and excludes its upper one, so that a vertex on the ray counts once.
            let rises = end.lat > point.lat;
            if (start.lat > point.lat) != rises && (side > 0) == rises {
                inside = !inside;
            }
        }
        inside
    }

    fn relation_in_plane(&self, bounds: &CellBounds, turn: i64) -> Relation {
        let rectangle = Rectangle {
            min: PlanePoint { lon: i64::from(bounds.west_e7()) + turn, lat: i64::from(bounds.south_e7()) },
            max: PlanePoint { lon: i64::from(bounds.east_e7()) + turn, lat: i64::from(bounds.north_e7()) },
        };
        if !self.span.meets(&rectangle) {
            Relation::Outside
        } else if edges(&self.ring).any(|edge| edge.meets_rectangle(&rectangle)) {
            Relation::Overlaps
        } else if self.ring_contains(rectangle.min) {
            // No edge enters the box, so all of the box is on one side of the boundary.
            Relation::Inside
        } else {
            Relation::Outside
        }
    }
}
