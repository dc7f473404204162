//! Turn expansion: puts the rules about turns into the graph, so that searches need no code for them.
//!
//! An arc with a forbidden turn ends in a copy of its junction that lacks the forbidden arcs. This is node splitting
//! (Winter, "Modeling Costs of Turns in Route Planning", `GeoInformatica` 6, 2002), but only at rules. Three kinds of
//! rules make copies:
//!
//! * turn restrictions. A restriction over via ways depends on several arcs before the turn. For these, copies are the
//!   states of an automaton (Aho, Corasick, "Efficient String Matching: An Aid to Bibliographic Search", Communications
//!   of the ACM 18(6), 1975): a state is the longest suffix of the driven directions that is a prefix of a restriction.
//! * U-turns. A car does not drive back along the street that it came on, unless the street ends. `no_return.rs` finds
//!   the streets where that makes a difference.
//! * restricted streets. A trip leaves them, drives on public streets, and may enter them at its end: three [`Stage`]s.
//!
//! Arcs after which the same directions may follow, now and later, share a copy.

mod no_return;
mod prune;

use std::collections::{BTreeMap, BTreeSet};

use super::through::ThroughAccess;
use super::turns::{self, Bans};
use crate::import::options::UTurns;
use crate::import::streets::{Map, Pieces, Streets};
use crate::network::HourSet;

/// The graph before it is sorted.
#[derive(Debug, Default)]
pub(super) struct ExpandedGraph {
    /// The junction of each node. The first nodes are the junctions themselves, the others are copies.
    pub(super) junction_of: Vec<u32>,
    pub(super) arcs: Vec<GraphArc>,
    /// Sets of hours in which arcs are closed. The first one is empty.
    pub(super) hours: Vec<HourSet>,
    /// The first direction of each kept restriction.
    pub(super) restricted: Vec<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GraphArc {
    pub(super) tail: u32,
    pub(super) head: u32,
    /// Twice the number of the piece, plus 1 when the arc runs against its points.
    pub(super) direction: u32,
    /// An index into [`ExpandedGraph::hours`]: when the arc is closed.
    pub(super) closed: u32,
}

/// The part of a trip, by the streets that it may use next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// The trip started on a restricted street and has not left these streets.
    Leaving,
    /// The trip is on public streets.
    Public,
    /// The trip entered a restricted street, so it ends on one.
    Arriving,
}

/// What a copy of a junction stands for. Two arcs with the same state end in the same node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    junction: u32,
    stage: Stage,
    /// The directions that may not follow, sorted.
    forbidden: Vec<u32>,
    /// The directions that may not follow at some hours, sorted.
    closed: Vec<(u32, HourSet)>,
    /// The last driven directions, as far as later restrictions depend on them.
    driven: Vec<u32>,
}

impl Stage {
    /// The stage on a direction that follows; `None` when it may not.
    fn on(self, is_restricted: bool) -> Option<Stage> {
        match (self, is_restricted) {
            (Stage::Leaving, true) => Some(Stage::Leaving),
            (Stage::Leaving | Stage::Public, false) => Some(Stage::Public),
            (Stage::Public | Stage::Arriving, true) => Some(Stage::Arriving),
            (Stage::Arriving, false) => None,
        }
    }
}

impl State {
    /// The state at a junction after no rule.
    fn free(junction: u32, stage: Stage) -> State {
        State { junction, stage, forbidden: Vec::new(), closed: Vec::new(), driven: Vec::new() }
    }
}

/// Makes all copies of junctions and all arcs.
pub(super) fn expand(
    streets: &Streets,
    pieces: &Pieces,
    access: &ThroughAccess,
    bans: &Bans,
    u_turns: UTurns,
) -> ExpandedGraph {
    Splitter::new(streets, pieces, access, bans, u_turns).split()
}

struct Splitter<'a> {
    streets: &'a Streets,
    pieces: &'a Pieces,
    is_restricted: &'a [bool],
    bans: &'a Bans,
    /// The directions after which a car may not drive back.
    no_return: Vec<bool>,
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
    hours: Vec<HourSet>,
    hour_numbers: Map<HourSet, u32>,
}

impl<'a> Splitter<'a> {
    fn new(
        streets: &'a Streets,
        pieces: &'a Pieces,
        access: &'a ThroughAccess,
        bans: &'a Bans,
        u_turns: UTurns,
    ) -> Self {
        let mut out = vec![Vec::new(); pieces.junctions.len()];
        let list = &pieces.pieces[..];
        let directions = 0..list.len() as u32 * 2;
        for direction in directions.filter(|direction| turns::is_open(streets, list, *direction)) {
            out[turns::end(list, direction ^ 1) as usize].push(direction);
        }
        let ends =
            |length: usize| move |driven: &'a Vec<u32>| (1..driven.len() + length).map(|end| &driven[..end]);
        let mut splitter = Self {
            streets,
            pieces,
            is_restricted: &access.is_restricted,
            bans,
            no_return: vec![false; list.len() * 2],
            prefixes: bans.after.keys().flat_map(ends(1)).collect(),
            proper_prefixes: bans.after.keys().flat_map(ends(0)).collect(),
            out,
            numbers: BTreeMap::new(),
            copies: Vec::new(),
            hours: vec![HourSet::EMPTY],
            hour_numbers: Map::from_iter([(HourSet::EMPTY, 0)]),
        };
        if u_turns == UTurns::DeadEnds {
            splitter.no_return = splitter.no_return();
        }
        splitter
    }

