//! Renumbers the nodes and pieces of a graph by Morton code, so that objects that are near each other on the map are near
//! each other in memory. Drops nodes and pieces without arcs.

use kerb_geometry::Morton;

use super::through::ThroughAccess;
use super::turn_expansion::{ExpandedGraph, GraphArc};
use crate::import::report::IslandCounts;
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
    pub(super) fn new(pieces: &Pieces, graph: &ExpandedGraph) -> KeptGraph {
        let mut has_arc = vec![false; graph.junction_of.len()];
        let mut directions = vec![false; pieces.pieces.len() * 2];
        for arc in &graph.arcs {
            has_arc[arc.tail as usize] = true;
            has_arc[arc.head as usize] = true;
            directions[arc.direction as usize] = true;
        }
        let place = |node: u32| Morton::from(pieces.junctions[graph.junction_of[node as usize] as usize]);
        let mut nodes: Vec<u32> =
            (0..graph.junction_of.len() as u32).filter(|node| has_arc[*node as usize]).collect();
        nodes.sort_by_key(|node| place(*node));
        let new_node = inverse(&nodes, graph.junction_of.len());

        let is_used = |piece: &u32| directions[*piece as usize * 2] || directions[*piece as usize * 2 + 1];
        let mut kept_pieces: Vec<u32> = (0..pieces.pieces.len() as u32).filter(is_used).collect();
        kept_pieces.sort_by_key(|piece| Morton::from(pieces.pieces[*piece as usize].points[0]));
        let new_piece = inverse(&kept_pieces, pieces.pieces.len());

        let renumbered = |arc: &GraphArc| GraphArc {
            tail: new_node[arc.tail as usize],
            head: new_node[arc.head as usize],
            direction: new_piece[arc.direction as usize / 2] * 2 + arc.direction % 2,
            closed: arc.closed,
        };
        let mut arcs: Vec<GraphArc> = graph.arcs.iter().map(renumbered).collect();
        arcs.sort_by_key(|arc| (arc.tail, arc.head, arc.direction));
        let restricted = graph.restricted.iter().filter(|direction| directions[**direction as usize]);
        KeptGraph { nodes, pieces: kept_pieces, arcs, restrictions: restricted.count() as u64 }
    }

    /// Counts what is not on the largest island.
    pub(super) fn islands(&self, pieces: &Pieces, access: &ThroughAccess) -> IslandCounts {
        let island = |piece: &&u32| access.islands[**piece as usize] > 0;
        let mut counts = IslandCounts::default();
        let mut junctions = Vec::new();
        let mut islands = Vec::new();
        for piece in self.pieces.iter().filter(island) {
            let (number, piece) = (access.islands[*piece as usize], &pieces.pieces[*piece as usize]);
            counts.segments += 1;
            counts.length_m += f64::from(piece.length_cm) / 100.0;
            junctions.extend(piece.ends);
            islands.push(number);
        }
        for list in [&mut junctions, &mut islands] {
            list.sort_unstable();
            list.dedup();
        }
        (counts.nodes, counts.components) = (junctions.len() as u64, islands.len() as u64);
        counts
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
