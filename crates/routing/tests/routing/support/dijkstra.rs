//! Travel times by plain Dijkstra, and helpers that name arcs and directions.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use kerb_routing::{DirectedSegment, Network, SegmentId};

/// The time in milliseconds from a node to every node.
pub(crate) fn times_from(network: &Network, start: u32) -> Vec<Option<u64>> {
    let mut times = vec![None; network.nodes().len()];
    let mut queue = BinaryHeap::from([(Reverse(0_u64), start)]);
    while let Some((Reverse(time), node)) = queue.pop() {
        if times[node as usize].is_some() {
            continue;
        }
        times[node as usize] = Some(time);
        let out = network.first_out()[node as usize]..network.first_out()[node as usize + 1];
        for arc in out {
            let head = network.head()[arc as usize];
            queue.push((Reverse(time + u64::from(network.time_ms()[arc as usize])), head));
        }
    }
    times
}

/// The direction of a way's only segment.
pub(crate) fn direction(network: &Network, way: i64, reverse: bool) -> Option<DirectedSegment> {
    let mut segments = network.way_ids().iter().enumerate().filter(|(_, id)| **id == way);
    let segment = segments.next()?.0;
    assert!(segments.next().is_none(), "way {way} has several segments");
    let arc = DirectedSegment { segment: SegmentId(segment as u32), reverse };
    (!network.arcs_of(arc).is_empty()).then_some(arc)
}

/// The time from the end of one direction of a segment to the end of another, in milliseconds.
pub(crate) fn time_between(network: &Network, from: DirectedSegment, to: DirectedSegment) -> Option<u64> {
    let start = network.head()[network.arcs_of(from)[0] as usize];
    let times = times_from(network, start);
    let over =
        |arc: &u32| Some(times[tail(network, *arc) as usize]? + u64::from(network.time_ms()[*arc as usize]));
    network.arcs_of(to).iter().filter_map(over).min()
}

pub(crate) fn tail(network: &Network, arc: u32) -> u32 {
    network.first_out().partition_point(|first| *first <= arc) as u32 - 1
}
