//! Cuts streets at their junctions. Nodes between two junctions become points of a curve and not nodes of the graph.
//!
//! A node is a junction when two streets meet there, when a street ends there or passes it twice, or when it is the via
//! node of a turn restriction.

use std::collections::BTreeSet;

use kerb_geometry::LatLng;

use crate::import::report::Report;

use crate::import::streets::{Map, Piece, Pieces, Restriction, Street, StreetNode, Streets, Via, length_cm};
use crate::network::line;

/// The smallest plausible ratio of a street's stated length and the line through its points; below 1 because of
/// rounding.
const LENGTH_SHARE_MIN: f64 = 0.99;

/// Cuts all streets. Returns the pieces, and the junction of each via node by its OpenStreetMap id.
pub(super) fn compress(streets: &Streets, report: &mut Report) -> (Pieces, Map<i64, u32>) {
    report.missing_nodes = streets.nodes.iter().filter(|node| node.position.is_none()).count() as u64;
    report.closed_barriers = streets.nodes.iter().filter(|node| node.is_closed).count() as u64;
    let is_junction = junctions(streets);
    let mut cutter =
        Cutter { nodes: &streets.nodes, is_junction, numbers: Map::default(), pieces: Pieces::default() };
    for (index, street) in streets.ways.iter().enumerate() {
        let before = cutter.pieces.pieces.len();
        cutter.cut(index as u32, street);
        scale_lengths(&mut cutter.pieces.pieces[before..], street, &streets.nodes);
        report.excluded.empty += u64::from(cutter.pieces.pieces.len() == before);
    }
    let vias = vias(streets);
    let numbers = cutter.numbers.iter().map(|(node, junction)| (streets.nodes[*node as usize].id, *junction));
    (cutter.pieces, numbers.filter(|(id, _)| vias.contains(id)).collect())
}

/// The OpenStreetMap ids of all via nodes.
fn vias(streets: &Streets) -> BTreeSet<i64> {
    let via = |restriction: &Restriction| match restriction.via {
        Via::Node(id) => Some(id),
        Via::Ways(_) => None,
    };
    streets.restrictions.iter().filter_map(via).collect()
}

/// The parts of a street whose nodes have positions, each with at least two nodes.
fn runs<'a>(street: &'a Street, nodes: &'a [StreetNode]) -> impl Iterator<Item = &'a [u32]> {
    street.nodes.split(|node| nodes[*node as usize].position.is_none()).filter(|run| run.len() > 1)
}

/// Which nodes are junctions.
fn junctions(streets: &Streets) -> Vec<bool> {
    // Two uses make a junction; an end of a street counts as two.
    let mut uses = vec![0_u8; streets.nodes.len()];
    for street in &streets.ways {
        for run in runs(street, &streets.nodes) {
            for (position, node) in run.iter().enumerate() {
                let is_end = position == 0 || position + 1 == run.len();
                let uses = &mut uses[*node as usize];
                *uses = uses.saturating_add(if is_end { 2 } else { 1 });
            }
        }
    }
    let vias = vias(streets);
    let is_junction = |(node, uses): (&StreetNode, u8)| uses > 1 || vias.contains(&node.id);
    streets.nodes.iter().zip(uses).map(is_junction).collect()
}

struct Cutter<'a> {
    nodes: &'a [StreetNode],
    is_junction: Vec<bool>,
    /// The junction of each node that has one.
    numbers: Map<u32, u32>,
    pieces: Pieces,
}

impl Cutter<'_> {
    fn cut(&mut self, street_index: u32, street: &Street) {
        for run in runs(street, self.nodes) {
            let mut start = self.junction(run[0]);
            let mut points = vec![self.position(run[0])];
            for node in &run[1..] {
                let position = self.position(*node);
                if points.last() != Some(&position) {
                    points.push(position);
                }
                if self.is_junction[*node as usize] || self.nodes[*node as usize].is_closed {
                    let end = self.junction(*node);
                    self.add(street_index, [start, end], std::mem::take(&mut points));
                    // At a closed barrier this makes a second junction at the same position, so the next piece does not
                    // connect with this one.
                    start = self.junction(*node);
                    points.push(position);
                }
            }
        }
    }

    /// The junction at a node. At a closed barrier every call makes a new junction, so that no streets connect there.
    fn junction(&mut self, node: u32) -> u32 {
        let position = self.position(node);
        if self.nodes[node as usize].is_closed {
            return self.pieces.add_junction(position);
        }
        *self.numbers.entry(node).or_insert_with(|| self.pieces.add_junction(position))
    }

    /// Adds a piece. A piece from a junction to itself is cut in its middle, so that no arc is a loop.
    fn add(&mut self, street: u32, ends: [u32; 2], mut points: Vec<LatLng>) {
        if ends[0] != ends[1] {
            // Two nodes at one position: the piece has no length but connects them.
            if points.len() == 1 {
                points.push(points[0]);
            }
            return self.push(street, ends, points);
        }
        if points.len() > 2 {
            let middle = points.len() / 2;
            let junction = self.pieces.add_junction(points[middle]);
            let second = points[middle..].to_vec();
            points.truncate(middle + 1);
            self.push(street, [ends[0], junction], points);
            self.push(street, [junction, ends[1]], second);
        }
    }

    fn push(&mut self, street: u32, ends: [u32; 2], points: Vec<LatLng>) {
        let length_cm = length_cm(line::length_m(&points));
        self.pieces.pieces.push(Piece { street, ends, points, length_cm });
    }

    fn position(&self, node: u32) -> LatLng {
        self.nodes[node as usize].position.expect("runs hold known nodes only")
    }
}

/// Scales the lengths of a street's pieces to the street's true length, if the input states one.
fn scale_lengths(pieces: &mut [Piece], street: &Street, nodes: &[StreetNode]) {
    let Some(length_m) = street.length_m.filter(|length_m| length_m.is_finite()) else { return };
    let is_whole = street.nodes.iter().all(|node| nodes[*node as usize].position.is_some());
    let straight_m: f64 = pieces.iter().map(|piece| line::length_m(&piece.points)).sum();
    if !is_whole || straight_m <= 0.0 || length_m < straight_m * LENGTH_SHARE_MIN {
        return;
    }
    for piece in pieces {
        piece.length_cm = length_cm(line::length_m(&piece.points) * length_m / straight_m);
    }
}
