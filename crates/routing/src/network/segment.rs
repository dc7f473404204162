//! Names of segments and of their directions.

/// The number of a segment (a piece of a street between two junctions): 0 to
/// [`Network::segments`](super::Network::segments) - 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(pub u32);

/// One direction of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DirectedSegment {
    /// The segment, in both directions the same.
    pub segment: SegmentId,
    /// Whether this direction runs against the order of the segment's points.
    pub reverse: bool,
}

impl DirectedSegment {
    /// Decodes [`number`](DirectedSegment::number).
    pub fn from_number(number: u32) -> DirectedSegment {
        DirectedSegment { segment: SegmentId(number / 2), reverse: number % 2 == 1 }
    }

    /// Twice the segment's number, plus 1 for the reverse direction.
    pub fn number(self) -> u32 {
        self.segment.0 * 2 + u32::from(self.reverse)
    }
}
