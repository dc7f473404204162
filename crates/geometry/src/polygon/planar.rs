//! Exact geometry in the longitude/latitude plane, in integers.

use crate::CellBounds;

/// A point in lattice steps of 1e-7 degrees. The longitude may be beyond ±180 degrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PlanePoint {
    pub(crate) lon: i64,
    pub(crate) lat: i64,
}

/// A rectangle in the plane, with its edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rectangle {
    pub(crate) min: PlanePoint,
    pub(crate) max: PlanePoint,
}

/// A straight edge in the plane, with its end points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) start: PlanePoint,
    pub(crate) end: PlanePoint,
}

impl Rectangle {
    /// Makes the smallest rectangle around the points. There must be at least one point.
    pub(crate) fn around(points: &[PlanePoint]) -> Rectangle {
        let first = Rectangle { min: points[0], max: points[0] };
        points.iter().fold(first, |grown, point| grown.joined(&Rectangle { min: *point, max: *point }))
    }

    /// Makes the rectangle of a box, `turn` lattice steps to the east of it.
    pub(crate) fn of_bounds(bounds: &CellBounds, turn: i64) -> Rectangle {
        Rectangle {
            min: PlanePoint { lon: i64::from(bounds.west_e7()) + turn, lat: i64::from(bounds.south_e7()) },
            max: PlanePoint { lon: i64::from(bounds.east_e7()) + turn, lat: i64::from(bounds.north_e7()) },
        }
    }

    /// Returns the smallest rectangle around both.
    pub(crate) fn joined(&self, other: &Rectangle) -> Rectangle {
        Rectangle {
            min: PlanePoint { lon: self.min.lon.min(other.min.lon), lat: self.min.lat.min(other.min.lat) },
            max: PlanePoint { lon: self.max.lon.max(other.max.lon), lat: self.max.lat.max(other.max.lat) },
        }
    }

    #[inline]
    pub(crate) fn contains(&self, point: PlanePoint) -> bool {
        (self.min.lon..=self.max.lon).contains(&point.lon)
            && (self.min.lat..=self.max.lat).contains(&point.lat)
    }

    #[inline]
    pub(crate) fn meets(&self, other: &Rectangle) -> bool {
        self.min.lon <= other.max.lon
            && other.min.lon <= self.max.lon
            && self.min.lat <= other.max.lat
            && other.min.lat <= self.max.lat
    }

    /// Returns the common part of two rectangles that meet.
    #[inline]
    fn common(&self, other: &Rectangle) -> Rectangle {
        Rectangle {
            min: PlanePoint { lon: self.min.lon.max(other.min.lon), lat: self.min.lat.max(other.min.lat) },
            max: PlanePoint { lon: self.max.lon.min(other.max.lon), lat: self.max.lat.min(other.max.lat) },
        }
    }

    #[inline]
    fn corners(&self) -> [PlanePoint; 4] {
        let (min, max) = (self.min, self.max);
        [min, PlanePoint { lon: max.lon, lat: min.lat }, max, PlanePoint { lon: min.lon, lat: max.lat }]
    }
}

impl Segment {
    #[inline]
    pub(crate) fn rectangle(&self) -> Rectangle {
        Rectangle {
            min: PlanePoint { lon: self.start.lon.min(self.end.lon), lat: self.start.lat.min(self.end.lat) },
            max: PlanePoint { lon: self.start.lon.max(self.end.lon), lat: self.start.lat.max(self.end.lat) },
        }
    }

    /// Returns the segment from its western to its eastern end, from south to north if it is vertical.
    #[inline]
    pub(crate) fn eastward(&self) -> Segment {
        Segment { start: self.start.min(self.end), end: self.start.max(self.end) }
    }

    /// Returns 1 if the point is left of the edge's direction, -1 if right of it, 0 if on its line.
    #[inline]
    pub(crate) fn side(&self, point: PlanePoint) -> i32 {
        side(self.start, self.end, point)
    }

    /// Returns whether two edges have a point in common.
    ///
    /// Each edge must have one end on either side of the other's line, or on it. For edges on one line the test of the
    /// rectangles decides.
    pub(crate) fn meets(&self, other: &Segment) -> bool {
        self.rectangle().meets(&other.rectangle())
            && self.side(other.start) * self.side(other.end) <= 0
            && other.side(self.start) * other.side(self.end) <= 0
    }

    /// Returns whether the edge and the rectangle have a point in common.
    ///
    /// Two convex shapes are disjoint exactly if a line along one of their edges separates them (the separating axis
    /// theorem). Here the line is a side of the rectangle, or the line of the edge if all four corners are on one side of it.
    #[inline]
    pub(crate) fn meets_rectangle(&self, rectangle: &Rectangle) -> bool {
        let own = self.rectangle();
        if !own.meets(rectangle) {
            return false;
        }
        // The edge is within its own rectangle, so only the common part matters. Its corners are near, as `side` needs.
        let sides: i32 = own.common(rectangle).corners().iter().map(|corner| self.side(*corner)).sum();
        sides.abs() < 4
    }
}

/// Returns the sign of the cross product of `a → b` and `a → c`: 1 for a left turn, -1 for a right turn, 0 for none. The
/// points must be within 360 degrees of longitude of each other, as all points of a valid ring are.
#[inline]
pub(crate) fn side(a: PlanePoint, b: PlanePoint, c: PlanePoint) -> i32 {
    // Longitudes differ by at most 3.6e9 and latitudes by at most 1.8e9, so a product is below 6.5e18 and fits 63 bits.
    let left = (b.lon - a.lon) * (c.lat - a.lat);
    let right = (b.lat - a.lat) * (c.lon - a.lon);
    // `Ordering` has the values -1, 0 and 1.
    left.cmp(&right) as i32
}
