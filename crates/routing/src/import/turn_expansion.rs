//! Puts turn restrictions into the graph, so that no search has to know of them.
//!
//! An arc after which not everything may follow ends in a copy of its junction that has only the arcs that may (node
//! splitting, as in Winter, "Modeling Costs of Turns in Route Planning", `GeoInformatica` 6, 2002, but only where a
//! restriction is). Where a restriction is about a way over other ways, copies also tell apart what was driven before:
//! they are the states of an automaton that knows the longest end of the way so far with which a restriction begins
//! (Aho, Corasick, "Efficient String Matching", Communications of the ACM 18(6), 1975). Arcs after which the same may
//! follow, now and later, share a copy.

use std::collections::{BTreeMap, BTreeSet};

use super::streets::{Piece, Pieces, Streets};
use super::turns::{self, Bans};

/// The graph before it is sorted.
#[derive(Debug, Default)]
pub(super) struct Graph {
    /// The junction of each node. The junctions come first, each its own; then the copies.
    pub(super) junction_of: Vec<u32>,
    pub(super) arcs: Vec<GraphArc>,
    /// The directions whose turns are restricted, once for each restriction.
    pub(super) restricted: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GraphArc {
    pub(super) tail: u32,
    pub(super) head: u32,
    /// Twice the number of the piece, and one more against its points.
    pub(super) direction: u32,
}

/// What makes a copy of a junction: two arcs with the same end in the same node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    junction: u32,
    /// The directions that may not follow, sorted.
    forbidden: Vec<u32>,
    /// What was driven last, as far as it decides what may follow later.
    driven: Vec<u32>,
}

/// Makes the copies and all arcs.
pub(super) fn expand(streets: &Streets, pieces: &Pieces, bans: &Bans) -> Graph {
    Splitter::new(streets, pieces, bans).split()
}

struct Splitter<'a> {
    pieces: &'a [Piece],
    bans: &'a Bans,
    /// The beginnings of what bans come after, and of those the ones that are not all of it.
    begun: BTreeSet<&'a [u32]>,
    unfinished: BTreeSet<&'a [u32]>,
    /// The directions that leave each junction.
    out: Vec<Vec<u32>>,
    /// The node of each copy, and the copies in the order of their nodes.
    numbers: BTreeMap<State, u32>,
    copies: Vec<State>,
}

impl<'a> Splitter<'a> {
    fn new(streets: &Streets, pieces: &'a Pieces, bans: &'a Bans) -> Self {
        let mut out = vec![Vec::new(); pieces.junctions.len()];
        let pieces = &pieces.pieces[..];
        let directions = 0..pieces.len() as u32 * 2;
        for direction in directions.filter(|direction| turns::is_open(streets, pieces, *direction)) {
            out[turns::end(pieces, direction ^ 1) as usize].push(direction);
        }
        let ends =
            |length: usize| move |driven: &'a Vec<u32>| (1..driven.len() + length).map(|end| &driven[..end]);
        let begun = bans.after.keys().flat_map(ends(1)).collect();
        let unfinished = bans.after.keys().flat_map(ends(0)).collect();
        Self { pieces, bans, begun, unfinished, out, numbers: BTreeMap::new(), copies: Vec::new() }
    }

    fn split(mut self) -> Graph {
        let junctions = self.out.len() as u32;
        let mut graph = Graph { restricted: self.bans.restricted.clone(), ..Graph::default() };
        for junction in 0..junctions {
            let all = State { junction, forbidden: Vec::new(), driven: Vec::new() };
            self.add_arcs(junction, &all, &mut graph.arcs);
        }
        // Copies lead to more copies.
        let mut next = 0;
        while let Some(copy) = self.copies.get(next).cloned() {
            self.add_arcs(junctions + next as u32, &copy, &mut graph.arcs);
            next += 1;
        }
        graph.junction_of = (0..junctions).chain(self.copies.iter().map(|copy| copy.junction)).collect();
        graph
    }

    fn add_arcs(&mut self, tail: u32, state: &State, arcs: &mut Vec<GraphArc>) {
        for place in 0..self.out[state.junction as usize].len() {
            let direction = self.out[state.junction as usize][place];
            if state.forbidden.binary_search(&direction).is_err() {
                arcs.push(GraphArc { tail, head: self.after(&state.driven, direction), direction });
            }
        }
    }

    /// The node that a direction ends in, when this was driven before it.
    fn after(&mut self, before: &[u32], direction: u32) -> u32 {
        let junction = turns::end(self.pieces, direction);
        let driven = [before, &[direction]].concat();
        let driven = longest_end(&driven, &self.begun);
        if driven.is_empty() {
            return junction;
        }
        let out = &self.out[junction as usize];
        let ends = (0..driven.len()).map(|start| &driven[start..]);
        let bans = ends.filter_map(|end| self.bans.after.get(end));
        let forbidden: BTreeSet<u32> = bans.flat_map(|ban| ban.forbidden(out)).collect();
        let state = State {
            junction,
            forbidden: forbidden.into_iter().collect(),
            driven: longest_end(driven, &self.unfinished).to_vec(),
        };
        if state.forbidden.is_empty() && state.driven.is_empty() {
            return junction;
        }
        let next = (self.out.len() + self.copies.len()) as u32;
        *self.numbers.entry(state).or_insert_with_key(|state| {
            self.copies.push(state.clone());
            next
        })
    }
}

/// The longest end of what was driven that is one of these.
fn longest_end<'d>(driven: &'d [u32], of: &BTreeSet<&[u32]>) -> &'d [u32] {
    let mut ends = (0..driven.len()).map(|start| &driven[start..]);
    ends.find(|end| of.contains(end)).unwrap_or_default()
}
