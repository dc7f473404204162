//! Turn expansion: puts turn restrictions into the graph, so that searches need no code for them.
//!
//! An arc with a forbidden turn ends in a copy of its junction that lacks the forbidden arcs. This is node splitting
//! (Winter, "Modeling Costs of Turns in Route Planning", `GeoInformatica` 6, 2002), but only at restrictions.
//!
//! A restriction over via ways depends on several arcs before the turn. For these, copies are the states of an
//! automaton (Aho, Corasick, "Efficient String Matching: An Aid to Bibliographic Search", Communications of the ACM
//! 18(6), 1975): a state is the longest suffix of the driven directions that is a prefix of a restriction. Arcs after
//! which the same directions may follow, now and later, share a copy.

use std::collections::{BTreeMap, BTreeSet};

use super::turns::{self, Bans};
use crate::import::streets::{Piece, Pieces, Streets};

/// The graph before it is sorted.
#[derive(Debug, Default)]
pub(super) struct ExpandedGraph {
    /// The junction of each node. The first nodes are the junctions themselves, the others are copies.
    pub(super) junction_of: Vec<u32>,
    pub(super) arcs: Vec<GraphArc>,
    /// The first direction of each kept restriction.
    pub(super) restricted: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GraphArc {
    pub(super) tail: u32,
    pub(super) head: u32,
    /// Twice the number of the piece, plus 1 when the arc runs against its points.
    pub(super) direction: u32,
}

/// What a copy of a junction stands for. Two arcs with the same state end in the same node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    junction: u32,
    /// The directions that may not follow, sorted.
    forbidden: Vec<u32>,
    /// The last driven directions, as far as later restrictions depend on them.
    driven: Vec<u32>,
}

/// Makes all copies of junctions and all arcs.
pub(super) fn expand(streets: &Streets, pieces: &Pieces, bans: &Bans) -> ExpandedGraph {
    Splitter::new(streets, pieces, bans).split()
}

struct Splitter<'a> {
    pieces: &'a [Piece],
    bans: &'a Bans,
    /// All prefixes of the direction sequences that bans follow, including the whole sequences.
    prefixes: BTreeSet<&'a [u32]>,
    /// All prefixes without the whole sequences.
    proper_prefixes: BTreeSet<&'a [u32]>,
    /// The directions that leave each junction.
    out: Vec<Vec<u32>>,
    /// The node of each copy.
    numbers: BTreeMap<State, u32>,
    /// The copies in the order of their nodes.
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
        let prefixes = bans.after.keys().flat_map(ends(1)).collect();
        let proper_prefixes = bans.after.keys().flat_map(ends(0)).collect();
        Self { pieces, bans, prefixes, proper_prefixes, out, numbers: BTreeMap::new(), copies: Vec::new() }
    }

    fn split(mut self) -> ExpandedGraph {
        let junctions = self.out.len() as u32;
        let mut graph =
            ExpandedGraph { restricted: self.bans.restricted.clone(), ..ExpandedGraph::default() };
        for junction in 0..junctions {
            let all = State { junction, forbidden: Vec::new(), driven: Vec::new() };
            self.add_arcs(junction, &all, &mut graph.arcs);
        }
        // The arcs of a copy may lead to new copies, so the list grows during the loop. It ends because there are
        // finitely many prefixes.
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

    /// The node where a direction ends, after the directions `before`.
    fn after(&mut self, before: &[u32], direction: u32) -> u32 {
        let junction = turns::end(self.pieces, direction);
        let driven = [before, &[direction]].concat();
        let driven = longest_suffix(&driven, &self.prefixes);
        if driven.is_empty() {
            return junction;
        }
        let out = &self.out[junction as usize];
        // A shorter suffix may be the whole sequence of another ban, so all suffixes count.
        let suffixes = (0..driven.len()).map(|start| &driven[start..]);
        let bans = suffixes.filter_map(|suffix| self.bans.after.get(suffix));
        let forbidden: BTreeSet<u32> = bans.flat_map(|ban| ban.forbidden(out)).collect();
        let state = State {
            junction,
            forbidden: forbidden.into_iter().collect(),
            driven: longest_suffix(driven, &self.proper_prefixes).to_vec(),
        };
        if state.forbidden.is_empty() && state.driven.is_empty() {
            return junction;
        }
        // `lay_out` checks the number of arcs, and every node has one.
        let next = (self.out.len() + self.copies.len()) as u32;
        *self.numbers.entry(state).or_insert_with_key(|state| {
            self.copies.push(state.clone());
            next
        })
    }
}

/// The longest suffix of the driven directions that is in `prefixes`; empty if there is none.
fn longest_suffix<'d>(driven: &'d [u32], prefixes: &BTreeSet<&[u32]>) -> &'d [u32] {
    let mut suffixes = (0..driven.len()).map(|start| &driven[start..]);
    suffixes.find(|suffix| prefixes.contains(suffix)).unwrap_or_default()
}
