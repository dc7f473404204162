//! Validates all rings of a polygon together, in one sweep from west to east.
//!
//! The sweep is that of Shamos and Hoey, "Geometric Intersection Problems" (FOCS 1976), with exact predicates. It keeps
//! the edges that it currently meets, ordered from south to north, and compares an edge only with its neighbors in that
//! order. The number of comparisons is proportional to `n log n`. The order is an array: of a thousand edges, an
//! insertion moves two kilobytes at most, which costs less than the nodes of a tree.

use super::Vertex;
use super::error::{PolygonError, RingIndex, RingVertex};
use super::planar::{PlanePoint, Segment};

/// Rejects rings that repeat a vertex, cross or touch each other or themselves, and holes that are not directly within the
/// outer ring. Returns the number of comparisons.
pub(super) fn reject_invalid_rings(
    rings: &[Vec<Vertex>],
    points: &[Vec<PlanePoint>],
) -> Result<usize, PolygonError> {
    let mut sweep = Sweep::new(rings, points);
    let mut order: Vec<usize> = (0..sweep.corners.len()).collect();
    // Stable, so equal vertices stay in the order of the caller.
    order.sort_by_key(|&corner| sweep.corners[corner].point);
    if let Some(pair) =
        order.windows(2).find(|pair| sweep.corners[pair[0]].point == sweep.corners[pair[1]].point)
    {
        let [first, second] = [pair[0], pair[1]].map(|corner| sweep.vertex(corner));
        return Err(PolygonError::RepeatedVertex { first, second });
    }
    for corner in order {
        sweep.pass(corner)?;
    }
    Ok(sweep.comparisons)
}

/// A vertex, and the edge that starts at it.
struct Corner {
    point: PlanePoint,
    ring: usize,
    /// The corner before this one in its ring: its edge ends here.
    previous: usize,
    /// The edge, from west to east.
    edge: Segment,
    /// The inside of the edge's own ring is north of the edge.
    inside_north: bool,
}

/// The innermost ring around a ring.
#[derive(Clone, Copy, PartialEq)]
enum Around {
    /// The sweep has not reached the ring.
    Unknown,
    Nothing,
    Ring(usize),
}

struct Sweep<'a> {
    rings: &'a [Vec<Vertex>],
    corners: Vec<Corner>,
    /// The first corner of each ring.
    firsts: Vec<usize>,
    /// The edges at the sweep line, from south to north.
    active: Vec<usize>,
    /// The innermost ring around each ring.
    around: Vec<Around>,
    comparisons: usize,
}

impl<'a> Sweep<'a> {
    fn new(rings: &'a [Vec<Vertex>], points: &[Vec<PlanePoint>]) -> Self {
        let (mut corners, mut firsts) = (Vec::new(), Vec::with_capacity(rings.len()));
        for (ring, points) in points.iter().enumerate() {
            let first = corners.len();
            firsts.push(first);
            let is_left_turning = doubled_area(points) > 0;
            for (index, point) in points.iter().enumerate() {
                let end = points[(index + 1) % points.len()];
                let previous = first + (index + points.len() - 1) % points.len();
                let inside_north = (*point < end) == is_left_turning;
                let edge = Segment { start: *point, end }.eastward();
                corners.push(Corner { point: *point, ring, previous, edge, inside_north });
            }
        }
        Self {
            rings,
            corners,
            firsts,
            active: Vec::new(),
            around: vec![Around::Unknown; rings.len()],
            comparisons: 0,
        }
    }

    /// Moves the sweep line over a vertex: its two edges end, start, or continue one another.
    fn pass(&mut self, corner: usize) -> Result<(), PolygonError> {
        let point = self.corners[corner].point;
        let (before, after) = (self.corners[corner].previous, corner);
        let (low, high) = self.edges_through(point);
        for &edge in &self.active[low..high] {
            if edge != before && edge != after {
                // An edge that folds back over its neighbor is the better one to name.
                let folds = edge == self.corners[before].previous;
                return Err(self.meeting(edge, if folds { before } else { after }));
            }
        }
        let starting: Vec<usize> =
            [before, after].into_iter().filter(|&edge| self.corners[edge].edge.start == point).collect();
        if let [one, other] = starting[..] {
            self.locate_ring(corner, low)?;
            let southern = match self.corners[one].edge.side(self.corners[other].edge.end) {
                0 => return Err(self.meeting(one, other)),
                1 => [one, other],
                _ => [other, one],
            };
            self.active.splice(low..low, southern);
        } else {
            self.active.splice(low..high, starting.iter().copied());
        }
        // Each pair of edges that are neighbors now and were not before.
        self.reject_meeting(low.wrapping_sub(1), low)?;
        match starting.len() {
            0 => Ok(()),
            count => self.reject_meeting(low + count - 1, low + count),
        }
    }

