//! Where cars may pass through, and where trips may only start or end; and the islands of the network.
//!
//! A public street that is only connected with the rest over restricted streets (a street behind a gate) is restricted
//! itself: no trip passes it, and a trip that starts or ends there must come over the restricted streets.

use super::component::components;
use super::turns::{end, is_open};
use crate::import::streets::{Pieces, Streets};

/// The access of all pieces.
#[derive(Debug)]
pub(super) struct ThroughAccess {
    /// Of each direction, whether trips may only start or end there.
    pub(super) is_restricted: Vec<bool>,
    /// The island of each piece: 0 is the one with the longest streets. No road leads from one to another.
    pub(super) islands: Vec<u32>,
    /// The length of the streets of each island in meters.
    pub(super) island_length_m: Vec<f64>,
}

impl ThroughAccess {
    pub(super) fn new(streets: &Streets, pieces: &Pieces) -> ThroughAccess {
        let (islands, island_length_m) = islands(streets, pieces);
        let directions = 0..pieces.pieces.len() as u32 * 2;
        let is_restricted = directions.map(|direction| is_restricted(streets, pieces, direction)).collect();
        let mut access = ThroughAccess { is_restricted, islands, island_length_m };
        access.close_pockets(streets, pieces);
        access
    }

    /// Restricts the public streets that are not in the largest strongly connected public part of their island, on
    /// islands with restricted streets.
    fn close_pockets(&mut self, streets: &Streets, pieces: &Pieces) {
        let list = &pieces.pieces[..];
        let directions = || (0..list.len() as u32 * 2).filter(|direction| is_open(streets, list, *direction));
        let mut has_restricted = vec![false; self.island_length_m.len()];
        for direction in directions().filter(|direction| self.is_restricted[*direction as usize]) {
            has_restricted[self.islands[direction as usize / 2] as usize] = true;
        }
        let public: Vec<u32> = directions()
            .filter(|direction| {
                let island = self.islands[*direction as usize / 2] as usize;
                has_restricted[island] && !self.is_restricted[*direction as usize]
            })
            .collect();
        let arcs: Vec<[u32; 2]> =
            public.iter().map(|direction| [end(list, direction ^ 1), end(list, *direction)]).collect();
        let parts = components(pieces.junctions.len(), &arcs);
        // The component with the most junctions on each island; of several, the first piece's.
        let mut largest = vec![None::<u32>; self.island_length_m.len()];
        for (direction, [tail, _]) in public.iter().zip(&arcs) {
            let largest = &mut largest[self.islands[*direction as usize / 2] as usize];
            let part = parts.part[*tail as usize];
            if largest.is_none_or(|known| parts.sizes[part as usize] > parts.sizes[known as usize]) {
                *largest = Some(part);
            }
        }
        for (direction, [tail, head]) in public.iter().zip(&arcs) {
            let largest = largest[self.islands[*direction as usize / 2] as usize];
            let is_in = |node: u32| Some(parts.part[node as usize]) == largest;
            self.is_restricted[*direction as usize] = !is_in(*tail) || !is_in(*head);
        }
    }
}

fn is_restricted(streets: &Streets, pieces: &Pieces, direction: u32) -> bool {
    let piece = &pieces.pieces[direction as usize / 2];
    let lane = streets.ways[piece.street as usize].lanes[direction as usize % 2];
    piece.is_gate || lane.is_some_and(|lane| lane.is_restricted)
}

/// The island of each piece, and the length of each island in meters. Union-find (Tarjan 1975) over the junctions.
fn islands(streets: &Streets, pieces: &Pieces) -> (Vec<u32>, Vec<f64>) {
    let mut parent: Vec<u32> = (0..pieces.junctions.len() as u32).collect();
    let list = &pieces.pieces[..];
    let is_driven =
        |piece: usize| [0, 1].into_iter().any(|side| is_open(streets, list, piece as u32 * 2 + side));
    for (_, piece) in list.iter().enumerate().filter(|(number, _)| is_driven(*number)) {
        let [a, b] = piece.ends.map(|end| root(&mut parent, end));
        // The lower number becomes the root, so the result does not depend on the order.
        parent[a.max(b) as usize] = a.min(b);
    }
    let roots: Vec<u32> = list.iter().map(|piece| root(&mut parent, piece.ends[0])).collect();
    let mut length_cm = vec![0_u64; pieces.junctions.len()];
    for (root, piece) in roots.iter().zip(list) {
        length_cm[*root as usize] += u64::from(piece.length_cm);
    }
    let mut order: Vec<u32> = roots.clone();
    order.sort_unstable();
    order.dedup();
    order.sort_by_key(|root| std::cmp::Reverse(length_cm[*root as usize]));
    let mut number = vec![0; pieces.junctions.len()];
    for (island, root) in (0..).zip(&order) {
        number[*root as usize] = island;
    }
    let length_m = order.iter().map(|root| length_cm[*root as usize] as f64 / 100.0).collect();
    (roots.iter().map(|root| number[*root as usize]).collect(), length_m)
}

/// The root of a junction's tree. Halves the path on the way.
fn root(parent: &mut [u32], mut node: u32) -> u32 {
    while parent[node as usize] != node {
        parent[node as usize] = parent[parent[node as usize] as usize];
        node = parent[node as usize];
    }
    node
}
