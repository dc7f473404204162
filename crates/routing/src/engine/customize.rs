//! New times for all arcs: through the hierarchy, and into the rows that searches read.
//!
//! Two passes over the triangles of the hierarchy (Dibbelt, Strasser, Wagner 2016, basic and perfect customization).
//! Upward, every
//! arc gets the time of the fastest way between its ends over nodes lower than both. Downward, that is compared with
//! the fastest way of all: an arc that is slower than it is on no shortest way, and half of them are.

use super::UNREACHABLE_MS;
use super::hierarchy::{Hierarchy, NONE};
use super::search_arcs::SearchArcs;

/// The hierarchy with times.
#[derive(Debug)]
pub(super) struct Metric {
    /// The time along each arc of the streets, at most [`UNREACHABLE_MS`].
    pub(super) time_ms: Vec<u32>,
    /// What each arc of the hierarchy stands for, upward and downward: [`NONE`] for an arc of the streets, else the way
    /// over a lower node, named by the arc from that node to the arc's lower end.
    pub(super) unpack_via: Vec<[u32; 2]>,
    /// The time along each arc of the hierarchy over lower nodes: upward and downward.
    pub(super) over_lower_ms: Vec<[u32; 2]>,
    /// For each rank the arcs to higher ranks.
    pub(super) up: SearchArcs,
    /// For each rank the arcs that come down to it.
    pub(super) down: SearchArcs,
    /// No two points on streets are farther apart than this speed goes in the time between them; infinite when an arc
    /// of some length takes no time.
    pub(super) speed_max_m_s: f64,
}

impl Metric {
    /// Puts times through the hierarchy. There is one for each arc of the streets.
    pub(super) fn new(hierarchy: &Hierarchy, time_ms: &[u32]) -> Metric {
        let time_ms: Vec<u32> = time_ms.iter().map(|time_ms| (*time_ms).min(UNREACHABLE_MS)).collect();
        let mut over_lower_ms = of_streets(hierarchy, &time_ms);
        let unpack_via = relax_upward(hierarchy, &mut over_lower_ms);
        let mut shortest_ms = over_lower_ms.clone();
        relax_downward(hierarchy, &mut shortest_ms);
        let [up, down] = [0, 1].map(|direction| links(hierarchy, &over_lower_ms, &shortest_ms, direction));
        let speed_max_m_s = speed_max_m_s(&hierarchy.span_m, &time_ms);
        Metric { time_ms, unpack_via, over_lower_ms, up, down, speed_max_m_s }
    }
}

/// The times of the streets' own arcs, the fastest of parallel ones.
fn of_streets(hierarchy: &Hierarchy, time_ms: &[u32]) -> Vec<[u32; 2]> {
    let mut arcs = vec![[UNREACHABLE_MS; 2]; hierarchy.high.len()];
    for (slot, time_ms) in hierarchy.slot.iter().zip(time_ms).filter(|(slot, _)| **slot != NONE) {
        lower(&mut arcs[(slot / 2) as usize][(slot % 2) as usize], *time_ms);
    }
    arcs
}

/// The side between the upper corners of each triangle may be the way over the lowest. All that is below the lowest
/// corner is final when its turn comes. Gives what each arc stands for.
fn relax_upward(hierarchy: &Hierarchy, arcs: &mut [[u32; 2]]) -> Vec<[u32; 2]> {
    let mut unpack_via = vec![[NONE; 2]; arcs.len()];
    for rank in 0..hierarchy.nodes() {
        hierarchy.triangles_above(rank, |to_middle, to_highest, between| {
            let ([up_middle, down_middle], [up_highest, down_highest]) = (arcs[to_middle], arcs[to_highest]);
            let [up, down] = &mut arcs[between];
            if down_middle + up_highest < *up {
                *up = down_middle + up_highest;
                unpack_via[between][0] = to_middle as u32;
            }
            if down_highest + up_middle < *down {
                *down = down_highest + up_middle;
                unpack_via[between][1] = to_middle as u32;
            }
        });
    }
    unpack_via
}

/// The sides at the lowest corner of each triangle may be a way over another corner. All that is above the lowest
/// corner is final when its turn comes: the shortest way from it leaves it by an arc over lower nodes, and goes on
/// between two of its higher neighbors, who are neighbors of each other.
fn relax_downward(hierarchy: &Hierarchy, arcs: &mut [[u32; 2]]) {
    for rank in (0..hierarchy.nodes()).rev() {
        hierarchy.triangles_above(rank, |to_middle, to_highest, between| {
            let [up, down] = arcs[between];
            let ([mut up_middle, mut down_middle], [mut up_highest, mut down_highest]) =
                (arcs[to_middle], arcs[to_highest]);
            lower(&mut up_highest, up_middle + up);
            lower(&mut up_middle, up_highest + down);
            lower(&mut down_highest, down + down_middle);
            lower(&mut down_middle, up + down_highest);
            arcs[to_middle] = [up_middle, down_middle];
            arcs[to_highest] = [up_highest, down_highest];
        });
    }
}

/// The arcs of one direction that are as fast as the fastest way. Every shortest way from node to node can be gone
/// over them, up and then down: were an arc on it slower than the fastest way, so were the whole.
fn links(
    hierarchy: &Hierarchy,
    over_lower_ms: &[[u32; 2]],
    shortest_ms: &[[u32; 2]],
    direction: usize,
) -> SearchArcs {
    // About half are.
    let mut links = SearchArcs::with_capacity(hierarchy.nodes(), over_lower_ms.len() / 2);
    for rank in 0..hierarchy.nodes() {
        for arc in hierarchy.row(rank) {
            let time_ms = over_lower_ms[arc][direction];
            if time_ms < UNREACHABLE_MS && time_ms == shortest_ms[arc][direction] {
                links.push(hierarchy.high[arc], time_ms, arc as u32);
            }
        }
        links.end_row();
    }
    links
}

fn speed_max_m_s(span_m: &[f32], time_ms: &[u32]) -> f64 {
    let arcs = span_m.iter().zip(time_ms).filter(|(span_m, _)| **span_m > 0.0);
    // A speed over no time is infinite, as it should be.
    arcs.map(|(span_m, time_ms)| f64::from(*span_m) * 1e3 / f64::from(*time_ms)).fold(0.0, f64::max)
}

fn lower(value: &mut u32, other: u32) {
    *value = (*value).min(other);
}
