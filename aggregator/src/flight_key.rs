//! When two questions are the same: equal in everything but the moment they came.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use kerb_geometry::{Circle, LatLng, Polygon};
use kerb_ports::{Cursor, Search};
use kerb_types::{Capabilities, DriverId};

use crate::query::Query;

/// A question by which flights are found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FlightKey {
    shape: Shape,
    limit: u32,
    after: Option<(u64, DriverId)>,
    statuses: u8,
    vehicle_classes: u64,
    capabilities: Capabilities,
    age_max_ms: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Shape {
    Nearest(Round),
    Radius(Round),
    Polygon(Ring),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Round {
    center: LatLng,
    /// The float's bits: the same number is the same circle.
    radius_bits: u64,
}

/// A polygon, equal by its vertices.
#[derive(Clone, Debug)]
struct Ring(Arc<Polygon>);

impl PartialEq for Ring {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.vertices() == other.0.vertices()
    }
}

impl Eq for Ring {}

impl Hash for Ring {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.vertices().hash(state);
    }
}

impl FlightKey {
    /// The key of a question.
    pub fn new(query: &Query) -> Self {
        let (shape, after) = match &query.search {
            Search::Nearest { circle, .. } => (Shape::Nearest(round(circle)), None),
            Search::WithinRadius { circle, after, .. } => (Shape::Radius(round(circle)), after.as_ref()),
            Search::WithinPolygon { polygon, after, .. } => {
                (Shape::Polygon(Ring(Arc::clone(polygon))), after.as_ref())
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

fn round(circle: &Circle) -> Round {
    Round { center: circle.center(), radius_bits: circle.radius_m().to_bits() }
}
