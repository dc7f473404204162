//! One to many, where the many are named one after the other: lazy RPHAST.
//!
//! Strasser, Zeitz, "A Fast and Tight Heuristic for A* in Road Networks" (SEA 2021). A node's time is the minimum over
//! its own upward time and its higher neighbors' times plus an arc down, so each ancestor is computed once and kept.
//! With up and down exchanged the same search gives the times from the many to the one.

use crate::engine::hierarchy::elimination_tree::EliminationTreeWalk;
use crate::engine::hierarchy::search_arcs::SearchArcs;
use crate::engine::phantom_node::Access;
use crate::engine::streets::UNREACHABLE_MS;

/// The reusable memory of a search from one start.
#[derive(Debug)]
pub(in crate::engine) struct LazyRphast {
    /// By rank. Until a node is final, the time of the fastest path to it that only uses upward arcs.
    time_ms: Vec<u32>,
    is_final: Vec<bool>,
    tree_walk: EliminationTreeWalk,
    /// The nodes whose entries the next `start` must reset: those of the upward walk and those made final since.
    touched: Vec<u32>,
    stack: Vec<u32>,
}

impl LazyRphast {
    /// Allocates memory for a network of this many nodes.
    pub(in crate::engine) fn new(nodes: usize) -> LazyRphast {
        LazyRphast {
            time_ms: vec![UNREACHABLE_MS; nodes],
            is_final: vec![false; nodes],
            tree_walk: EliminationTreeWalk::default(),
            touched: Vec::new(),
            stack: Vec::new(),
        }
    }

    /// Starts a search: walks up the elimination tree from the accesses of its start.
    pub(in crate::engine) fn start(
        &mut self,
        parent: &[u32],
        up: &SearchArcs,
        from: impl Iterator<Item = Access>,
    ) {
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
                for arc in up.of(node) {
                    let time_ms = &mut self.time_ms[arc.high as usize];
                    *time_ms = (node_ms + arc.time_ms).min(*time_ms);
                }
            }
        }
    }

    /// The time from the start to a node; [`UNREACHABLE_MS`] or more when there is no route.
    pub(in crate::engine) fn time_ms(&mut self, parent: &[u32], down: &SearchArcs, node: u32) -> u32 {
        let mut above = node;
        // The parent of a root is NONE, which is no index: `get` ends the loop there. Ancestors of a final node are
        // final.
        while self.is_final.get(above as usize) == Some(&false) {
            self.stack.push(above);
            above = parent[above as usize];
        }
        // From high to low: all higher neighbors of a node are its ancestors, so they are final before it.
        while let Some(node) = self.stack.pop() {
            let over = down.of(node).iter().map(|arc| self.time_ms[arc.high as usize] + arc.time_ms);
            let time_ms = over.fold(self.time_ms[node as usize], u32::min);
            self.time_ms[node as usize] = time_ms;
            self.is_final[node as usize] = true;
            self.touched.push(node);
        }
        self.time_ms[node as usize]
    }

    /// The smallest time to an access, including the access's own time; at most [`UNREACHABLE_MS`].
    pub(in crate::engine) fn nearest_ms(
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
