//! The part of the hierarchy that depends on the streets alone: an order of the nodes and the arcs that it calls for.
//!
//! Inside the engine a node's number is its rank: its place in the order, so what is more important has the larger
//! number. Contracting the nodes in order adds an arc between any two neighbors of a node that are still there; what
//! results is chordal: the higher neighbors of a node are neighbors of each other. All of them are ancestors of the
//! node in the elimination tree, in which a node's parent is its lowest higher neighbor.

use kerb_geometry::{LatLng, distance_m};

use super::streets::{ARCS_MAX, Streets, StreetsError, check_order, tails};

/// No node, no slot.
pub(super) const NONE: u32 = u32::MAX;

/// Order, arcs of the hierarchy, and where the arcs of the streets are in it.
#[derive(Debug)]
pub(super) struct Hierarchy {
    /// The node of each rank.
    pub(super) order: Vec<u32>,
    /// The parent in the elimination tree, by rank; [`NONE`] at a root.
    pub(super) parent: Vec<u32>,
    /// Where the upward arcs of each rank begin.
    pub(super) first: Vec<u32>,
    /// The higher end of each arc, ascending within a row.
    pub(super) high: Vec<u32>,
    /// The lower end of each arc.
    pub(super) low: Vec<u32>,
    /// For each arc of the streets twice its arc in the hierarchy, and one more when it leads downward. [`NONE`] for a
    /// loop, which no shortest way takes.
    pub(super) slot: Vec<u32>,
    /// Where the streets' arcs of each slot begin in `slot_arcs`.
    first_slot: Vec<u32>,
    /// Arcs of the streets by slot.
    slot_arcs: Vec<u32>,
    /// From which rank to which each arc of the streets leads.
    pub(super) arcs: Vec<[u32; 2]>,
    /// How far apart in meters two points of each of the streets' arcs may be: its length, or the straight line
    /// between its ends where that is more.
    pub(super) span_m: Vec<f32>,
}

impl Hierarchy {
    /// The [`order`] of streets.
    pub(super) fn order_of(streets: &Streets<'_>) -> Result<Vec<u32>, StreetsError> {
        streets.check()?;
        Ok(order(streets.nodes, streets.first_out, streets.head))
    }

    /// The hierarchy of this order. The streets must be those that the order was made for to be fast; any order that
    /// names every node once is right.
    pub(super) fn new(streets: &Streets<'_>, order: &[u32]) -> Result<Hierarchy, StreetsError> {
        streets.check()?;
        check_order(order, streets.nodes.len())?;
        let graph = cch::graph::Graph {
            first_out: streets.first_out.to_vec(),
            head: streets.head.to_vec(),
            weight: Vec::new(),
        };
        let cch = cch::Cch::build(&graph, order);
        // Twice the number of an arc, and one more, is a slot.
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

    /// How many nodes there are.
    pub(super) fn nodes(&self) -> usize {
        self.order.len()
    }

    /// The upward arcs of a rank.
    pub(super) fn row(&self, rank: usize) -> std::ops::Range<usize> {
        self.first[rank] as usize..self.first[rank + 1] as usize
    }

    /// The arc between two neighbors.
    pub(super) fn arc(&self, low: u32, high: u32) -> u32 {
        let row = self.row(low as usize);
        let place = self.high[row.clone()].binary_search(&high).expect("they are neighbors");
        (row.start + place) as u32
    }

    /// The streets' arcs of a slot.
    pub(super) fn street_arcs(&self, slot: usize) -> &[u32] {
        &self.slot_arcs[self.first_slot[slot] as usize..self.first_slot[slot + 1] as usize]
    }

    /// Calls with the three arcs of every triangle whose lowest corner is this rank: from it to the middle corner, from
    /// it to the highest, and from the middle to the highest.
    #[inline]
    pub(super) fn triangles_above(&self, rank: usize, mut call: impl FnMut(usize, usize, usize)) {
        let row = self.row(rank);
        for to_middle in row.clone() {
            let mut between = self.first[self.high[to_middle] as usize] as usize;
            for to_highest in to_middle + 1..row.end {
                // All higher neighbors of this rank are neighbors of each other, and rows are sorted.
                while self.high[between] != self.high[to_highest] {
                    between += 1;
                }
                call(to_middle, to_highest, between);
            }
        }
    }
}

/// An order by nested dissection: halves of the map come before what separates them.
pub(crate) fn order(nodes: &[LatLng], first_out: &[u32], head: &[u32]) -> Vec<u32> {
    let (lat, lon): (Vec<f32>, Vec<f32>) =
        nodes.iter().map(|node| (node.lat_deg() as f32, node.lon_deg() as f32)).unzip();
    cch::inertial_order(nodes.len() as u32, &tails(first_out), head, &lat, &lon)
}

fn slots(arcs: &[[u32; 2]], arc_in_hierarchy: &[u32]) -> Vec<u32> {
    let slot = |(&[tail, head], &arc): (&[u32; 2], &u32)| {
        if tail == head { NONE } else { 2 * arc + u32::from(tail > head) }
    };
    arcs.iter().zip(arc_in_hierarchy).map(slot).collect()
}

/// The streets' arcs in the order of their slots: where each slot begins, and the arcs.
fn by_slot(slot: &[u32], slots: usize) -> (Vec<u32>, Vec<u32>) {
    let mut first = vec![0; slots + 1];
    for &slot in slot.iter().filter(|slot| **slot != NONE) {
        first[slot as usize + 1] += 1;
    }
    for index in 0..slots {
        first[index + 1] += first[index];
    }
    let mut arcs: Vec<u32> = (0..slot.len() as u32).filter(|arc| slot[*arc as usize] != NONE).collect();
    arcs.sort_by_key(|arc| slot[*arc as usize]);
    (first, arcs)
}

fn spans_m(streets: &Streets<'_>, tails: &[u32]) -> Vec<f32> {
    let ends = tails.iter().zip(streets.head).zip(streets.length_m);
    ends.map(|((tail, head), length_m)| {
        let straight_m = distance_m(streets.nodes[*tail as usize], streets.nodes[*head as usize]);
        // The half of a float's last digit that rounding may take is given back.
        length_m.max((straight_m * (1.0 + f64::from(f32::EPSILON))) as f32)
    })
    .collect()
}
