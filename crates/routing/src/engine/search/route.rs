//! The route itself: unpacks arcs of the hierarchy into arcs of the streets.

use super::bidirectional_search::{BidirectionalSearch, MeetingNode};
use crate::engine::hierarchy::customize::Metric;
use crate::engine::hierarchy::{Hierarchy, NONE};
use crate::engine::phantom_node::{Access, ArcSegment, PhantomNode, arrivals, departures, direct};

/// A fastest route between two points on streets.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// The time of the whole route in milliseconds: the sum of its arc segments' times.
    pub time_ms: u32,
    /// The driven arcs, in order. The first and the last may be a part of an arc. A route that starts at the head of
    /// its first arc has no segment of it, so the list may be empty.
    pub arc_segments: Vec<ArcSegment>,
}

/// The direction along an arc of the hierarchy: an index into the pairs of a [`Metric`], and the last bit of a slot.
const UP: usize = 0;
const DOWN: usize = 1;

/// The fastest route between a start and a goal.
pub(in crate::engine) fn route(
    hierarchy: &Hierarchy,
    metric: &Metric,
    search: &mut BidirectionalSearch,
    from: &[PhantomNode],
    to: &[PhantomNode],
) -> Option<Route> {
    let starts = || departures(from, hierarchy, &metric.time_ms);
    let goals = || arrivals(to, hierarchy, &metric.time_ms);
    let meeting = search.search(hierarchy, metric, starts(), goals());
    let direct = direct(from, to, &metric.time_ms);
    match (meeting, direct) {
        (Some(meeting), direct) if direct.is_none_or(|direct| meeting.time_ms < direct.time_ms) => {
            let (start, arcs, goal) = unpack(hierarchy, metric, search, meeting);
            let first = first_segment(from, fastest_access(starts(), start), metric);
            let last = last_segment(to, fastest_access(goals(), goal), metric);
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

/// The first node of the route, its street arcs, and its last node.
fn unpack(
    hierarchy: &Hierarchy,
    metric: &Metric,
    search: &BidirectionalSearch,
    meeting: MeetingNode,
) -> (u32, Vec<u32>, u32) {
    let (forward, backward) = search.sides();
    let (mut ups, start) = forward.trace(meeting.node, &metric.up, hierarchy);
    let (downs, goal) = backward.trace(meeting.node, &metric.down, hierarchy);
    ups.reverse();
    let packed = ups.into_iter().map(|arc| (arc, UP)).chain(downs.into_iter().map(|arc| (arc, DOWN)));
    let mut arcs = Vec::new();
    // A stack of arcs that are still packed, the next one of the route on top. Recursion could be as deep as the tree.
    let mut stack: Vec<(u32, usize)> = packed.collect();
    stack.reverse();
    while let Some((arc, direction)) = stack.pop() {
        match metric.unpack_via[arc as usize][direction] {
            NONE => arcs.push(street_arc(hierarchy, metric, arc as usize, direction)),
            to_low => stack.extend(unpacked_halves(hierarchy, to_low, arc as usize, direction)),
        }
    }
    (start, arcs, goal)
}

/// The street arc behind an arc of the hierarchy: of parallel street arcs, the first that is as fast.
fn street_arc(hierarchy: &Hierarchy, metric: &Metric, arc: usize, direction: usize) -> u32 {
    let time_ms = metric.over_lower_ms[arc][direction];
    let mut arcs = hierarchy.street_arcs(2 * arc + direction).iter().copied();
    arcs.find(|arc| metric.time_ms[*arc as usize] == time_ms)
        .expect("an arc over no other node has the time of an arc of the streets")
}

/// The two arcs over a lower node that a packed arc stands for, the second half first. `to_low` is the arc between that
/// node and the packed arc's lower end.
fn unpacked_halves(hierarchy: &Hierarchy, to_low: u32, arc: usize, direction: usize) -> [(u32, usize); 2] {
    let to_high = hierarchy.arc(hierarchy.low[to_low as usize], hierarchy.high[arc]);
    // Upward the route first goes down to the middle node, then up to the higher end. Downward it is the reverse.
    if direction == UP { [(to_high, UP), (to_low, DOWN)] } else { [(to_low, UP), (to_high, DOWN)] }
}

/// The fastest access with this node. Several phantom nodes may share one.
fn fastest_access(accesses: impl Iterator<Item = Access>, node: u32) -> Access {
    let of_node = accesses.filter(|access| access.node == node);
    of_node.min_by_key(|access| access.time_ms).expect("a search starts at an access")
}

fn first_segment(from: &[PhantomNode], access: Access, metric: &Metric) -> Option<ArcSegment> {
    let start = from[access.phantom_node as usize];
    let segment = ArcSegment { arc: start.arc, from: start.along(), to: 1.0, time_ms: access.time_ms };
    debug_assert!(segment.time_ms <= metric.time_ms[start.arc as usize], "a part of {start:?}");
    (segment.from < 1.0).then_some(segment)
}

fn last_segment(to: &[PhantomNode], access: Access, metric: &Metric) -> Option<ArcSegment> {
    let goal = to[access.phantom_node as usize];
    let segment = ArcSegment { arc: goal.arc, from: 0.0, to: goal.along(), time_ms: access.time_ms };
    debug_assert!(segment.time_ms <= metric.time_ms[goal.arc as usize], "a part of {goal:?}");
    (segment.to > 0.0).then_some(segment)
}
