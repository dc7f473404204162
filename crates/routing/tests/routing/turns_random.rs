//! Compares random towns with random restrictions with a search that checks every turn.

use std::cmp::Reverse;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BinaryHeap};

use kerb_geometry::{LatLng, distance_m};
use kerb_routing::DirectedSegment;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::support::dijkstra::{direction, tail, times_from};
use crate::support::osm::{GRID_E7, Osm};
use crate::support::pbf::{self, BlockCompression};
use crate::support::turn_reference::TurnReference;

const SIDE: i64 = 5;

/// One direction of a street with two nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    way: i64,
    reverse: bool,
}

#[derive(Debug, Default)]
struct Town {
    osm: Osm,
    /// From-node, to-node and milliseconds of each edge.
    edges: BTreeMap<Edge, (i64, i64, u64)>,
    /// Value, from, via and to of each restriction.
    restrictions: Vec<(&'static str, i64, i64, i64)>,
    /// Whether cars turn round everywhere, and not only at dead ends.
    has_u_turns: bool,
}

fn node_id(east: i64, north: i64) -> i64 {
    north * SIDE + east + 1
}

impl Town {
    fn random(has_u_turns: bool, random: &mut Pcg64Mcg) -> Town {
        let mut town = Town { has_u_turns, ..Town::default() };
        if has_u_turns {
            town.osm = town.osm.with_u_turns();
        }
        for (east, north) in (0..SIDE).flat_map(|north| (0..SIDE).map(move |east| (east, north))) {
            town.osm = town.osm.node(node_id(east, north), east as i32, north as i32);
        }
        for (east, north) in (0..SIDE).flat_map(|north| (0..SIDE).map(move |east| (east, north))) {
            for (to_east, to_north) in [(east + 1, north), (east, north + 1)] {
                if to_east < SIDE && to_north < SIDE && random.random_bool(0.9) {
                    town.add_street((east, north), (to_east, to_north), random);
                }
            }
        }
        let count = random.random_range(0..25);
        (0..count).for_each(|_| town.add_restriction(random));
        town
    }

    fn add_street(&mut self, from: (i64, i64), to: (i64, i64), random: &mut Pcg64Mcg) {
        let (way, is_oneway) = (self.edges.len() as i64 + 1000, random.random_bool(0.2));
        let (kmh, limit) = [(20.0, "20"), (30.0, "30"), (50.0, "50")][random.random_range(0..3)];
        let tags = [("maxspeed", limit), ("oneway", if is_oneway { "yes" } else { "no" })];
        let ends = [node_id(from.0, from.1), node_id(to.0, to.1)];
        let place = |(east, north): (i64, i64)| {
            LatLng::from_e7(north as i32 * GRID_E7, east as i32 * GRID_E7).unwrap()
        };
        let cm = (distance_m(place(from), place(to)) * 100.0).round();
        let ms = (cm * 36.0 / kmh).round() as u64;
        self.edges.insert(Edge { way, reverse: false }, (ends[0], ends[1], ms));
        if !is_oneway {
            self.edges.insert(Edge { way, reverse: true }, (ends[1], ends[0], ms));
        }
        self.osm = std::mem::take(&mut self.osm).way(way, &ends, &tags);
    }

    fn add_restriction(&mut self, random: &mut Pcg64Mcg) {
        let values = ["no_left_turn", "no_u_turn", "no_straight_on", "only_straight_on", "only_right_turn"];
        let value = values[random.random_range(0..values.len())];
        let edges: Vec<_> = self.edges.iter().map(|(edge, ends)| (*edge, *ends)).collect();
        let (from, (_, via, _)) = edges[random.random_range(0..edges.len())];
        let leaving: Vec<_> = edges.iter().filter(|(_, (start, ..))| *start == via).collect();
        if let Some((to, _)) = leaving.get(random.random_range(0..4)) {
            let id = 5000 + self.restrictions.len() as i64;
            self.restrictions.push((value, from.way, via, to.way));
            self.osm = std::mem::take(&mut self.osm).restriction(id, value, from.way, via, to.way);
        }
    }

    /// A restriction over one to three consecutive ways, listed in either order.
    fn add_restriction_over_ways(&mut self, id: i64, random: &mut Pcg64Mcg) {
        let edges: Vec<_> = self.edges.iter().map(|(edge, ends)| (*edge, *ends)).collect();
        let mut driven = vec![edges[random.random_range(0..edges.len())]];
        for _ in 0..random.random_range(2..5) {
            let (last, (_, at, _)) = driven[driven.len() - 1];
            let next: Vec<_> =
                edges.iter().filter(|(edge, (start, ..))| *start == at && edge.way != last.way).collect();
            if next.is_empty() {
                return;
            }
            driven.push(*next[random.random_range(0..next.len())]);
        }
        let value = ["no_u_turn", "no_left_turn", "only_straight_on"][random.random_range(0..3)];
        let mut via: Vec<i64> = driven[1..driven.len() - 1].iter().map(|(edge, _)| edge.way).collect();
        if random.random_bool(0.3) {
            via.reverse();
        }
        let mut members = vec![(1, driven[0].0.way, "from"), (1, driven[driven.len() - 1].0.way, "to")];
        members.extend(via.into_iter().map(|way| (1, way, "via")));
        let tags = vec![("type", "restriction"), ("restriction", value)];
        self.osm = std::mem::take(&mut self.osm).relation(id, &members, &tags);
    }

