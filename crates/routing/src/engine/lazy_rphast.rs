//! From one place to others that are named one after the other, each ancestor of them computed once.
//!
//! Strasser, Zeitz, "A Fast and Tight Heuristic for A* in Road Networks" (SEA 2021): lazy RPHAST. The
//! same with up and down exchanged gives the times from the others to the one.

use super::UNREACHABLE_MS;
use super::elimination_tree::EliminationTreeWalk;
use super::phantom_node::Access;
use super::search_arcs::SearchArcs;

/// The memory of a search from one place.
#[derive(Debug)]
pub(super) struct LazyRphast {
    /// By rank: before a node is final the time of the fastest way that only climbs.
    time_ms: Vec<u32>,
    is_final: Vec<bool>,
    tree_walk: EliminationTreeWalk,
    /// What was visited from the one place, and what was made final since.
    touched: Vec<u32>,
    stack: Vec<u32>,
}

impl LazyRphast {
    /// Memory for a network of this many nodes.
    pub(super) fn new(nodes: usize) -> LazyRphast {
        LazyRphast {
            time_ms: vec![UNREACHABLE_MS; nodes],
            is_final: vec![false; nodes],
            tree_walk: EliminationTreeWalk::default(),
            touched: Vec::new(),
            stack: Vec::new(),
        }
    }

    /// A new place: climbs from it.
    pub(super) fn start(&mut self, parent: &[u32], up: &SearchArcs, from: impl Iterator<Item = Access>) {
        self.clear();
        for access in from {
            let time_ms = &mut self.time_ms[access.node as usize];
            *time_ms = access.time_ms.min(*time_ms);
            self.tree_walk.add(access.node);
        }
        while let Some(node) = self.tree_walk.next(parent) {
            self.touched.push(node);
            let node_ms = self.time_ms[node as usize];
            if node_ms < UNREACHABLE_MS {
                for link in up.of(node) {
                    let time_ms = &mut self.time_ms[link.high as usize];
                    *time_ms = (node_ms + link.time_ms).min(*time_ms);
                }
            }
        }
    }

    /// The time from the place to a node; [`UNREACHABLE_MS`] when there is no way.
    pub(super) fn time_ms(&mut self, parent: &[u32], down: &SearchArcs, node: u32) -> u32 {
        let mut above = node;
        // A root has no parent, whose number no node has.
        while self.is_final.get(above as usize) == Some(&false) {
            self.stack.push(above);
            above = parent[above as usize];
        }
        while let Some(node) = self.stack.pop() {
            let over = down.of(node).iter().map(|link| self.time_ms[link.high as usize] + link.time_ms);
            let time_ms = over.fold(self.time_ms[node as usize], u32::min);
            self.time_ms[node as usize] = time_ms;
            self.is_final[node as usize] = true;
            self.touched.push(node);
        }
        self.time_ms[node as usize]
    }

    /// The time to the nearest of some accesses, what they add included.
    pub(super) fn nearest_ms(
        &mut self,
        parent: &[u32],
        down: &SearchArcs,
        to: impl Iterator<Item = Access>,
    ) -> u32 {
        let times = to.map(|access| self.time_ms(parent, down, access.node) + access.time_ms);
        times.fold(UNREACHABLE_MS, u32::min)
    }

    fn clear(&mut self) {
        for node in self.touched.drain(..) {
            self.time_ms[node as usize] = UNREACHABLE_MS;
            self.is_final[node as usize] = false;
        }
    }
}
