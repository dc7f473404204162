//! Keeps the largest strongly connected component and renumbers its nodes and pieces by Morton code, so that objects
//! that are near each other on the map are near each other in memory.

use kerb_geometry::Morton;

use super::component::Components;
use super::turn_expansion::{ExpandedGraph, GraphArc};
use crate::import::report::DroppedCounts;
use crate::import::streets::Pieces;

/// Stands for no number.
pub(super) const NONE: u32 = u32::MAX;

/// The kept nodes, pieces and arcs in their new order.
pub(super) struct KeptGraph {
    /// The old number of each node, by its new number.
    pub(super) nodes: Vec<u32>,
    /// The old number of each piece, by its new number.
    pub(super) pieces: Vec<u32>,
    /// The arcs with new numbers, sorted by tail.
    pub(super) arcs: Vec<GraphArc>,
    /// The number of restrictions on kept arcs.
    pub(super) restrictions: u64,
}

impl KeptGraph {
    pub(super) fn new(pieces: &Pieces, graph: &ExpandedGraph, parts: &Components) -> KeptGraph {
        let stays = |node: u32| parts.in_largest[node as usize];
        let place = |node: u32| Morton::from(pieces.junctions[graph.junction_of[node as usize] as usize]);
        let mut nodes: Vec<u32> = (0..graph.junction_of.len() as u32).filter(|node| stays(*node)).collect();
        nodes.sort_by_key(|node| place(*node));
        let new_node = inverse(&nodes, graph.junction_of.len());

        let mut arcs: Vec<GraphArc> =
            graph.arcs.iter().filter(|arc| stays(arc.tail) && stays(arc.head)).copied().collect();
        let mut directions = vec![false; pieces.pieces.len() * 2];
        for arc in &arcs {
            directions[arc.direction as usize] = true;
        }
        let is_used = |piece: &u32| directions[*piece as usize * 2] || directions[*piece as usize * 2 + 1];
        let mut kept_pieces: Vec<u32> = (0..pieces.pieces.len() as u32).filter(is_used).collect();
        kept_pieces.sort_by_key(|piece| Morton::from(pieces.pieces[*piece as usize].points[0]));
        let new_piece = inverse(&kept_pieces, pieces.pieces.len());

        for arc in &mut arcs {
            *arc = GraphArc {
                tail: new_node[arc.tail as usize],
                head: new_node[arc.head as usize],
                direction: new_piece[arc.direction as usize / 2] * 2 + arc.direction % 2,
            };
        }
        arcs.sort_by_key(|arc| (arc.tail, arc.head, arc.direction));
        let restricted = graph.restricted.iter().filter(|direction| directions[**direction as usize]);
        KeptGraph { nodes, pieces: kept_pieces, arcs, restrictions: restricted.count() as u64 }
    }

    pub(super) fn dropped(
        &self,
        pieces: &Pieces,
        graph: &ExpandedGraph,
        parts: &Components,
    ) -> DroppedCounts {
        let cm = |piece: u32| f64::from(pieces.pieces[piece as usize].length_cm);
        let all_cm: f64 = (0..pieces.pieces.len() as u32).map(cm).sum();
        let kept_cm: f64 = self.pieces.iter().map(|piece| cm(*piece)).sum();
        DroppedCounts {
            components: parts.count as u64 - 1,
            nodes: (graph.junction_of.len() - self.nodes.len()) as u64,
            segments: (pieces.pieces.len() - self.pieces.len()) as u64,
            length_m: (all_cm - kept_cm).round() / 100.0,
        }
    }

    /// The number of nodes minus the number of junctions.
    pub(super) fn copies(&self, graph: &ExpandedGraph) -> u64 {
        let mut junctions: Vec<u32> =
            self.nodes.iter().map(|node| graph.junction_of[*node as usize]).collect();
        junctions.sort_unstable();
        junctions.dedup();
        (self.nodes.len() - junctions.len()) as u64
    }
}

/// Inverts a renumbering: the new number of each old number; [`NONE`] for dropped ones.
fn inverse(old: &[u32], count: usize) -> Vec<u32> {
    let mut new = vec![NONE; count];
    for (number, old) in old.iter().enumerate() {
        new[*old as usize] = number as u32;
    }
    new
}