    fn may_turn(&self, from: Edge, to: Edge) -> bool {
        let is_u_turn = |next: Edge| next.way == from.way && next.reverse != from.reverse;
        if self.has_u_turns || !is_u_turn(to) {
            return self.is_allowed(from, to);
        }
        let via = self.edges[&from].1;
        let mut others = self.edges.iter().filter(|(next, (start, ..))| *start == via && !is_u_turn(**next));
        self.is_allowed(from, to) && !others.any(|(next, _)| self.is_allowed(from, *next))
    }

    fn is_allowed(&self, from: Edge, to: Edge) -> bool {
        let via = self.edges[&from].1;
        let here = || self.restrictions.iter().filter(|(_, way, at, _)| *way == from.way && *at == via);
        let is_forbidden = here().any(|(value, _, _, way)| value.starts_with("no_") && *way == to.way);
        let mut only = here().filter(|(value, ..)| value.starts_with("only_")).peekable();
        !is_forbidden && (only.peek().is_none() || only.any(|(_, _, _, way)| *way == to.way))
    }

    /// The times from the end of an edge to the end of every other.
    fn times_from(&self, start: Edge) -> BTreeMap<Edge, u64> {
        let mut times = BTreeMap::new();
        let mut queue = BinaryHeap::new();
        self.push_next(start, 0, &mut queue);
        while let Some((Reverse(time), edge)) = queue.pop() {
            if let Entry::Vacant(entry) = times.entry(edge) {
                entry.insert(time);
                self.push_next(edge, time, &mut queue);
            }
        }
        times
    }

    fn push_next(&self, edge: Edge, time: u64, queue: &mut BinaryHeap<(Reverse<u64>, Edge)>) {
        let at = self.edges[&edge].1;
        for (next, (start, _, ms)) in &self.edges {
            if *start == at && self.may_turn(edge, *next) {
                queue.push((Reverse(time + ms), *next));
            }
        }
    }
}

#[test]
fn times_equal_a_search_with_explicit_turns() {
    let mut compared = 0;
    for seed in 0..50 {
        let town = Town::random(seed % 2 == 0, &mut Pcg64Mcg::seed_from_u64(seed));
        let network = town.osm.shuffled(seed).network();
        let kept = |edge: &Edge| direction(&network, edge.way, edge.reverse).map(|arc| (*edge, arc));
        let kept: Vec<_> = town.edges.keys().filter_map(kept).collect();
        for (from, _) in &kept {
            // A trip starts and ends in the middle of a street, which it leaves and reaches in both directions. With one
            // direction alone, a car could turn round at the next junction: such trips have no copies of their own.
            let starts: Vec<_> = kept.iter().filter(|(edge, _)| edge.way == from.way).collect();
            let truth: Vec<_> = starts.iter().map(|(edge, _)| town.times_from(*edge)).collect();
            let heads = starts.iter().flat_map(|(_, arc)| network.arcs_of(*arc));
            let times: Vec<_> =
                heads.map(|arc| times_from(&network, network.head()[*arc as usize])).collect();
            for (to, _) in kept.iter().filter(|(edge, _)| edge.way != from.way) {
                let goals: Vec<_> = kept.iter().filter(|(edge, _)| edge.way == to.way).collect();
                let over = |arc: &u32| {
                    let ms = u64::from(network.time_ms()[*arc as usize]);
                    times
                        .iter()
                        .filter_map(|times| times[tail(&network, *arc) as usize])
                        .min()
                        .map(|time| time + ms)
                };
                let time = goals.iter().flat_map(|(_, arc)| network.arcs_of(*arc)).filter_map(over).min();
                let right = |(edge, _): &&(Edge, DirectedSegment)| {
                    truth.iter().filter_map(|times| times.get(edge)).min()
                };
                let right = goals.iter().filter_map(right).min().copied();
                assert_eq!(time, right, "seed {seed}: {from:?} to {to:?}");
                compared += 1;
            }
        }
    }
    assert!(compared > 30_000, "only {compared} pairs were in the networks");
}

#[test]
fn restrictions_over_ways_equal_the_reference() {
    let (mut compared, mut rules, mut distinguished, mut kept_over_ways) = (0, 0, 0, 0);
    for seed in 100..140 {
        let random = &mut Pcg64Mcg::seed_from_u64(seed);
        let mut town = Town::random(true, random);
        (0..random.random_range(1..15)).for_each(|id| town.add_restriction_over_ways(7000 + id, random));
        let imported = town.osm.shuffled(seed).import();
        kept_over_ways += imported.report.restrictions.kept_over_ways;
        let network = imported.network;
        let reference = TurnReference::new(&pbf::write(&town.osm.objects, BlockCompression::Zlib), &network);
        (rules, distinguished) = (rules + reference.rules, distinguished + reference.distinguished());
        for from in reference.directions() {
            let begun = reference.begun_ms(&[(from, 1.0)]);
            let starts = network.arcs_of(DirectedSegment::from_number(from)).iter();
            let starts: Vec<_> =
                starts.map(|arc| times_from(&network, network.head()[*arc as usize])).collect();
            for to in reference.directions() {
                let tails =
                    network.arcs_of(DirectedSegment::from_number(to)).iter().map(|arc| tail(&network, *arc));
                let over = tails.flat_map(|tail| starts.iter().filter_map(move |times| times[tail as usize]));
                assert_eq!(over.min(), begun.get(&to).copied(), "seed {seed}: {from} to {to}");
                compared += 1;
            }
        }
    }
    println!(
        "{compared} pairs, {rules} rules, {kept_over_ways} restrictions over ways, {distinguished} states more"
    );
    assert!(compared > 60_000 && kept_over_ways > 100 && distinguished > 100);
}
