//! The reference for turn restrictions: a search that checks every turn against the list of restrictions. An
//! independent reader reads this list; of the network only the segments and their times are used.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};

use kerb_routing::{DirectedSegment, LatticePoint, Network, SegmentId};

use crate::support::relations::{Extract, Relation};

/// A point on a direction: its number, and how far along it is.
pub(crate) type Point = (u32, f64);

/// A restriction: after these directions in a row, either the directions `to` are forbidden or all others are.
#[derive(Debug)]
struct Rule {
    path: Vec<u32>,
    to: Vec<u32>,
    only: bool,
}

/// The last driven direction, and the progress along each rule.
type State = (u32, Vec<(usize, usize)>);

/// All states and their successors.
pub(crate) struct TurnReference {
    /// The directions with a state in the largest strongly connected component.
    directions: Vec<u32>,
    ms: Vec<u64>,
    states: Vec<State>,
    /// The numbers of the states of each direction.
    of_direction: BTreeMap<u32, Vec<usize>>,
    /// The successors of each state.
    next: Vec<Vec<usize>>,
    pub(crate) rules: usize,
}

/// The directions of a network, connected by the positions of their ends.
struct Directions<'a> {
    network: &'a Network,
    closed: BTreeSet<(i32, i32)>,
    /// The directions that leave each junction. Segments do not connect at a closed barrier.
    out: BTreeMap<(i32, i32, u32), Vec<u32>>,
}

impl<'a> Directions<'a> {
    fn new(network: &'a Network, extract: &Extract) -> Self {
        let closed = extract.nodes.values().filter(|(_, is_closed)| *is_closed);
        let closed = closed.map(|(at, _)| (at.lat_e7, at.lon_e7)).collect();
        let mut directions = Self { network, closed, out: BTreeMap::new() };
        for number in 0..network.segments() as u32 * 2 {
            if directions.is_open(number) {
                let start = directions.end(number ^ 1);
                directions.out.entry(start).or_default().push(number);
            }
        }
        directions
    }

    fn is_open(&self, number: u32) -> bool {
        !self.network.arcs_of(DirectedSegment::from_number(number)).is_empty()
    }

    fn end(&self, number: u32) -> (i32, i32, u32) {
        let shape = self.network.shape(SegmentId(number / 2));
        let at = if number.is_multiple_of(2) { shape[shape.len() - 1] } else { shape[0] };
        let place = (at.lat_e7, at.lon_e7);
        (place.0, place.1, if self.closed.contains(&place) { number / 2 } else { u32::MAX })
    }

    fn of_way(&self, way: i64) -> impl Iterator<Item = u32> {
        let numbers = (0..).zip(self.network.way_ids()).filter(move |(_, id)| **id == way);
        numbers.flat_map(|(segment, _)| [segment * 2, segment * 2 + 1]).filter(|number| self.is_open(*number))
    }

    /// All paths along a way between two of its junctions that visit no junction twice.
    fn along(
        &self,
        way: i64,
        from: LatticePoint,
        to: LatticePoint,
        driven: &[u32],
        found: &mut Vec<Vec<u32>>,
    ) {
        let is_at =
            |end: (i32, i32, u32), place: LatticePoint| (end.0, end.1) == (place.lat_e7, place.lon_e7);
        for next in self.of_way(way) {
            let joins = match driven.last() {
                Some(last) => self.end(*last) == self.end(next ^ 1) && last ^ 1 != next,
                None => is_at(self.end(next ^ 1), from),
            };
            let again = driven.iter().any(|number| self.end(*number) == self.end(next));
            if joins && !again {
                let driven = [driven, &[next]].concat();
                if is_at(self.end(next), to) {
                    found.push(driven);
                } else {
                    self.along(way, from, to, &driven, found);
                }
            }
        }
    }

