//! Phantom nodes: the points on arcs where a query starts and ends, and their travel times to the nodes of the graph.

use super::hierarchy::Hierarchy;
use super::streets::UNREACHABLE_MS;

/// A point on an arc. A position on a street that is driven in both directions has two, one on each arc.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PhantomNode {
    /// The number of the arc in [`Streets::head`](super::Streets::head).
    pub arc: u32,
    /// The position along the arc: 0 at its tail, 1 at its head. Values outside are clamped.
    pub fraction: f64,
}

/// A part of an arc.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ArcSegment {
    /// The number of the arc in [`Streets::head`](super::Streets::head).
    pub arc: u32,
    /// The start of the part, as a fraction of the arc.
    pub from: f64,
    /// The end of the part, as a fraction of the arc; not less than `from`.
    pub to: f64,
    /// The time along the part in milliseconds.
    pub time_ms: u32,
}

/// The travel time between a phantom node and the next node of the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Access {
    /// The rank of the node.
    pub(super) node: u32,
    /// The time between them in milliseconds.
    pub(super) time_ms: u32,
    /// The index of the phantom node in the query's list.
    pub(super) phantom_node: u32,
}

impl AsRef<[PhantomNode]> for PhantomNode {
    fn as_ref(&self) -> &[PhantomNode] {
        std::slice::from_ref(self)
    }
}

impl PhantomNode {
    /// The fraction, clamped to 0 to 1.
    pub(super) fn along(self) -> f64 {
        // `clamp` would keep NaN; this comparison turns it into 0.
        if self.fraction > 0.0 { self.fraction.min(1.0) } else { 0.0 }
    }

    /// The time from the arc's tail to this point, in whole milliseconds rounded down. Both sides of the point use this
    /// one value, so the times before and after it add up exactly. `None` on a closed arc.
    pub(super) fn position_ms(self, time_ms: &[u32]) -> Option<u32> {
        let whole_ms = time_ms[self.arc as usize];
        // The product of a number below 2^30 and at most 1 fits 32 bits; the cast rounds down.
        (whole_ms < UNREACHABLE_MS).then(|| (f64::from(whole_ms) * self.along()) as u32)
    }
}

/// The accesses of a start: the heads of its arcs.
pub(super) fn departures<'a>(
    starts: &'a [PhantomNode],
    hierarchy: &'a Hierarchy,
    time_ms: &'a [u32],
) -> impl Iterator<Item = Access> + 'a {
    starts.iter().zip(0..).filter_map(|(start, phantom_node)| {
        let [_, head] = hierarchy.arcs[start.arc as usize];
        let rest_ms = time_ms[start.arc as usize] - start.position_ms(time_ms)?;
        Some(Access { node: head, time_ms: rest_ms, phantom_node })
    })
}

/// The accesses of a goal: the tails of its arcs.
pub(super) fn arrivals<'a>(
    goals: &'a [PhantomNode],
    hierarchy: &'a Hierarchy,
    time_ms: &'a [u32],
) -> impl Iterator<Item = Access> + 'a {
    goals.iter().zip(0..).filter_map(|(goal, phantom_node)| {
        let [tail, _] = hierarchy.arcs[goal.arc as usize];
        Some(Access { node: tail, time_ms: goal.position_ms(time_ms)?, phantom_node })
    })
}

/// The shortest route between a start and a goal that stays on one arc. A search over nodes cannot find it, because it
/// passes none.
pub(super) fn direct(from: &[PhantomNode], to: &[PhantomNode], time_ms: &[u32]) -> Option<ArcSegment> {
    let pairs = from.iter().flat_map(|from| to.iter().map(move |to| (*from, *to)));
    pairs.filter_map(|(from, to)| on_one_arc(from, to, time_ms)).min_by_key(|segment| segment.time_ms)
}

/// The part of an arc from one point to a later one. `None` when the points are on different arcs or the second point
/// comes first.
pub(super) fn on_one_arc(from: PhantomNode, to: PhantomNode, time_ms: &[u32]) -> Option<ArcSegment> {
    if from.arc != to.arc {
        return None;
    }
    let between_ms = to.position_ms(time_ms)?.checked_sub(from.position_ms(time_ms)?)?;
    // Within one millisecond the goal may have the smaller fraction; the part must not run backward.
    let to_fraction = to.along().max(from.along());
    Some(ArcSegment { arc: from.arc, from: from.along(), to: to_fraction, time_ms: between_ms })
}
