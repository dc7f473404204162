//! The key of a flight: everything of a query but the moment of its arrival.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use kerb_geometry::{Circle, LatLng, Polygon};
use kerb_ports::{Cursor, Search};
use kerb_types::{Capabilities, DriverId};

use crate::query::Query;

/// The key by which identical queries find each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FlightKey {
    shape: ShapeKey,
    limit: u32,
    after: Option<(u64, DriverId)>,
    statuses: u8,
    vehicle_classes: u64,
    capabilities: Capabilities,
    age_max_ms: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum ShapeKey {
    Nearest(CircleKey),
    Radius(CircleKey),
    Polygon(PolygonKey),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct CircleKey {
    center: LatLng,
    /// The bits of the float, so that the key has `Eq` and `Hash`.
    radius_bits: u64,
}

/// A polygon, compared by its vertices.
#[derive(Clone, Debug)]
struct PolygonKey(Arc<Polygon>);

impl PartialEq for PolygonKey {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.vertices() == other.0.vertices() && self.0.holes() == other.0.holes())
    }
}

impl Eq for PolygonKey {}

impl Hash for PolygonKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.vertices().hash(state);
        self.0.holes().hash(state);
    }
}

impl FlightKey {
    /// Returns the key of a query.
    pub fn new(query: &Query) -> Self {
        let (shape, after) = match &query.search {
            Search::Nearest { circle, .. } => (ShapeKey::Nearest(circle_key(circle)), None),
            Search::WithinRadius { circle, after, .. } => {
                (ShapeKey::Radius(circle_key(circle)), after.as_ref())
            }
            Search::WithinPolygon { polygon, after, .. } => {
                (ShapeKey::Polygon(PolygonKey(Arc::clone(polygon))), after.as_ref())
            }
        };
        Self {
            shape,
            limit: query.search.limit(),
            after: after.map(|Cursor { hav, id }| (hav.to_bits(), id.clone())),
            statuses: query.statuses,
            vehicle_classes: query.vehicle_classes,
            capabilities: query.capabilities,
            age_max_ms: query.age_max_ms,
        }
    }
}

fn circle_key(circle: &Circle) -> CircleKey {
    CircleKey { center: circle.center(), radius_bits: circle.radius_m().to_bits() }
}