    /// The rules of a relation: one for each of its `from` ways.
    fn rules(&self, extract: &Extract, relation: &Relation) -> Vec<Rule> {
        let Some((ways, joints)) = extract.joints(relation) else { return Vec::new() };
        let (first, last) = (joints[0], joints[joints.len() - 1]);
        let passes = |ways: &[i64], node: i64| ways.iter().any(|way| extract.touches(*way, node) > 1);
        if passes(&relation.from, first) || passes(&relation.to, last) {
            return Vec::new();
        }
        let Some(places) = joints.iter().map(|id| Some(extract.nodes.get(id)?.0)).collect::<Option<Vec<_>>>()
        else {
            return Vec::new();
        };
        let mut over = Vec::new();
        for (way, ends) in ways.iter().zip(places.windows(2)) {
            let mut found = Vec::new();
            self.along(*way, ends[0], ends[1], &[], &mut found);
            match &found[..] {
                [one] => over.extend(one),
                _ => return Vec::new(),
            }
        }
        let at = |number: u32| (self.end(number).0, self.end(number).1);
        let is = |place: LatticePoint| (place.lat_e7, place.lon_e7);
        let directions = |ways: &[i64], arriving: bool, place: LatticePoint| -> Vec<u32> {
            let all = ways.iter().flat_map(|way| self.of_way(*way));
            all.filter(|number| at(if arriving { *number } else { number ^ 1 }) == is(place)).collect()
        };
        let from = directions(&relation.from, true, places[0]);
        let to = directions(&relation.to, false, places[places.len() - 1]);
        if to.is_empty() {
            return Vec::new();
        }
        let only = relation.value.starts_with("only_");
        let rule = |from: u32| Rule { path: [&[from], &over[..]].concat(), to: to.clone(), only };
        from.into_iter().map(rule).collect()
    }
}

/// The state after one more direction; `None` if a rule forbids it.
fn follow(rules: &[Rule], (_, along): &State, next: u32) -> Option<State> {
    let after = |(rule, place): &(usize, usize)| -> Vec<u32> {
        let Rule { path, to, .. } = &rules[*rule];
        path.get(place + 1).map_or_else(|| to.clone(), |next| vec![*next])
    };
    let is_last = |(rule, place): &(usize, usize)| rules[*rule].path.len() == place + 1;
    if along.iter().any(|at| !rules[at.0].only && is_last(at) && after(at).contains(&next)) {
        return None;
    }
    // Several `only_` rules with the same progress allow the union of their next directions.
    for place in along.iter().map(|(_, place)| *place) {
        let mut together = along.iter().filter(|at| at.1 == place && rules[at.0].only).peekable();
        if together.peek().is_some() && !together.any(|at| after(at).contains(&next)) {
            return None;
        }
    }
    let on = along.iter().filter(|at| rules[at.0].path.get(at.1 + 1) == Some(&next));
    let begun = (0..rules.len()).filter(|rule| rules[*rule].path[0] == next).map(|rule| (rule, 0));
    Some((next, on.map(|(rule, place)| (*rule, place + 1)).chain(begun).collect()))
}

impl TurnReference {
    /// Builds the reference of an extract and the network imported from it.
    pub(crate) fn new(bytes: &[u8], network: &Network) -> TurnReference {
        let extract = Extract::read(bytes);
        let directions = Directions::new(network, &extract);
        let rules: Vec<Rule> =
            extract.relations.iter().flat_map(|relation| directions.rules(&extract, relation)).collect();
        let mut numbers: HashMap<State, usize> = HashMap::new();
        let (mut states, mut next) = (Vec::new(), Vec::new());
        let mut number = |state: State, states: &mut Vec<State>| {
            *numbers.entry(state).or_insert_with_key(|state| {
                states.push(state.clone());
                states.len() - 1
            })
        };
        for first in (0..network.segments() as u32 * 2).filter(|number| directions.is_open(*number)) {
            let start = follow(&rules, &(first, Vec::new()), first).unwrap();
            number(start, &mut states);
        }
        while let Some(state) = states.get(next.len()).cloned() {
            let out = directions.out.get(&directions.end(state.0));
            let after = out.into_iter().flatten().filter_map(|direction| follow(&rules, &state, *direction));
            next.push(after.map(|state| number(state, &mut states)).collect());
        }
        let ms = (0..network.segments() as u32 * 2).map(|number| {
            let arcs = network.arcs_of(DirectedSegment::from_number(number));
            arcs.first().map_or(0, |arc| u64::from(network.time_ms()[*arc as usize]))
        });
        TurnReference::of(ms.collect(), states, next, rules.len())
    }