    fn split(mut self) -> ExpandedGraph {
        let junctions = self.out.len() as u32;
        let mut graph =
            ExpandedGraph { restricted: self.bans.restricted.clone(), ..ExpandedGraph::default() };
        for junction in 0..junctions {
            let out = &self.out[junction as usize];
            let restricted = out.iter().filter(|direction| self.is_restricted[**direction as usize]).count();
            // A trip that starts on a restricted street starts in this copy.
            if restricted > 0 {
                self.number(State::free(junction, Stage::Leaving));
            }
            if restricted < self.out[junction as usize].len() {
                self.add_arcs(junction, &State::free(junction, Stage::Public), &mut graph.arcs);
            }
        }
        // The arcs of a copy may lead to new copies, so the list grows during the loop. It ends because there are
        // finitely many prefixes.
        let mut next = 0;
        while let Some(copy) = self.copies.get(next).cloned() {
            self.add_arcs(junctions + next as u32, &copy, &mut graph.arcs);
            next += 1;
        }
        graph.junction_of = (0..junctions).chain(self.copies.iter().map(|copy| copy.junction)).collect();
        graph.hours = self.hours;
        prune::drop_needless_starts(&mut graph);
        graph
    }

    fn add_arcs(&mut self, tail: u32, state: &State, arcs: &mut Vec<GraphArc>) {
        for place in 0..self.out[state.junction as usize].len() {
            let direction = self.out[state.junction as usize][place];
            let Some(stage) = state.stage.on(self.is_restricted[direction as usize]) else { continue };
            if state.forbidden.binary_search(&direction).is_err() {
                let closed = self.closed(state, direction);
                let head = self.after(stage, &state.driven, direction);
                arcs.push(GraphArc { tail, head, direction, closed });
            }
        }
    }

    /// The number of the hours in which a direction is closed after a state.
    fn closed(&mut self, state: &State, direction: u32) -> u32 {
        let street = self.pieces.pieces[direction as usize / 2].street as usize;
        let lane = self.streets.ways[street].lanes[direction as usize % 2];
        let of_street = lane.map_or(HourSet::EMPTY, |lane| lane.closed_hours);
        let of_turn = state.closed.iter().find(|(closed, _)| *closed == direction);
        let closed = of_turn.map_or(of_street, |(_, hours)| hours.union(of_street));
        *self.hour_numbers.entry(closed).or_insert_with(|| {
            self.hours.push(closed);
            self.hours.len() as u32 - 1
        })
    }

    /// The node where a direction ends in a stage, after the directions `before`.
    fn after(&mut self, stage: Stage, before: &[u32], direction: u32) -> u32 {
        let junction = turns::end(&self.pieces.pieces, direction);
        let driven = [before, &[direction]].concat();
        let driven = longest_suffix(&driven, &self.prefixes);
        let mut state = State::free(junction, stage);
        state.driven = longest_suffix(driven, &self.proper_prefixes).to_vec();
        // A shorter suffix may be the whole sequence of another ban, so all suffixes count.
        let suffixes = (0..driven.len()).map(|start| &driven[start..]);
        let bans: Vec<_> = suffixes.filter_map(|suffix| self.bans.after.get(suffix)).collect();
        if !bans.is_empty() {
            for next in &self.out[junction as usize] {
                let hours = bans.iter().map(|ban| ban.closed_hours(*next));
                let hours = hours.fold(HourSet::EMPTY, HourSet::union);
                if hours == HourSet::all() {
                    state.forbidden.push(*next);
                } else if !hours.is_empty() {
                    state.closed.push((*next, hours));
                }
            }
        }
        if self.forbids_u_turn(&state, direction) {
            state.forbidden.push(direction ^ 1);
        }
        state.forbidden.sort_unstable();
        state.forbidden.dedup();
        self.number(state)
    }

    /// Whether a car that came by a direction may not drive back: another direction goes on.
    fn forbids_u_turn(&self, state: &State, direction: u32) -> bool {
        let out = &self.out[state.junction as usize];
        let back = direction ^ 1;
        if !self.no_return[direction as usize]
            || !out.contains(&back)
            || self.pieces.turning_places.binary_search(&state.junction).is_ok()
        {
            return false;
        }
        // A street that only leads on to restricted streets ends here for a trip on public ones.
        let goes_on = |next: &u32| {
            let stage = state.stage.on(self.is_restricted[*next as usize]);
            let is_through = stage.is_some_and(|stage| stage != Stage::Arriving || state.stage == stage);
            *next != back && is_through && !state.forbidden.contains(next)
        };
        out.iter().any(goes_on)
    }

    /// The node of a state.
    fn number(&mut self, state: State) -> u32 {
        if state == State::free(state.junction, Stage::Public) {
            return state.junction;
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
