//! The area of a search: a circle or a polygon.

use std::sync::Arc;

use crate::{CellBounds, Circle, LatLng, Polygon, Relation};

/// A validated search area.
///
/// ```
/// use kerb_geometry::{Area, Cell, Circle, LatLng, Morton, Relation};
///
/// let center = LatLng::new(52.52, 13.405)?;
/// let area = Area::from(Circle::new(center, 1_000.0)?);
/// assert!(area.contains(center));
/// // A cell of level 20 is some 20 m wide, the globe is not.
/// let cell = Cell::of(Morton::from(center), 20);
/// assert_eq!(area.relation(&cell.bounds()), Relation::Inside);
/// assert_eq!(area.relation(&Cell::ROOT.bounds()), Relation::Overlaps);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Area {
    /// All positions within a distance of a center.
    Circle(Circle),
    /// All positions within a polygon.
    Polygon(Arc<Polygon>),
}

impl Area {
    /// Returns whether the position is in the area or on its boundary.
    #[inline]
    pub fn contains(&self, position: LatLng) -> bool {
        match self {
            Area::Circle(circle) => circle.contains(position),
            Area::Polygon(polygon) => polygon.contains(position),
        }
    }

    /// Returns how the box relates to the area. `Outside` and `Inside` are certain; `Overlaps` may be returned for a box
    /// that is barely one or the other.
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
        Area::Polygon(Arc::new(polygon))
    }
}

impl From<Arc<Polygon>> for Area {
    fn from(polygon: Arc<Polygon>) -> Area {
        Area::Polygon(polygon)
    }
}
