//! Where a query begins and ends: points on arcs.

use super::UNREACHABLE_MS;
use super::hierarchy::Hierarchy;

/// A point on an arc. A place on a street that is driven both ways is two of them, one on each arc.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PhantomNode {
    /// The arc.
    pub arc: u32,
    /// How far along it: 0 where it begins, 1 where it ends. What is outside counts as the nearer of them.
    pub fraction: f64,
}

/// A part of an arc.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ArcSegment {
    /// The arc.
    pub arc: u32,
    /// Where the part begins, as a fraction of the arc.
    pub from: f64,
    /// Where it ends; not less than `from`.
    pub to: f64,
    /// The time along the part in milliseconds.
    pub time_ms: u32,
}

/// How long it takes between an end and a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Access {
    /// The rank of the node.
    pub(super) node: u32,
    /// The time.
    pub(super) time_ms: u32,
    /// Which of the ends.
    pub(super) end: u32,
}

impl AsRef<[PhantomNode]> for PhantomNode {
    fn as_ref(&self) -> &[PhantomNode] {
        std::slice::from_ref(self)
    }
}

impl PhantomNode {
    /// The fraction, within 0 to 1.
    pub(super) fn along(self) -> f64 {
        // Not `clamp`: what is not a number is the beginning, too.
        if self.fraction > 0.0 { self.fraction.min(1.0) } else { 0.0 }
    }

    /// The time from the arc's beginning to this point, in whole milliseconds rounded down. That makes a point a
    /// definite place on the arc: times over it add up exactly. `None` on an arc that is closed.
    pub(super) fn position_ms(self, time_ms: &[u32]) -> Option<u32> {
        let whole_ms = time_ms[self.arc as usize];
        // A product of a number below 2^30 with at most 1 stays below 2^30.
        (whole_ms < UNREACHABLE_MS).then(|| (f64::from(whole_ms) * self.along()) as u32)
    }
}

/// How long it takes from a place to the nodes that its arcs lead to.
pub(super) fn departures<'a>(
    ends: &'a [PhantomNode],
    hierarchy: &'a Hierarchy,
    time_ms: &'a [u32],
) -> impl Iterator<Item = Access> + 'a {
    ends.iter().enumerate().filter_map(|(index, end)| {
        let [_, head] = hierarchy.arcs[end.arc as usize];
        let rest_ms = time_ms[end.arc as usize] - end.position_ms(time_ms)?;
        Some(Access { node: head, time_ms: rest_ms, end: index as u32 })
    })
}

/// How long it takes to a place from the nodes that its arcs come from.
pub(super) fn arrivals<'a>(
    ends: &'a [PhantomNode],
    hierarchy: &'a Hierarchy,
    time_ms: &'a [u32],
) -> impl Iterator<Item = Access> + 'a {
    ends.iter().enumerate().filter_map(|(index, end)| {
        let [tail, _] = hierarchy.arcs[end.arc as usize];
        Some(Access { node: tail, time_ms: end.position_ms(time_ms)?, end: index as u32 })
    })
}

/// The shortest way between two places that stays on one arc.
pub(super) fn direct(from: &[PhantomNode], to: &[PhantomNode], time_ms: &[u32]) -> Option<ArcSegment> {
    let pairs = from.iter().flat_map(|from| to.iter().map(move |to| (*from, *to)));
    pairs.filter_map(|(from, to)| on_one_arc(from, to, time_ms)).min_by_key(|arc_part| arc_part.time_ms)
}

/// The way from a point of an arc to a later one.
pub(super) fn on_one_arc(from: PhantomNode, to: PhantomNode, time_ms: &[u32]) -> Option<ArcSegment> {
    if from.arc != to.arc {
        return None;
    }
    let between_ms = to.position_ms(time_ms)?.checked_sub(from.position_ms(time_ms)?)?;
    // Points of the same millisecond may stand the other way round.
    let to_fraction = to.along().max(from.along());
    Some(ArcSegment { arc: from.arc, from: from.along(), to: to_fraction, time_ms: between_ms })
}
