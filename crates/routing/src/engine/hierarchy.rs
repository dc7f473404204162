//! The part of the hierarchy that depends on the streets alone: the order of the nodes and the arcs that it adds.
//!
//! Inside the engine a node's number is its rank: its index in the order. More important nodes have higher ranks.
//! Contracting the nodes in this order adds an arc between any two higher neighbors of a node. The result is a chordal
//! graph: the higher neighbors of a node are neighbors of each other. All of them are ancestors of the node in the
//! elimination tree, where a node's parent is its lowest higher neighbor (Dibbelt, Strasser, Wagner 2016).

pub(super) mod customize;
pub(super) mod elimination_tree;
pub(super) mod search_arcs;

use kerb_geometry::{LatLng, distance_m};

use super::streets::{ARCS_MAX, Streets, StreetsError, check_order, tails};

/// Stands for no node, no slot and no arc.
pub(super) const NONE: u32 = u32::MAX;

/// The node order, the arcs of the hierarchy, and the mapping from the streets' arcs to them.
#[derive(Debug)]
pub(super) struct Hierarchy {
    /// The node of each rank.
    pub(super) order: Vec<u32>,
    /// The parent in the elimination tree, by rank; [`NONE`] at a root.
    pub(super) parent: Vec<u32>,
    /// The first upward arc of each rank, and one final entry with the number of arcs.
    pub(super) first: Vec<u32>,
    /// The higher end of each arc, ascending within a row.
    pub(super) high: Vec<u32>,
    /// The lower end of each arc.
    pub(super) low: Vec<u32>,
    /// The slot of each arc of the streets: twice the number of its arc in the hierarchy, plus 1 when it leads
    /// downward. [`NONE`] for a loop, which no shortest route takes.
    pub(super) slot: Vec<u32>,
    /// The index in `slot_arcs` where each slot's arcs start.
    first_slot: Vec<u32>,
    /// Arcs of the streets, sorted by slot.
    slot_arcs: Vec<u32>,
    /// The ranks of each street arc's tail and head.
    pub(super) arcs: Vec<[u32; 2]>,
    /// The largest distance between two points of each street arc, in meters: the arc's length, or the straight line
    /// between its ends where the input names a shorter length.
    pub(super) span_m: Vec<f32>,
}

impl Hierarchy {
    /// Computes the [`nested_dissection_order`] of streets.
    pub(super) fn order_of(streets: &Streets<'_>) -> Result<Vec<u32>, StreetsError> {
        streets.check()?;
        Ok(nested_dissection_order(streets.nodes, streets.first_out, streets.head))
    }

    /// Builds the hierarchy of an order. Any order that names every node once gives correct results; only an order
    /// of the same streets gives fast ones.
    pub(super) fn new(streets: &Streets<'_>, order: &[u32]) -> Result<Hierarchy, StreetsError> {
        streets.check()?;
        check_order(order, streets.nodes.len())?;
        let graph = cch::graph::Graph {
            first_out: streets.first_out.to_vec(),
            head: streets.head.to_vec(),
            weight: Vec::new(),
        };
        let cch = cch::Cch::build(&graph, order);
        // A slot is twice an arc's number plus 1, and must stay below NONE.
        if cch.up_head.len() > ARCS_MAX {
            return Err(StreetsError::TooMany(cch.up_head.len()));
        }
        let tails = streets.tails();
        let arcs: Vec<[u32; 2]> = tails
            .iter()
            .zip(streets.head)
            .map(|(tail, head)| [cch.rank[*tail as usize], cch.rank[*head as usize]])
            .collect();
        let slot = slots(&arcs, &cch.input_arc_to_cch_arc);
        let (first_slot, slot_arcs) = by_slot(&slot, 2 * cch.up_head.len());
        Ok(Hierarchy {
            order: cch.order,
            parent: cch.elimination_tree_parent,
            first: cch.up_first_out,
            high: cch.up_head,
            low: cch.up_tail,
            slot,
            first_slot,
            slot_arcs,
            arcs,
            span_m: spans_m(streets, &tails),
        })
    }

