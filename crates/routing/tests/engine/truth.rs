//! The reference: plain Dijkstra over a copy of the graph whose arcs are cut at the places.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use kerb_routing::engine::{PhantomNode, UNREACHABLE_MS};

use crate::town::Town;

/// A town with two extra nodes for every place: one for departures, one for arrivals.
pub(crate) struct Cut {
    arcs: Vec<Vec<(usize, u64)>>,
    town_nodes: usize,
    places: usize,
}

impl Cut {
    /// Cuts the arcs of a town at the places, rounded down to whole milliseconds of these times.
    pub(crate) fn new(town: &Town, time_ms: &[u32], places: &[Vec<PhantomNode>]) -> Cut {
        let town_nodes = town.nodes.len();
        let mut cut =
            Cut { arcs: vec![Vec::new(); town_nodes + 2 * places.len()], town_nodes, places: places.len() };
        let mut on_arc: Vec<Vec<(u32, usize)>> = vec![Vec::new(); town.head.len()];
        for (place, ends) in places.iter().enumerate() {
            for end in ends {
                let position_ms = (f64::from(time_ms[end.arc as usize]) * end.fraction) as u32;
                on_arc[end.arc as usize].push((position_ms, place));
            }
        }
        let tails = town.tails();
        for (arc, mut points) in on_arc.into_iter().enumerate() {
            if time_ms[arc] < UNREACHABLE_MS {
                points.sort_unstable();
                cut.add(tails[arc] as usize, town.head[arc] as usize, time_ms[arc], &points);
            }
        }
        cut
    }

    /// Adds an arc in pieces that are joined at its places.
    fn add(&mut self, tail: usize, head: usize, time_ms: u32, points: &[(u32, usize)]) {
        let (mut node, mut node_ms) = (tail, 0);
        for group in points.chunk_by(|a, b| a.0 == b.0) {
            let joint = self.arcs.len();
            self.arcs.push(Vec::new());
            self.arcs[node].push((joint, u64::from(group[0].0 - node_ms)));
            (node, node_ms) = (joint, group[0].0);
            for &(_, place) in group {
                let (leave, arrive) = (self.leave(place), self.arrive(place));
                self.arcs[leave].push((joint, 0));
                self.arcs[joint].push((arrive, 0));
            }
        }
        self.arcs[node].push((head, u64::from(time_ms - node_ms)));
    }

    fn leave(&self, place: usize) -> usize {
        self.town_nodes + place
    }

    fn arrive(&self, place: usize) -> usize {
        self.town_nodes + self.places + place
    }

    /// The times from a place to every node of the town.
    pub(crate) fn to_nodes(&self, place: usize) -> Vec<u32> {
        let all = dijkstra(&self.arcs, self.leave(place));
        all[..self.town_nodes].to_vec()
    }

    /// The times from a place to all places.
    pub(crate) fn to_places(&self, place: usize) -> Vec<u32> {
        let all = dijkstra(&self.arcs, self.leave(place));
        (0..self.places).map(|place| all[self.arrive(place)]).collect()
    }

    /// The times between all places.
    pub(crate) fn table(&self) -> Vec<Vec<u32>> {
        (0..self.places).map(|place| self.to_places(place)).collect()
    }
}

/// The times from a node to all others; [`UNREACHABLE_MS`] for nodes that are not reached before it.
fn dijkstra(arcs: &[Vec<(usize, u64)>], start: usize) -> Vec<u32> {
    let mut times = vec![u64::MAX; arcs.len()];
    times[start] = 0;
    let mut queue = BinaryHeap::from([Reverse((0, start))]);
    while let Some(Reverse((time, node))) = queue.pop() {
        if time > times[node] {
            continue;
        }
        for &(head, arc_ms) in &arcs[node] {
            if time + arc_ms < times[head] {
                times[head] = time + arc_ms;
                queue.push(Reverse((time + arc_ms, head)));
            }
        }
    }
    times.into_iter().map(|time| time.min(u64::from(UNREACHABLE_MS)) as u32).collect()
}
