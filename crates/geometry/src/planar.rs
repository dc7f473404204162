//! Exact geometry in the longitude/latitude plane, in integers.

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
        points.iter().fold(first, |grown, point| Rectangle {
            min: PlanePoint { lon: grown.min.lon.min(point.lon), lat: grown.min.lat.min(point.lat) },
            max: PlanePoint { lon: grown.max.lon.max(point.lon), lat: grown.max.lat.max(point.lat) },
        })
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

    fn corners(&self) -> [PlanePoint; 4] {
        let (min, max) = (self.min, self.max);
        [min, PlanePoint { lon: max.lon, lat: min.lat }, max, PlanePoint { lon: min.lon, lat: max.lat }]
    }
}

impl Segment {
    pub(crate) fn rectangle(&self) -> Rectangle {
        Rectangle::around(&[self.start, self.end])
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
    pub(crate) fn meets_rectangle(&self, rectangle: &Rectangle) -> bool {
        if !self.rectangle().meets(rectangle) {
            return false;
        }
        let sides: i32 = rectangle.corners().iter().map(|corner| self.side(*corner)).sum();
        sides.abs() < 4
    }
}

/// Returns the sign of the cross product of `a → b` and `a → c`: 1 for a left turn, -1 for a right turn, 0 for none.
#[inline]
pub(crate) fn side(a: PlanePoint, b: PlanePoint, c: PlanePoint) -> i32 {
    // Differences need up to 41 bits (a ring of a thousand vertices, unwrapped), so the products need 128.
    let product = |u: i64, v: i64| i128::from(u) * i128::from(v);
    let left = product(b.lon - a.lon, c.lat - a.lat);
    let right = product(b.lat - a.lat, c.lon - a.lon);
    // `Ordering` has the values -1, 0 and 1.
    left.cmp(&right) as i32
}