    /// Finds the directions whose states reach most others and are reached from most others.
    fn of(ms: Vec<u64>, states: Vec<State>, next: Vec<Vec<usize>>, rules: usize) -> TurnReference {
        let mut before = vec![Vec::new(); states.len()];
        for (state, after) in next.iter().enumerate() {
            for after in after {
                before[*after].push(state);
            }
        }
        let of_seed = |seed| -> BTreeSet<usize> {
            let (on, back) = (reached(&next, seed), reached(&before, seed));
            on.intersection(&back).copied().collect()
        };
        let seeds = (0..states.len()).step_by(1 + states.len() / 200);
        let largest = seeds.map(of_seed).max_by_key(BTreeSet::len).unwrap();
        let directions: BTreeSet<u32> = largest.iter().map(|state| states[*state].0).collect();
        let mut of_direction: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (state, (direction, _)) in states.iter().enumerate() {
            of_direction.entry(*direction).or_default().push(state);
        }
        TurnReference { directions: directions.into_iter().collect(), ms, states, of_direction, next, rules }
    }

    /// All directions from which most others are reached, and back.
    pub(crate) fn directions(&self) -> Vec<u32> {
        self.directions.clone()
    }

    /// The number of states in addition to one for each direction.
    pub(crate) fn distinguished(&self) -> usize {
        self.of_direction.values().map(|states| states.len() - 1).sum()
    }

    /// The time along a whole direction in milliseconds.
    pub(crate) fn whole_ms(&self, direction: u32) -> u64 {
        self.ms[direction as usize]
    }

    /// The time along a direction up to a point, in whole milliseconds like the engine's.
    pub(crate) fn at_ms(&self, (direction, share): Point) -> u64 {
        (self.ms[direction as usize] as f64 * share) as u64
    }

    /// The time from a start until each direction can be entered, in milliseconds.
    pub(crate) fn begun_ms(&self, from: &[Point]) -> BTreeMap<u32, u64> {
        let mut times: HashMap<usize, u64> = HashMap::new();
        let mut begun: BTreeMap<u32, u64> = BTreeMap::new();
        let mut queue = BinaryHeap::new();
        for point in from {
            let rest = self.ms[point.0 as usize] - self.at_ms(*point);
            queue.extend(self.of_direction[&point.0].iter().map(|state| (Reverse(rest), *state)));
        }
        while let Some((Reverse(time), state)) = queue.pop() {
            if times.contains_key(&state) {
                continue;
            }
            times.insert(state, time);
            for next in &self.next[state] {
                let direction = self.states[*next].0;
                begun.entry(direction).and_modify(|begun| *begun = time.min(*begun)).or_insert(time);
                queue.push((Reverse(time + self.ms[direction as usize]), *next));
            }
        }
        begun
    }

    /// The time between two places in milliseconds. `begun` holds the start's times of [`TurnReference::begun_ms`].
    pub(crate) fn time_ms(&self, begun: &BTreeMap<u32, u64>, from: &[Point], to: &[Point]) -> u64 {
        let over = to.iter().filter_map(|to| Some(begun.get(&to.0)? + self.at_ms(*to)));
        let direct = from.iter().flat_map(|from| {
            let later = to.iter().filter(|to| to.0 == from.0);
            later.filter_map(|to| self.at_ms(*to).checked_sub(self.at_ms(*from)))
        });
        over.chain(direct).min().unwrap()
    }

    /// Whether these directions may be driven one after the other, after any directions before them.
    pub(crate) fn may_drive(&self, directions: &[u32]) -> bool {
        let Some((first, rest)) = directions.split_first() else { return true };
        let mut states: BTreeSet<usize> = self.of_direction[first].iter().copied().collect();
        for direction in rest {
            let next = states.iter().flat_map(|state| &self.next[*state]);
            states = next.copied().filter(|state| self.states[*state].0 == *direction).collect();
        }
        !states.is_empty()
    }
}

fn reached(next: &[Vec<usize>], seed: usize) -> BTreeSet<usize> {
    let (mut seen, mut open) = (BTreeSet::from([seed]), vec![seed]);
    while let Some(state) = open.pop() {
        open.extend(next[state].iter().copied().filter(|next| seen.insert(*next)));
    }
    seen
}
