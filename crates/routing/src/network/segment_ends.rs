//! On which directions of a segment trips may start and end.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Whether trips may start and end on each direction of a segment: not on ferries, and not on streets without a way to
/// the rest of the network and back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(transparent)]
pub(crate) struct SegmentEnds(u8);

impl SegmentEnds {
    /// Trips start and end on both directions.
    pub(crate) const ALL: SegmentEnds = SegmentEnds(0b1111);

    /// Allows starts on a side: 0 along the segment, 1 against it.
    pub(crate) fn allow_start(&mut self, side: usize) {
        self.0 |= 1 << side;
    }

    /// Allows goals on a side.
    pub(crate) fn allow_goal(&mut self, side: usize) {
        self.0 |= 4 << side;
    }

    /// The sides on which a trip may start.
    pub(crate) fn starts(self) -> [bool; 2] {
        [self.0 & 1 != 0, self.0 & 2 != 0]
    }

    /// The sides on which a trip may end.
    pub(crate) fn goals(self) -> [bool; 2] {
        [self.0 & 4 != 0, self.0 & 8 != 0]
    }

    /// Whether no unknown bit is set.
    pub(crate) fn is_valid(self) -> bool {
        self.0 <= SegmentEnds::ALL.0
    }
}
