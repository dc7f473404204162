//! Where a search looks.

use crate::{CellBounds, Circle, LatLng, Polygon};

/// A validated shape.
#[derive(Debug, Clone, PartialEq)]
pub enum Area {
    /// Within a distance of a centre.
    Circle(Circle),
    /// Within a ring of vertices.
    Polygon(Polygon),
}

/// How a box lies to an area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// No position of the box is in the area.
    Outside,
    /// Neither is certain.
    Overlaps,
    /// Every position of the box is in the area.
    Inside,
}

impl Area {
    /// Whether the position is in the area; its boundary belongs to it.
    #[inline]
    pub fn contains(&self, position: LatLng) -> bool {
        match self {
            Area::Circle(circle) => circle.contains(position),
            Area::Polygon(polygon) => polygon.contains(position),
        }
    }

    /// How the box lies to the area. `Outside` and `Inside` are certain; `Overlaps` may be said of a box that is
    /// just one or the other.
    pub fn relation(&self, bounds: &CellBounds) -> Relation {
        match self {
            Area::Circle(circle) => circle.relation(bounds),
            Area::Polygon(polygon) => polygon.relation(bounds),
        }
    }
}

impl From<Circle> for Area {
    fn from(circle: Circle) -> Area {
        Area::Circle(circle)
    }
}

impl From<Polygon> for Area {
    fn from(polygon: Polygon) -> Area {
        Area::Polygon(polygon)
    }
}
