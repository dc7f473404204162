//! The straight pieces of segments, as entries of an R-tree.

use kerb_geometry::distance_m;
use rstar::{AABB, RStarInsertionStrategy, RTreeObject, RTreeParams};

use crate::network::{DirectedSegment, LatticePoint, Network, SegmentEnds, SegmentId};

/// The shape of the R-tree: 16 children for each node, so that a query visits few levels and reads siblings that are
/// adjacent in memory. On Manhattan's 38,816 pieces a query takes 1.3 µs; with rstar's default of 6 children it takes
/// 1.7.
pub(super) struct FlatTree;

impl RTreeParams for FlatTree {
    const MIN_SIZE: usize = 6;
    const MAX_SIZE: usize = 16;
    const REINSERTION_COUNT: usize = 5;
    type DefaultInsertionStrategy = RStarInsertionStrategy;
}

/// A straight piece of a segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub(super) from: LatticePoint,
    pub(super) to: LatticePoint,
    pub(super) segment: u32,
    /// The positions of its ends along the segment, from 0 to 1.
    pub(super) shares: [f32; 2],
    /// Whether trips may start or end on the segment forward, and in reverse.
    pub(super) open: [bool; 2],
    pub(super) ends: SegmentEnds,
}

impl Piece {
    /// The junction at its start, if the segment starts there, and the one at its end.
    pub(super) fn junctions(&self) -> [Option<LatticePoint>; 2] {
        let [start, end] = self.shares;
        [(start <= 0.0).then_some(self.from), (end >= 1.0).then_some(self.to)]
    }
}

/// Envelopes are in halves of lattice steps: the tree adds two corners, and the sum of two longitudes in whole steps
/// exceeds 32 bits. Halving always rounds down, so boxes that intersect still do.
impl RTreeObject for Piece {
    type Envelope = AABB<[i32; 2]>;

    fn envelope(&self) -> Self::Envelope {
        let corner = |point: LatticePoint| [point.lat_e7 >> 1, point.lon_e7 >> 1];
        AABB::from_corners(corner(self.from), corner(self.to))
    }
}

/// The straight pieces of a segment.
pub(super) fn pieces(network: &Network, segment: SegmentId) -> impl Iterator<Item = Piece> {
    let shape = network.shape(segment);
    let ends = network.segment_ends()[segment.0 as usize];
    let is_used = |side: usize| ends.starts()[side] || ends.goals()[side];
    let has_arcs = |reverse| !network.arcs_of(DirectedSegment { segment, reverse }).is_empty();
    let open = [is_used(0) && has_arcs(false), is_used(1) && has_arcs(true)];
    let length_m = |pair: &[LatticePoint]| distance_m(pair[0].lat_lng(), pair[1].lat_lng());
    let total_m: f64 = shape.windows(2).map(length_m).sum();
    let mut end_m = 0.0;
    shape.windows(2).map(move |pair| {
        let start_m = end_m;
        end_m += length_m(pair);
        // A segment without length has one piece, with both ends at share 0.
        // An `f32` keeps the piece small; for a street of 1 km its error is below 0.1 mm.
        let share = |m: f64| if total_m > 0.0 { (m / total_m) as f32 } else { 0.0 };
        let shares = [share(start_m), share(end_m)];
        Piece { from: pair[0], to: pair[1], segment: segment.0, shares, open, ends }
    })
}