    /// Returns the range of the active edges that contain the point, by binary search.
    fn edges_through(&mut self, point: PlanePoint) -> (usize, usize) {
        let (corners, mut comparisons) = (&self.corners, 0);
        let mut side = |edge: &usize| {
            comparisons += 1;
            corners[*edge].edge.side(point)
        };
        let low = self.active.partition_point(|edge| side(edge) > 0);
        let through = self.active[low..].iter().take_while(|edge| side(edge) == 0).count();
        self.comparisons += comparisons;
        (low, low + through)
    }

    fn reject_meeting(&mut self, south: usize, north: usize) -> Result<(), PolygonError> {
        let (Some(&south), Some(&north)) = (self.active.get(south), self.active.get(north)) else {
            return Ok(());
        };
        self.comparisons += 1;
        let (a, b) = (&self.corners[south], &self.corners[north]);
        // Neighbors of a ring share a vertex. They only meet elsewhere if one folds back over the other, and then a
        // vertex of the one is on the other, which `pass` finds.
        let are_neighbors = a.previous == north || b.previous == south;
        if are_neighbors || !a.edge.meets(&b.edge) { Ok(()) } else { Err(self.meeting(south, north)) }
    }

    /// Finds the ring around this one when the sweep reaches its westernmost vertex, above `low` active edges.
    fn locate_ring(&mut self, corner: usize, low: usize) -> Result<(), PolygonError> {
        let ring = self.corners[corner].ring;
        if self.around[ring] != Around::Unknown {
            return Ok(());
        }
        let around = low.checked_sub(1).map_or(Around::Nothing, |below| {
            let below = &self.corners[self.active[below]];
            // The sweep has reached the ring of an active edge, so what is around that ring is known.
            if below.inside_north { Around::Ring(below.ring) } else { self.around[below.ring] }
        });
        self.around[ring] = around;
        let vertex = self.vertex(corner);
        match around {
            _ if RingIndex(ring) == RingIndex::OUTER => Ok(()),
            Around::Ring(around) => match RingIndex(around).hole() {
                None => Ok(()),
                Some(hole) => Err(PolygonError::NestedHole { vertex, hole }),
            },
            Around::Nothing | Around::Unknown => Err(PolygonError::HoleOutside { vertex }),
        }
    }

    fn meeting(&self, a: usize, b: usize) -> PolygonError {
        PolygonError::EdgesMeet { first: self.vertex(a.min(b)), second: self.vertex(a.max(b)) }
    }

    fn vertex(&self, corner: usize) -> RingVertex {
        let ring = self.corners[corner].ring;
        let index = corner - self.firsts[ring];
        RingVertex { ring: RingIndex(ring), index, at: self.rings[ring][index] }
    }
}

/// Returns twice the signed area of a ring, positive if it turns left (the shoelace formula).
fn doubled_area(points: &[PlanePoint]) -> i128 {
    let ends = points.iter().cycle().skip(1);
    let cross = |(a, b): (&PlanePoint, &PlanePoint)| {
        i128::from(a.lon) * i128::from(b.lat) - i128::from(b.lon) * i128::from(a.lat)
    };
    points.iter().zip(ends).map(cross).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::polygon::ring::lay_out;

    /// A ring of `count` edges, most of which run from the west to the east of it and back.
    fn zigzag(count: i32, slant_e7: i32) -> Vec<Vertex> {
        let row = |i: i32| Vertex::from_e7(i * 1_000 + (i % 2) * slant_e7, (i % 2) * 100_000_000 + 1_000);
        let mut ring: Vec<_> = (0..count - 2).map(|i| row(i).expect("a vertex")).collect();
        let (north, west) = ((count + 10) * 1_000 + slant_e7, -1_000);
        ring.push(Vertex::from_e7(north, west).expect("a vertex"));
        ring.push(Vertex::from_e7(-1_000, west).expect("a vertex"));
        ring
    }

    fn comparisons(ring: Vec<Vertex>) -> usize {
        let rings = [ring];
        let points = lay_out(&rings).expect("a layout");
        reject_invalid_rings(&rings, &points).expect("a simple ring")
    }

    #[test]
    fn the_work_grows_as_n_log_n() {
        for slant_e7 in [0, 50_000_000] {
            for count in [50, 100, 500, 1_000] {
                let log = f64::from(count).log2();
                let work = comparisons(zigzag(count, slant_e7)) as f64;
                assert!(work <= 2.0 * f64::from(count) * log, "{count} edges: {work} comparisons");
            }
        }
    }
}
