//! Customization: assigns times to all arcs of the hierarchy and collects the arcs that searches read.
//!
//! Dibbelt, Strasser, Wagner 2016 describe both passes over the lower triangles of the hierarchy. Basic customization
//! (upward) gives every arc the time of the fastest path between its ends whose inner nodes are all lower than both.
//! Perfect customization (downward) computes the fastest path over any nodes. An arc that is slower than this path is
//! on no shortest route; the searches skip it. That is about half of all arcs.

use crate::engine::hierarchy::search_arcs::SearchArcs;
use crate::engine::hierarchy::{Hierarchy, NONE};
use crate::engine::streets::UNREACHABLE_MS;

/// One set of times: for the arcs of the streets and for those of the hierarchy.
#[derive(Debug)]
pub(in crate::engine) struct Metric {
    /// The time along each arc of the streets, at most [`UNREACHABLE_MS`].
    pub(in crate::engine) time_ms: Vec<u32>,
    /// How to unpack each arc of the hierarchy, upward and downward: [`NONE`] for an arc of the streets, else the two
    /// arcs over a lower node. The entry is the number of the arc from that node to the unpacked arc's lower end.
    pub(in crate::engine) unpack_via: Vec<[u32; 2]>,
    /// The time along each arc of the hierarchy after basic customization: upward and downward.
    pub(in crate::engine) over_lower_ms: Vec<[u32; 2]>,
    /// For each rank its arcs to higher ranks.
    pub(in crate::engine) up: SearchArcs,
    /// For each rank its arcs from higher ranks.
    pub(in crate::engine) down: SearchArcs,
    /// An upper bound of the straight-line distance between any two points on streets over the travel time between
    /// them. Infinite when an arc with a length takes no time.
    pub(in crate::engine) speed_max_m_s: f64,
}

impl Metric {
    /// Customizes the hierarchy. `time_ms` has one entry for each arc of the streets.
    pub(in crate::engine) fn new(hierarchy: &Hierarchy, time_ms: &[u32]) -> Metric {
        let time_ms: Vec<u32> = time_ms.iter().map(|time_ms| (*time_ms).min(UNREACHABLE_MS)).collect();
        let mut over_lower_ms = street_arc_times(hierarchy, &time_ms);
        let unpack_via = relax_upward(hierarchy, &mut over_lower_ms);
        let mut shortest_ms = over_lower_ms.clone();
        relax_downward(hierarchy, &mut shortest_ms);
        let [up, down] =
            [0, 1].map(|direction| search_arcs(hierarchy, &over_lower_ms, &shortest_ms, direction));
        let speed_max_m_s = speed_max_m_s(&hierarchy.span_m, &time_ms);
        Metric { time_ms, unpack_via, over_lower_ms, up, down, speed_max_m_s }
    }
}

/// The hierarchy's times before any triangle is relaxed: those of the streets' own arcs, the fastest of parallel arcs.
fn street_arc_times(hierarchy: &Hierarchy, time_ms: &[u32]) -> Vec<[u32; 2]> {
    let mut arcs = vec![[UNREACHABLE_MS; 2]; hierarchy.high.len()];
    for (slot, time_ms) in hierarchy.slot.iter().zip(time_ms).filter(|(slot, _)| **slot != NONE) {
        lower(&mut arcs[(slot / 2) as usize][(slot % 2) as usize], *time_ms);
    }
    arcs
}

/// Basic customization: relaxes the upper side of each triangle by the path over the triangle's lowest node. Returns
/// how to unpack each arc.
fn relax_upward(hierarchy: &Hierarchy, arcs: &mut [[u32; 2]]) -> Vec<[u32; 2]> {
    let mut unpack_via = vec![[NONE; 2]; arcs.len()];
    // Ascending: all triangles that shorten an arc of this rank have a lower rank as their lowest node, so both sides
    // at this rank are final.
    for rank in 0..hierarchy.nodes() {
        hierarchy.triangles_above(rank, |to_middle, to_highest, between| {
            let ([up_middle, down_middle], [up_highest, down_highest]) = (arcs[to_middle], arcs[to_highest]);
            let [up, down] = &mut arcs[between];
            // All times are at most UNREACHABLE_MS, so a sum stays below 2^31. A closed arc makes the sum too large to
            // be below any time.
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

/// Perfect customization: relaxes both lower sides of each triangle by the path over the other two sides.
///
/// A shortest path from a node to a higher neighbor either only has lower inner nodes (basic customization found it),
/// or it first reaches another higher neighbor. Two higher neighbors of a node are neighbors of each other, so the rest
/// of the path is an arc between them.
fn relax_downward(hierarchy: &Hierarchy, arcs: &mut [[u32; 2]]) {
    // Descending: the upper side of a triangle belongs to a higher rank and is final.
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

/// The arcs of one direction that are as fast as the fastest path between their ends. These are enough: an up-down path
/// with a slower arc is not a shortest path.
fn search_arcs(
    hierarchy: &Hierarchy,
    over_lower_ms: &[[u32; 2]],
    shortest_ms: &[[u32; 2]],
    direction: usize,
) -> SearchArcs {
    // Perfect customization keeps about half of the arcs.
    let mut kept = SearchArcs::with_capacity(hierarchy.nodes(), over_lower_ms.len() / 2);
    for rank in 0..hierarchy.nodes() {
        for arc in hierarchy.row(rank) {
            let time_ms = over_lower_ms[arc][direction];
            if time_ms < UNREACHABLE_MS && time_ms == shortest_ms[arc][direction] {
                // Arcs of the hierarchy are at most 2^30.
                kept.push(hierarchy.high[arc], time_ms, arc as u32);
            }
        }
        kept.end_row();
    }
    kept
}

/// The highest quotient of an arc's span and its time.
fn speed_max_m_s(span_m: &[f32], time_ms: &[u32]) -> f64 {
    let arcs = span_m.iter().zip(time_ms).filter(|(span_m, _)| **span_m > 0.0);
    // A division by a time of 0 gives infinity: then no distance bounds a travel time.
    arcs.map(|(span_m, time_ms)| f64::from(*span_m) * 1e3 / f64::from(*time_ms)).fold(0.0, f64::max)
}

fn lower(value: &mut u32, other: u32) {
    *value = (*value).min(other);
}
