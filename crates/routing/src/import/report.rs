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
    /// Roads that are under construction or destroyed.
    pub impassable: u64,
    /// Roads that the vehicle is too large or too heavy for.
    pub too_small: u64,
    /// Streets with a stated speed that no car drives, such as 0 or 1e9. They have the default of their class.
    pub refused_speeds: u64,
    /// Conditional tags of streets that depend on something else than the hour of the week. They are ignored.
    pub ignored_conditions: u64,
    /// Objects that the input marks as deleted.
    pub deleted: u64,
    /// Objects that another version of the same object replaces.
    pub replaced: u64,
    /// Texts that are not UTF-8. Each wrong character is replaced.
    pub broken_texts: u64,
    /// Nodes that are not on the globe. Streets end before them.
    pub nodes_off_globe: u64,
    /// Nodes of streets that the input does not contain. Streets end before them.
    pub missing_nodes: u64,
    /// Closed barriers such as bollards. Streets end at them.
    pub closed_barriers: u64,
    /// Gates that only trips to or from a place behind them pass.
    pub gates: u64,
    /// The turn restrictions, by what the import did with them.
    pub restrictions: RestrictionCounts,
    /// The turn restrictions by their tag's value: `no_left_turn`, `only_straight_on` and others.
    pub restriction_values: BTreeMap<&'static str, RestrictionCounts>,
    /// Streets that no road connects with the largest part of the network.
    pub islands: IslandCounts,
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
    /// Roads that are closed to cars.
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
    /// Ignored restrictions whose condition depends on something else than the hour of the week.
    pub conditional: u64,
    /// Kept restrictions that only hold at some hours of the week.
    pub kept_at_hours: u64,
    /// Ignored restrictions on red lights. They close no turn for good.
    pub at_red_lights: u64,
    /// Ignored restrictions that do not apply to cars.
    pub other_vehicles: u64,
    /// Ignored restrictions that are ambiguous: members are missing, a street passes the via node instead of ending
    /// there, or the ways do not connect.
    pub unclear: u64,
}

/// Parts of the network that no road connects with the largest part. They are kept, and known as such.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct IslandCounts {
    /// The number of islands.
    pub components: u64,
    /// The number of their nodes.
    pub nodes: u64,
    /// The number of their segments.
    pub segments: u64,
    /// The length of their segments in meters.
    pub length_m: f64,
}
