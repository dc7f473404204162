//! One to all: the nodes and the parts of arcs that are reached within a time.
//!
//! One walk up the elimination tree, then one sweep down over all nodes (PHAST: Delling, Goldberg, Nowatzyk, Werneck,
//! "PHAST: Hardware-Accelerated Shortest Path Trees", 2011).

use crate::engine::hierarchy::Hierarchy;
use crate::engine::hierarchy::customize::Metric;
use crate::engine::phantom_node::{ArcSegment, PhantomNode, departures};
use crate::engine::streets::UNREACHABLE_MS;

/// The nodes and streets that are reached from a start within a time.
#[derive(Debug, Clone, PartialEq)]
pub struct OneToAll {
    /// The reached nodes, in no order.
    pub nodes: Vec<ReachedNode>,
    /// The parts of arcs that can be driven within the time. An arc that the start is on may have two parts: from the
    /// start on, and from the arc's tail after a round trip.
    pub arc_segments: Vec<ArcSegment>,
}

/// A node within the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReachedNode {
    /// The number of the node in [`Streets::nodes`](super::super::Streets::nodes).
    pub node: u32,
    /// The time from the start to the node in milliseconds.
    pub time_ms: u32,
}

/// Computes the nodes and parts of arcs that are reached within a time.
pub(in crate::engine) fn one_to_all(
    hierarchy: &Hierarchy,
    metric: &Metric,
    from: &[PhantomNode],
    within_ms: u32,
) -> OneToAll {
    let within_ms = within_ms.min(UNREACHABLE_MS - 1);
    let times_ms = to_all(hierarchy, metric, from);
    let reached = times_ms.iter().zip(&hierarchy.order).filter(|(time_ms, _)| **time_ms <= within_ms);
    let nodes = reached.map(|(&time_ms, &node)| ReachedNode { node, time_ms }).collect();
    let starts = from.iter().filter_map(|start| {
        let position_ms = start.position_ms(&metric.time_ms)?;
        let arc_ms = metric.time_ms[start.arc as usize];
        Some(reached_part(start.arc, start.along(), position_ms, arc_ms, within_ms))
    });
    let arcs = hierarchy.arcs.iter().zip(&metric.time_ms).enumerate();
    let from_nodes = arcs.filter_map(|(arc, (&[tail, _], &arc_ms))| {
        // None: the tail itself is not reached in time.
        let left_ms = within_ms.checked_sub(times_ms[tail as usize])?;
        (arc_ms < UNREACHABLE_MS).then(|| reached_part(arc as u32, 0.0, 0, arc_ms, left_ms))
    });
    OneToAll {
        nodes,
        arc_segments: starts.chain(from_nodes).filter(|segment| segment.from < segment.to).collect(),
    }
}

/// The part of an arc that starts at a point of it and takes at most `left_ms`.
fn reached_part(arc: u32, from: f64, position_ms: u32, arc_ms: u32, left_ms: u32) -> ArcSegment {
    let rest_ms = arc_ms - position_ms;
    if rest_ms <= left_ms {
        return ArcSegment { arc, from, to: 1.0, time_ms: rest_ms };
    }
    let to = f64::from(position_ms + left_ms) / f64::from(arc_ms);
    ArcSegment { arc, from, to: to.max(from), time_ms: left_ms }
}

/// The time from a start to every node, by rank.
fn to_all(hierarchy: &Hierarchy, metric: &Metric, from: &[PhantomNode]) -> Vec<u32> {
    let mut times_ms = vec![UNREACHABLE_MS; hierarchy.nodes()];
    for access in departures(from, hierarchy, &metric.time_ms) {
        let mut node = access.node;
        let time_ms = &mut times_ms[node as usize];
        *time_ms = access.time_ms.min(*time_ms);
        // Phantom nodes are few. Their walks overlap near the root, and relaxing an arc twice changes nothing.
        while let Some(&parent) = hierarchy.parent.get(node as usize) {
            let node_ms = times_ms[node as usize];
            for arc in metric.up.of(node) {
                let time_ms = &mut times_ms[arc.high as usize];
                *time_ms = (node_ms + arc.time_ms).min(*time_ms);
            }
            node = parent;
        }
    }
    // From high to low: the times of all higher neighbors are final. Ranks fit 32 bits (`ARCS_MAX`).
    for node in (0..hierarchy.nodes()).rev() {
        let over = metric.down.of(node as u32).iter().map(|arc| times_ms[arc.high as usize] + arc.time_ms);
        times_ms[node] = over.fold(times_ms[node], u32::min);
    }
    times_ms
}