    /// The number of nodes.
    pub(super) fn nodes(&self) -> usize {
        self.order.len()
    }

    /// The upward arcs of a rank.
    pub(super) fn row(&self, rank: usize) -> std::ops::Range<usize> {
        self.first[rank] as usize..self.first[rank + 1] as usize
    }

    /// The arc between two neighbors. Panics when there is none.
    pub(super) fn arc(&self, low: u32, high: u32) -> u32 {
        let row = self.row(low as usize);
        let index = self.high[row.clone()].binary_search(&high).expect("they are neighbors");
        // `new` refuses more than 2^30 arcs.
        (row.start + index) as u32
    }

    /// The street arcs of a slot.
    pub(super) fn street_arcs(&self, slot: usize) -> &[u32] {
        &self.slot_arcs[self.first_slot[slot] as usize..self.first_slot[slot + 1] as usize]
    }

    /// Calls `call` with the three arcs of every triangle whose lowest node is this rank: from it to the middle node,
    /// from it to the highest, and from the middle to the highest.
    #[inline]
    pub(super) fn triangles_above(&self, rank: usize, mut call: impl FnMut(usize, usize, usize)) {
        let row = self.row(rank);
        for to_middle in row.clone() {
            let mut between = self.first[self.high[to_middle] as usize] as usize;
            for to_highest in to_middle + 1..row.end {
                // The graph is chordal, so the middle node's row contains the highest node. Both rows are sorted, so
                // one pointer moves through the middle node's row and the loop ends.
                while self.high[between] != self.high[to_highest] {
                    between += 1;
                }
                call(to_middle, to_highest, between);
            }
        }
    }
}

/// A node order by nested dissection: the two halves of the map come before the nodes that separate them. The `cch`
/// crate cuts the map by inertial flow.
pub(crate) fn nested_dissection_order(nodes: &[LatLng], first_out: &[u32], head: &[u32]) -> Vec<u32> {
    // Halving only compares coordinates, so 32 bits are precise enough.
    let (lat, lon): (Vec<f32>, Vec<f32>) =
        nodes.iter().map(|node| (node.lat_deg() as f32, node.lon_deg() as f32)).unzip();
    // Callers pass checked streets, which have at most 2^30 nodes.
    cch::inertial_order(nodes.len() as u32, &tails(first_out), head, &lat, &lon)
}

/// The slot of each arc of the streets.
fn slots(arcs: &[[u32; 2]], arc_in_hierarchy: &[u32]) -> Vec<u32> {
    let slot = |(&[tail, head], &arc): (&[u32; 2], &u32)| {
        if tail == head { NONE } else { 2 * arc + u32::from(tail > head) }
    };
    arcs.iter().zip(arc_in_hierarchy).map(slot).collect()
}

/// Sorts the street arcs by slot. Returns where each slot's arcs start, and the arcs.
fn by_slot(slot: &[u32], slots: usize) -> (Vec<u32>, Vec<u32>) {
    let mut first = vec![0; slots + 1];
    for &slot in slot.iter().filter(|slot| **slot != NONE) {
        first[slot as usize + 1] += 1;
    }
    for index in 0..slots {
        first[index + 1] += first[index];
    }
    // `ARCS_MAX` bounds the number of arcs, so it fits 32 bits.
    let mut arcs: Vec<u32> = (0..slot.len() as u32).filter(|arc| slot[*arc as usize] != NONE).collect();
    arcs.sort_by_key(|arc| slot[*arc as usize]);
    (first, arcs)
}

/// The largest distance between two points of each arc, in meters.
fn spans_m(streets: &Streets<'_>, tails: &[u32]) -> Vec<f32> {
    let ends = tails.iter().zip(streets.head).zip(streets.length_m);
    ends.map(|((tail, head), length_m)| {
        let straight_m = distance_m(streets.nodes[*tail as usize], streets.nodes[*head as usize]);
        // Rounding to 32 bits may lower the value by half a unit in the last place. One EPSILON more makes the result
        // an upper bound again.
        length_m.max((straight_m * (1.0 + f64::from(f32::EPSILON))) as f32)
    })
    .collect()
}
