//! The edges of one ring in a tree of rectangles, so that a question reads few of them.
//!
//! The leaves are runs of consecutive edges. A run that lies east of a point is crossed by the ray to the east an odd
//! number of times exactly if its two ends are on different sides of the ray, so the edges in between are not read.

use super::planar::{PlanePoint, Rectangle, Segment};

/// Edges of a leaf, and children of a node.
const FANOUT: usize = 4;

/// Where a point is in relation to a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PointLocation {
    Inside,
    Boundary,
    Outside,
}

/// A ring in the plane. Node `i` of level `l` covers the edges from `i * 4^(l + 1)` on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct EdgeTree {
    /// The vertices, with the first one repeated at the end.
    points: Vec<PlanePoint>,
    /// The rectangles of the nodes, the leaves first. The last level has one node.
    levels: Vec<Vec<Rectangle>>,
}

impl EdgeTree {
    /// Builds the tree of a ring of at least 3 vertices.
    pub(crate) fn new(mut points: Vec<PlanePoint>) -> EdgeTree {
        points.push(points[0]);
        let edges: Vec<Rectangle> = points.windows(2).map(Rectangle::around).collect();
        let join =
            |run: &[Rectangle]| run[1..].iter().fold(run[0], |grown, rectangle| grown.joined(rectangle));
        let above = |level: &[Rectangle]| level.chunks(FANOUT).map(join).collect::<Vec<_>>();
        let mut levels = vec![above(&edges)];
        while levels[levels.len() - 1].len() > 1 {
            levels.push(above(&levels[levels.len() - 1]));
        }
        EdgeTree { points, levels }
    }

    /// Returns the smallest rectangle around the ring.
    pub(crate) fn span(&self) -> &Rectangle {
        &self.levels[self.levels.len() - 1][0]
    }

    /// Returns the edge that starts at this vertex.
    pub(crate) fn edge(&self, index: usize) -> Segment {
        Segment { start: self.points[index], end: self.points[index + 1] }
    }

    /// Counts the edges that a ray from the point to the east crosses: an odd number means inside (Shimrat, "Algorithm
    /// 112", CACM 5, 1962).
    ///
    /// Adds the nodes and edges that it reads to `steps`.
    pub(crate) fn place(&self, point: PlanePoint, steps: &mut usize) -> PointLocation {
        match self.crossings_are_odd(self.levels.len() - 1, 0, point, steps) {
            None => PointLocation::Boundary,
            Some(true) => PointLocation::Inside,
            Some(false) => PointLocation::Outside,
        }
    }

    /// Returns whether an edge and the rectangle have a point in common.
    pub(crate) fn meets(&self, rectangle: &Rectangle) -> bool {
        self.node_meets(self.levels.len() - 1, 0, rectangle)
    }

    /// Whether the ray crosses an odd number of the node's edges; `None` if the point is on one of them.
    fn crossings_are_odd(
        &self,
        level: usize,
        node: usize,
        point: PlanePoint,
        steps: &mut usize,
    ) -> Option<bool> {
        *steps += 1;
        let rectangle = &self.levels[level][node];
        if rectangle.max.lat < point.lat || rectangle.min.lat > point.lat || rectangle.max.lon < point.lon {
            return Some(false);
        }
        if rectangle.min.lon > point.lon {
            let [first, last] = self.run(level, node).map(|vertex| self.points[vertex]);
            return Some((first.lat > point.lat) != (last.lat > point.lat));
        }
        let mut odd = false;
        if level == 0 {
            let [first, last] = self.run(level, node);
            *steps += last - first;
            for edge in (first..last).map(|vertex| self.edge(vertex)) {
                odd ^= is_crossed(&edge, point)?;
            }
        } else {
            for child in self.children(level, node) {
                odd ^= self.crossings_are_odd(level - 1, child, point, steps)?;
            }
        }
        Some(odd)
    }

    fn node_meets(&self, level: usize, node: usize, rectangle: &Rectangle) -> bool {
        if !self.levels[level][node].meets(rectangle) {
            return false;
        }
        if level == 0 {
            let [first, last] = self.run(level, node);
            return (first..last).any(|vertex| self.edge(vertex).meets_rectangle(rectangle));
        }
        self.children(level, node).any(|child| self.node_meets(level - 1, child, rectangle))
    }

    /// Returns the first and the last vertex of the node's run of edges.
    fn run(&self, level: usize, node: usize) -> [usize; 2] {
        // At most 1,000 edges, so a level is at most 5 and the power fits.
        let edges = FANOUT.pow(level as u32 + 1);
        [node * edges, ((node + 1) * edges).min(self.points.len() - 1)]
    }

    fn children(&self, level: usize, node: usize) -> std::ops::Range<usize> {
        node * FANOUT..((node + 1) * FANOUT).min(self.levels[level - 1].len())
    }
}

/// Whether a ray from the point to the east crosses the edge; `None` if the point is on the edge.
fn is_crossed(edge: &Segment, point: PlanePoint) -> Option<bool> {
    let (start, end) = (edge.start, edge.end);
    if start.lat.max(end.lat) < point.lat || start.lat.min(end.lat) > point.lat {
        return Some(false);
    }
    let side = edge.side(point);
    if side == 0 && edge.rectangle().contains(point) {
        return None;
    }
    // An edge includes its lower end and excludes its upper one, so that a vertex on the ray counts once.
    let rises = end.lat > point.lat;
    Some((start.lat > point.lat) != rises && (side > 0) == rises)
}
