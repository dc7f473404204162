//! The state of a row or a column while the solver runs.

/// The `partner` of an unmatched node.
pub(super) const NONE: u32 = u32::MAX;

/// The `distance` of a node that the current search has not reached.
pub(super) const UNREACHED: u32 = u32::MAX;

/// A row or a column. A search needs the four fields together, so they share 16 bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    /// The dual value: the gain of a row or the price of a column.
    pub(super) gain: u32,
    /// The matched node of the other side, or [`NONE`].
    pub(super) partner: u32,
    /// Distance from the start of the search, or [`UNREACHED`].
    pub(super) distance: u32,
    /// The node of the other side from which the search reached this node.
    pub(super) via: u32,
}

impl Node {
    /// A node without a partner, a gain or a distance.
    pub(super) const UNMATCHED: Self = Self { gain: 0, partner: NONE, distance: UNREACHED, via: NONE };

    /// Whether the node breaks the rule of an optimum: it is unmatched and its gain is positive.
    pub(super) fn needs_search(self) -> bool {
        self.partner == NONE && self.gain > 0
    }
}
