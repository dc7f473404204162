//! Why rings of vertices are not a polygon.

use std::fmt;

use super::Vertex;

/// Maximum vertices of a polygon: those of its outer ring and of all holes, without repeated closing vertices.
pub const MAX_POLYGON_VERTICES: usize = 1000;

/// Which ring of a polygon: 0 is the outer ring, `n` is the hole with index `n - 1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingIndex(pub usize);

impl RingIndex {
    /// The outer ring.
    pub const OUTER: RingIndex = RingIndex(0);

    /// Returns the index of the hole; `None` for the outer ring.
    pub fn hole(self) -> Option<usize> {
        self.0.checked_sub(1)
    }
}

/// Writes nothing for the outer ring, and ` of hole n` for a hole.
impl fmt::Display for RingIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hole().map_or(Ok(()), |hole| write!(f, " of hole {hole}"))
    }
}

/// A vertex of a ring, or the edge that starts there. Both count from 0 in the order of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingVertex {
    /// The ring of the vertex.
    pub ring: RingIndex,
    /// The index in the ring.
    pub index: usize,
    /// The vertex as the caller wrote it.
    pub at: Vertex,
}

impl fmt::Display for RingVertex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.index, self.ring)
    }
}

/// Why rings of vertices are not a polygon. The errors name vertices and edges as the caller wrote them.
#[expect(missing_docs, reason = "the fields are named like the values in the messages")]
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum PolygonError {
    /// A ring has fewer than 3 vertices. `count` does not include a repeated closing vertex.
    #[error("polygon: {count} vertices{ring} are too few, at least 3 different ones are needed")]
    TooFewVertices { ring: RingIndex, count: usize },
    /// All rings together have more than [`MAX_POLYGON_VERTICES`] vertices, without repeated closing vertices.
    #[error("polygon: {count} vertices are too many, at most {MAX_POLYGON_VERTICES} are allowed")]
    TooManyVertices { count: usize },
    /// Two vertices are at the same position. `first` comes before `second`.
    #[error("polygon: {}", repeated(first, second))]
    RepeatedVertex { first: RingVertex, second: RingVertex },
    /// All vertices of a ring are on one line, which goes from vertex 0 to vertex 1.
    #[error(
        "polygon: all vertices{} lie on the line from vertex 0 at {} to vertex 1 at {}, it has no area",
        from.ring, from.at, to.at
    )]
    ZeroArea { from: RingVertex, to: RingVertex },
    /// Two edges cross, or touch at a point that is not a shared vertex. `first` comes before `second`.
    #[error(
        "polygon: edge {first} from {} and edge {second} from {} cross or touch, \
         edges may only meet at the vertex they share",
        first.at, second.at
    )]
    EdgesMeet { first: RingVertex, second: RingVertex },
    /// A ring goes around a pole, so it has no inside in the longitude/latitude plane.
    #[error(
        "polygon: the ring{ring} goes all the way round the globe and does not close; \
         to hold a pole, add edges along a meridian, the pole and back"
    )]
    GoesRoundPole { ring: RingIndex },
    /// A ring spans more than 360 degrees of longitude from its westernmost to its easternmost vertex.
    #[error("polygon: {width_deg} degrees of longitude{ring} are too wide, at most 360 are allowed")]
    TooWide { ring: RingIndex, width_deg: f64 },
    /// A hole is not within the outer ring.
    #[error("polygon: vertex {vertex} at {} is not inside the outer ring", vertex.at)]
    HoleOutside { vertex: RingVertex },
    /// A hole is within another hole.
    #[error("polygon: vertex {vertex} at {} is inside hole {hole}, holes may not be nested", vertex.at)]
    NestedHole { vertex: RingVertex, hole: usize },
}

impl PolygonError {
    /// Returns the ring at fault; the later one if two are.
    pub fn ring(&self) -> RingIndex {
        match self {
            PolygonError::TooManyVertices { .. } => RingIndex::OUTER,
            PolygonError::TooFewVertices { ring, .. }
            | PolygonError::GoesRoundPole { ring }
            | PolygonError::TooWide { ring, .. } => *ring,
            PolygonError::ZeroArea { from: at, .. }
            | PolygonError::RepeatedVertex { second: at, .. }
            | PolygonError::EdgesMeet { second: at, .. }
            | PolygonError::HoleOutside { vertex: at }
            | PolygonError::NestedHole { vertex: at, .. } => at.ring,
        }
    }
}

fn repeated(first: &RingVertex, second: &RingVertex) -> String {
    if first.at == second.at {
        return format!("vertices {first} and {second} are both {}, each must be different", first.at);
    }
    format!(
        "vertex {first} at {} and vertex {second} at {} are the same position, each must be different; \
         an edge of more than 180 degrees of longitude crosses the antimeridian, \
         so add a vertex between them for an edge around the globe",
        first.at, second.at
    )
}
