//! What is within a time of a place: nodes and parts of arcs.
//!
//! One walk up the elimination tree, then one sweep down over the whole hierarchy (PHAST: Delling, Goldberg, Nowatzyk, Werneck, "PHAST:
//! Hardware-Accelerated Shortest Path Trees", 2011).

use super::UNREACHABLE_MS;
use super::customize::Metric;
use super::hierarchy::Hierarchy;
use super::phantom_node::{ArcSegment, PhantomNode, departures};

/// What is within a time.
#[derive(Debug, Clone, PartialEq)]
pub struct OneToAll {
    /// The nodes, in no order.
    pub nodes: Vec<ReachedNode>,
    /// What can be driven along within the time, by arc. An arc that the place is on may have two parts: from the
    /// place on, and from its beginning.
    pub arc_segments: Vec<ArcSegment>,
}

/// A node within the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReachedNode {
    /// The node, by its number in the streets.
    pub node: u32,
    /// The time to it in milliseconds.
    pub time_ms: u32,
}

/// Everything within a time of a place.
pub(super) fn one_to_all(
    hierarchy: &Hierarchy,
    metric: &Metric,
    from: &[PhantomNode],
    within_ms: u32,
) -> OneToAll {
    let within_ms = within_ms.min(UNREACHABLE_MS - 1);
    let times_ms = to_all(hierarchy, metric, from);
    let reached = times_ms.iter().zip(&hierarchy.order).filter(|(time_ms, _)| **time_ms <= within_ms);
    let nodes = reached.map(|(&time_ms, &node)| ReachedNode { node, time_ms }).collect();
    let starts = from.iter().filter_map(|end| {
        let position_ms = end.position_ms(&metric.time_ms)?;
        Some(within(end.arc, end.along(), position_ms, metric.time_ms[end.arc as usize], within_ms))
    });
    let arcs = hierarchy.arcs.iter().zip(&metric.time_ms).enumerate();
    let from_nodes = arcs.filter_map(|(arc, (&[tail, _], &arc_ms))| {
        let left_ms = within_ms.checked_sub(times_ms[tail as usize])?;
        (arc_ms < UNREACHABLE_MS).then(|| within(arc as u32, 0.0, 0, arc_ms, left_ms))
    });
    OneToAll {
        nodes,
        arc_segments: starts.chain(from_nodes).filter(|arc_part| arc_part.from < arc_part.to).collect(),
    }
}

/// The part of an arc from a point of it on that takes at most this long.
fn within(arc: u32, from: f64, position_ms: u32, arc_ms: u32, left_ms: u32) -> ArcSegment {
    let rest_ms = arc_ms - position_ms;
    if rest_ms <= left_ms {
        return ArcSegment { arc, from, to: 1.0, time_ms: rest_ms };
    }
    let to = f64::from(position_ms + left_ms) / f64::from(arc_ms);
    ArcSegment { arc, from, to: to.max(from), time_ms: left_ms }
}

/// The time from a place to every node, by rank.
fn to_all(hierarchy: &Hierarchy, metric: &Metric, from: &[PhantomNode]) -> Vec<u32> {
    let mut times_ms = vec![UNREACHABLE_MS; hierarchy.nodes()];
    for access in departures(from, hierarchy, &metric.time_ms) {
        let mut node = access.node;
        let time_ms = &mut times_ms[node as usize];
        *time_ms = access.time_ms.min(*time_ms);
        // Starts are few, and climbing twice what is above several of them does no harm.
        while let Some(&parent) = hierarchy.parent.get(node as usize) {
            let node_ms = times_ms[node as usize];
            for link in metric.up.of(node) {
                let time_ms = &mut times_ms[link.high as usize];
                *time_ms = (node_ms + link.time_ms).min(*time_ms);
            }
            node = parent;
        }
    }
    for node in (0..hierarchy.nodes()).rev() {
        let over = metric.down.of(node as u32).iter().map(|link| times_ms[link.high as usize] + link.time_ms);
        times_ms[node] = over.fold(times_ms[node], u32::min);
    }
    times_ms
}
