//! The report of an import: what it kept, what it left out, and why.

use std::collections::BTreeMap;

/// The numbers of objects that an import read, kept and left out.
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
    /// Roads that are not streets for cars.
    pub excluded: ExcludedCounts,
    /// Nodes of streets that the input does not contain. Streets end before them.
    pub missing_nodes: u64,
    /// Closed barriers such as bollards. Streets end at them.
    pub closed_barriers: u64,
    /// The turn restrictions, by what the import did with them.
    pub restrictions: RestrictionCounts,
    /// The turn restrictions by their tag's value: `no_left_turn`, `only_straight_on` and others.
    pub restriction_values: BTreeMap<&'static str, RestrictionCounts>,
    /// Streets outside of the largest strongly connected component.
    pub dropped: DroppedCounts,
}

impl Report {
    /// Counts a restriction in the total and at its value.
    pub(super) fn count_restriction(&mut self, value: &'static str, count: impl Fn(&mut RestrictionCounts)) {
        count(&mut self.restrictions);
        count(self.restriction_values.entry(value).or_default());
    }
}

/// Roads that are not streets for cars, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExcludedCounts {
    /// Roads that are closed to cars, or private.
    pub no_access: u64,
    /// Ferries and car trains.
    pub ferries: u64,
    /// Areas such as squares, which have no line to drive along.
    pub areas: u64,
    /// Roads whose direction changes with the time of day.
    pub reversible: u64,
    /// Streets from a node to itself without other nodes.
    pub empty: u64,
}

/// Turn restrictions, by what the import did with them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RestrictionCounts {
    /// Restrictions that are part of the graph.
    pub kept: u64,
    /// Restrictions of turns that are impossible anyway, or of streets outside of the input.
    pub without_effect: u64,
    /// Kept restrictions over via ways; the other kept ones are at a node.
    pub kept_over_ways: u64,
    /// Ignored restrictions that only hold at some hours.
    pub conditional: u64,
    /// Ignored restrictions that do not apply to cars.
    pub other_vehicles: u64,
    /// Ignored restrictions that are ambiguous: members are missing, a street passes the via node instead of ending
    /// there, or the ways do not connect.
    pub unclear: u64,
}

/// Strongly connected components other than the largest, which the import drops.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct DroppedCounts {
    /// The number of dropped components.
    pub components: u64,
    /// The number of dropped nodes.
    pub nodes: u64,
    /// The number of segments that are dropped in both directions.
    pub segments: u64,
    /// The length of the dropped segments in meters.
    pub length_m: f64,
}
