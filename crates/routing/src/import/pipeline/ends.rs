//! On which directions trips may start and end, so that they get to the rest of their island and back.
//!
//! At the border of an extract, streets lead out of the map or into it. A trip that starts on a street without a way
//! back would have no route, so positions next to it belong to the next street that has one.

use super::component::components;
use super::kept_graph::KeptGraph;
use super::through::ThroughAccess;
use crate::import::streets::{Pieces, Streets};
use crate::network::SegmentEnds;

/// The length of the streets of an island, in meters, from which its streets without a way back are not used. In a
/// smaller network there is no rest that all trips want to reach.
const ISLAND_MIN_M: f64 = 20_000.0;

/// Where trips may start and end, segment by segment.
pub(super) fn segment_ends(
    kept: &KeptGraph,
    streets: &Streets,
    pieces: &Pieces,
    access: &ThroughAccess,
) -> Vec<SegmentEnds> {
    let pairs: Vec<[u32; 2]> = kept.arcs.iter().map(|arc| [arc.tail, arc.head]).collect();
    let island = |direction: u32| access.islands[kept.pieces[direction as usize / 2] as usize] as usize;
    let parts = components(kept.nodes.len(), &pairs);
    let mut largest = vec![None::<u32>; access.island_length_m.len()];
    for arc in &kept.arcs {
        let (part, largest) = (parts.part[arc.tail as usize], &mut largest[island(arc.direction)]);
        if largest.is_none_or(|known| parts.sizes[part as usize] > parts.sizes[known as usize]) {
            *largest = Some(part);
        }
    }
    let in_largest: Vec<bool> = {
        let mut is_in = vec![false; kept.nodes.len()];
        for arc in &kept.arcs {
            let tail = arc.tail as usize;
            is_in[tail] = Some(parts.part[tail]) == largest[island(arc.direction)];
        }
        is_in
    };
    let reached = spread(&pairs, in_largest.clone());
    let reversed: Vec<[u32; 2]> = pairs.iter().map(|[tail, head]| [*head, *tail]).collect();
    let reaching = spread(&reversed, in_largest);

    let mut ends = vec![SegmentEnds::default(); kept.pieces.len()];
    for arc in &kept.arcs {
        let (segment, side) = (arc.direction as usize / 2, arc.direction as usize % 2);
        let piece = &pieces.pieces[kept.pieces[segment] as usize];
        if piece.is_gate || streets.ways[piece.street as usize].is_ferry {
            continue;
        }
        let is_small = access.island_length_m[island(arc.direction)] < ISLAND_MIN_M;
        if is_small || reaching[arc.head as usize] {
            ends[segment].allow_start(side);
        }
        if is_small || reached[arc.tail as usize] {
            ends[segment].allow_goal(side);
        }
    }
    ends
}

/// Marks all nodes that the marked ones reach.
fn spread(arcs: &[[u32; 2]], mut is_marked: Vec<bool>) -> Vec<bool> {
    let mut sorted = arcs.to_vec();
    sorted.sort_unstable();
    let mut open: Vec<u32> = (0..is_marked.len() as u32).filter(|node| is_marked[*node as usize]).collect();
    while let Some(node) = open.pop() {
        let first = sorted.partition_point(|[tail, _]| *tail < node);
        for [_, head] in sorted[first..].iter().take_while(|[tail, _]| *tail == node) {
            if !std::mem::replace(&mut is_marked[*head as usize], true) {
                open.push(*head);
            }
        }
    }
    is_marked
}
