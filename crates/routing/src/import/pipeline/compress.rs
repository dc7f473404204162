//! Cuts streets at their junctions. Nodes between two junctions become points of a curve and not nodes of the graph.
//!
//! A node is a junction when two streets meet there, when a street ends there or passes it twice, when a car can turn
//! round there, or when it is the via node of a turn restriction.
//!
//! A gate becomes a piece without length, so that the rules for streets that a trip may only start or end on apply to it.

use std::collections::BTreeSet;

use kerb_geometry::LatLng;

use crate::import::report::Report;

use crate::import::streets::{
    Map, Passage, Piece, Pieces, Restriction, Street, StreetNode, Streets, Via, length_cm,
};
use crate::network::line;

/// The smallest plausible ratio of a street's stated length and the line through its points; below 1 because of
/// rounding.
const LENGTH_SHARE_MIN: f64 = 0.99;

/// Cuts all streets. Returns the pieces, and the junction of each via node by its OpenStreetMap id.
pub(super) fn compress(streets: &Streets, report: &mut Report) -> (Pieces, Map<i64, u32>) {
    report.missing_nodes = streets.nodes.iter().filter(|node| node.position.is_none()).count() as u64;
    let count = |passage| streets.nodes.iter().filter(|node| node.passage == passage).count() as u64;
    report.closed_barriers = count(Passage::Closed);
    report.gates = count(Passage::Gate);
    let is_junction = junctions(streets);
    let mut cutter =
        Cutter { nodes: &streets.nodes, is_junction, numbers: Map::default(), pieces: Pieces::default() };
    for (index, street) in streets.ways.iter().enumerate() {
        let before = cutter.pieces.pieces.len();
        cutter.cut(index as u32, street);
        scale_lengths(&mut cutter.pieces.pieces[before..], street, &streets.nodes);
        report.excluded.empty += u64::from(cutter.pieces.pieces.len() == before);
    }
    let turning_places = cutter.numbers.iter();
    let turning_places = turning_places.filter(|(node, _)| streets.nodes[**node as usize].is_turning_place);
    cutter.pieces.turning_places = turning_places.map(|(_, junction)| *junction).collect();
    cutter.pieces.turning_places.sort_unstable();
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
    let is_junction =
        |(node, uses): (&StreetNode, u8)| uses > 1 || node.is_turning_place || vias.contains(&node.id);
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
            let mut start = self.leave(street_index, run[0]);
            let mut points = vec![self.position(run[0])];
            for (node, is_last) in run[1..].iter().zip(2..).map(|(node, place)| (*node, place == run.len())) {
                let position = self.position(node);
                if points.last() != Some(&position) {
                    points.push(position);
                }
                let passage = self.nodes[node as usize].passage;
                if !is_last && passage == Passage::Gate && !self.is_junction[node as usize] {
                    let sides = [0, 1].map(|_| self.pieces.add_junction(position));
                    self.add(street_index, [start, sides[0]], std::mem::take(&mut points));
                    self.add_gate(street_index, sides, position);
                    start = sides[1];
                    points.push(position);
                } else if is_last || self.is_junction[node as usize] || passage != Passage::Open {
                    let end = self.reach(node);
                    self.add(street_index, [start, end], std::mem::take(&mut points));
                    if passage == Passage::Gate {
                        let center = self.junction(node);
                        self.add_gate(street_index, [end, center], position);
                    }
                    if !is_last {
                        start = self.leave(street_index, node);
                        points.push(position);
                    }
                }
            }
        }
    }

    /// The junction where a piece ends at a node: one of its own in front of a barrier, so that no streets connect there.
    fn reach(&mut self, node: u32) -> u32 {
        match self.nodes[node as usize].passage {
            Passage::Open => self.junction(node),
            Passage::Gate | Passage::Closed => self.pieces.add_junction(self.position(node)),
        }
    }

    /// The junction where a piece starts at a node, behind a gate if it has one.
    fn leave(&mut self, street: u32, node: u32) -> u32 {
        let start = self.reach(node);
        if self.nodes[node as usize].passage == Passage::Gate {
            let center = self.junction(node);
            self.add_gate(street, [center, start], self.position(node));
        }
        start
    }

    fn add_gate(&mut self, street: u32, ends: [u32; 2], position: LatLng) {
        let points = vec![position; 2];
        self.pieces.pieces.push(Piece { street, ends, points, length_cm: length_cm(0.0), is_gate: true });
    }

    /// The junction that all open streets at a node share.
    fn junction(&mut self, node: u32) -> u32 {
        let position = self.position(node);
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
        self.pieces.pieces.push(Piece { street, ends, points, length_cm, is_gate: false });
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
