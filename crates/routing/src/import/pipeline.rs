//! Keeps the largest strongly connected part and numbers everything anew, by where it is, so that what is near on the
//! ground is near in memory.

use kerb_geometry::Morton;

use super::component::{self, Components};
use super::error::ImportError;
use super::report::{DroppedCounts, Report};
use super::streets::{Pieces, Streets};
use super::turn_expansion::{Graph, GraphArc};
use super::{Imported, layout};

/// A number that nothing has.
pub(super) const NONE: u32 = u32::MAX;

pub(super) fn assemble(
    streets: &Streets,
    pieces: &Pieces,
    graph: &Graph,
    mut report: Report,
) -> Result<Imported, ImportError> {
    let parts = component::largest(graph.junction_of.len(), &graph.arcs);
    let kept = KeptGraph::new(pieces, graph, &parts);
    if kept.arcs.is_empty() {
        return Err(ImportError::NoStreets { ways: report.ways_read, drivable: report.streets });
    }
    report.dropped = kept.dropped(pieces, graph, &parts);
    let network = layout::lay_out(&kept, streets, pieces, graph)?;
    Ok(Imported { network, report })
}

/// What stays, in its new order.
pub(super) struct KeptGraph {
    /// Old numbers of nodes by new ones.
    pub(super) nodes: Vec<u32>,
    /// Old numbers of pieces by new ones.
    pub(super) pieces: Vec<u32>,
    /// With new numbers, in the order of tails.
    pub(super) arcs: Vec<GraphArc>,
    /// Restrictions on arcs that stay.
    pub(super) restrictions: u64,
}

impl KeptGraph {
    fn new(pieces: &Pieces, graph: &Graph, parts: &Components) -> KeptGraph {
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

    fn dropped(&self, pieces: &Pieces, graph: &Graph, parts: &Components) -> DroppedCounts {
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

    /// Nodes beyond one for each junction.
    pub(super) fn copies(&self, graph: &Graph) -> u64 {
        let mut junctions: Vec<u32> =
            self.nodes.iter().map(|node| graph.junction_of[*node as usize]).collect();
        junctions.sort_unstable();
        junctions.dedup();
        (self.nodes.len() - junctions.len()) as u64
    }
}

/// New numbers by old ones.
fn inverse(old: &[u32], count: usize) -> Vec<u32> {
    let mut new = vec![NONE; count];
    for (number, old) in old.iter().enumerate() {
        new[*old as usize] = number as u32;
    }
    new
}
