//! The way itself: arcs of the hierarchy taken apart into arcs of the streets.

use super::bidirectional_search::{BidirectionalSearch, Meeting};
use super::customize::Metric;
use super::hierarchy::{Hierarchy, NONE};
use super::phantom_node::{Access, ArcSegment, PhantomNode, arrivals, departures, direct};

/// A shortest way.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// The time of the whole way in milliseconds: the sum of its stretches' times.
    pub time_ms: u32,
    /// What is driven, in order. The first and the last may be a part of an arc; an end that is at the end of its arc
    /// has no stretch of it, so there may be none at all.
    pub arc_segments: Vec<ArcSegment>,
}

/// Upward along an arc of the hierarchy, or downward: the second number of its slot.
const UP: usize = 0;
const DOWN: usize = 1;

/// The shortest way between two places.
pub(super) fn route(
    hierarchy: &Hierarchy,
    metric: &Metric,
    pair: &mut BidirectionalSearch,
    from: &[PhantomNode],
    to: &[PhantomNode],
) -> Option<Route> {
    let starts = || departures(from, hierarchy, &metric.time_ms);
    let goals = || arrivals(to, hierarchy, &metric.time_ms);
    let meeting = pair.search(hierarchy, metric, starts(), goals());
    let direct = direct(from, to, &metric.time_ms);
    match (meeting, direct) {
        (Some(meeting), direct) if direct.is_none_or(|direct| meeting.time_ms < direct.time_ms) => {
            let (start, arcs, goal) = unpack(hierarchy, metric, pair, meeting);
            let first = first_segment(from, nearest(starts(), start), metric);
            let last = last_segment(to, nearest(goals(), goal), metric);
            let whole =
                |arc: u32| ArcSegment { arc, from: 0.0, to: 1.0, time_ms: metric.time_ms[arc as usize] };
            let arc_segments = first.into_iter().chain(arcs.into_iter().map(whole)).chain(last).collect();
            Some(Route { time_ms: meeting.time_ms, arc_segments })
        }
        (_, direct) => direct.map(|direct| {
            let arc_segments = if direct.from < direct.to { vec![direct] } else { Vec::new() };
            Route { time_ms: direct.time_ms, arc_segments }
        }),
    }
}

/// The node where the way begins, the streets' arcs, and the node where they end.
fn unpack(
    hierarchy: &Hierarchy,
    metric: &Metric,
    pair: &BidirectionalSearch,
    meeting: Meeting,
) -> (u32, Vec<u32>, u32) {
    let (forward, backward) = pair.sides();
    let (mut ups, start) = forward.trace(meeting.node, &metric.up, hierarchy);
    let (downs, goal) = backward.trace(meeting.node, &metric.down, hierarchy);
    ups.reverse();
    let steps = ups.into_iter().map(|arc| (arc, UP)).chain(downs.into_iter().map(|arc| (arc, DOWN)));
    let mut arcs = Vec::new();
    // A stack, the next step on top.
    let mut todo: Vec<(u32, usize)> = steps.collect();
    todo.reverse();
    while let Some((arc, direction)) = todo.pop() {
        match metric.unpack_via[arc as usize][direction] {
            NONE => arcs.push(street_arc(hierarchy, metric, arc as usize, direction)),
            to_low => todo.extend(halves(hierarchy, to_low, arc as usize, direction)),
        }
    }
    (start, arcs, goal)
}

/// The arc of the streets behind an arc of the hierarchy: one of parallel ones that is as fast.
fn street_arc(hierarchy: &Hierarchy, metric: &Metric, arc: usize, direction: usize) -> u32 {
    let time_ms = metric.over_lower_ms[arc][direction];
    let mut arcs = hierarchy.street_arcs(2 * arc + direction).iter().copied();
    arcs.find(|arc| metric.time_ms[*arc as usize] == time_ms)
        .expect("an arc over no other node has the time of an arc of the streets")
}

/// The two arcs over a lower node that an arc stands for, the second first. The node is named by its arc to the lower
/// end.
fn halves(hierarchy: &Hierarchy, to_low: u32, arc: usize, direction: usize) -> [(u32, usize); 2] {
    let to_high = hierarchy.arc(hierarchy.low[to_low as usize], hierarchy.high[arc]);
    // Upward the way goes down to the lower node and up to the higher; downward it comes from the higher.
    if direction == UP { [(to_high, UP), (to_low, DOWN)] } else { [(to_low, UP), (to_high, DOWN)] }
}

/// The fastest access to a node that a search began at.
fn nearest(accesses: impl Iterator<Item = Access>, node: u32) -> Access {
    let there = accesses.filter(|access| access.node == node);
    there.min_by_key(|access| access.time_ms).expect("a search begins at an access")
}

fn first_segment(from: &[PhantomNode], access: Access, metric: &Metric) -> Option<ArcSegment> {
    let end = from[access.end as usize];
    let arc_part = ArcSegment { arc: end.arc, from: end.along(), to: 1.0, time_ms: access.time_ms };
    debug_assert!(arc_part.time_ms <= metric.time_ms[end.arc as usize], "a part of {end:?}");
    (arc_part.from < 1.0).then_some(arc_part)
}

fn last_segment(to: &[PhantomNode], access: Access, metric: &Metric) -> Option<ArcSegment> {
    let end = to[access.end as usize];
    let arc_part = ArcSegment { arc: end.arc, from: 0.0, to: end.along(), time_ms: access.time_ms };
    debug_assert!(arc_part.time_ms <= metric.time_ms[end.arc as usize], "a part of {end:?}");
    (arc_part.to > 0.0).then_some(arc_part)
}
