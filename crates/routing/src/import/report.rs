//! What an import kept, what it left out, and why.

use std::collections::BTreeMap;

/// What became of an input.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Blocks of a PBF file; 0 for tables.
    pub blocks: u64,
    /// Nodes in the input.
    pub nodes_read: u64,
    /// Ways in the input, or rows of a table of edges.
    pub ways_read: u64,
    /// Relations in the input.
    pub relations_read: u64,
    /// Ways that are streets for cars.
    pub streets: u64,
    /// Roads that are not.
    pub excluded: ExcludedCounts,
    /// Nodes of streets that the input does not have: the streets end before them.
    pub missing_nodes: u64,
    /// Bollards and the like: the streets end at them.
    pub closed_barriers: u64,
    /// What became of the turn restrictions.
    pub restrictions: RestrictionCounts,
    /// The same by what they say: `no_left_turn`, `only_straight_on` and so on.
    pub restriction_values: BTreeMap<&'static str, RestrictionCounts>,
    /// What is not strongly connected with the largest part.
    pub dropped: DroppedCounts,
}

impl Report {
    /// Counts a restriction in the sum and at its value.
    pub(super) fn count_restriction(&mut self, value: &'static str, count: impl Fn(&mut RestrictionCounts)) {
        count(&mut self.restrictions);
        count(self.restriction_values.entry(value).or_default());
    }
}

/// Roads that are no streets for cars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExcludedCounts {
    /// Cars may not drive there, or only somebody's own.
    pub no_access: u64,
    /// Ferries and trains for cars.
    pub ferries: u64,
    /// Places and not lines.
    pub areas: u64,
    /// Their direction changes with the hour.
    pub reversible: u64,
    /// A street from a node to itself and nowhere between.
    pub empty: u64,
}

/// Relations that restrict turns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RestrictionCounts {
    /// In the graph.
    pub kept: u64,
    /// They forbid what cannot be driven anyway, or their streets are not in the input.
    pub without_effect: u64,
    /// Those of them that are about a way over other ways, and not about a turn at a node.
    pub kept_over_ways: u64,
    /// Not kept: they hold at some hours only.
    pub conditional: u64,
    /// Not for cars.
    pub other_vehicles: u64,
    /// Not kept: parts are missing, a street of it passes the node and does not end there, or its ways do not follow
    /// each other.
    pub unclear: u64,
}

/// Parts that cannot be reached from the largest, or from which it cannot be reached.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct DroppedCounts {
    /// How many parts.
    pub components: u64,
    /// Their nodes.
    pub nodes: u64,
    /// Segments that are in no direction part of the network.
    pub segments: u64,
    /// Their length in meters.
    pub length_m: f64,
}
