//! From one place to another: both climb the elimination tree, and the best place to meet is the answer.
//!
//! Dibbelt, Strasser, Wagner 2016, the query by elimination tree. What is already farther than the best meeting found is not followed.

use super::UNREACHABLE_MS;
use super::customize::Metric;
use super::elimination_tree::EliminationTreeWalk;
use super::hierarchy::{Hierarchy, NONE};
use super::phantom_node::Access;
use super::search_arcs::SearchArcs;

/// One side of the search: distances to what was visited, and over which link.
#[derive(Debug)]
pub(super) struct SearchSide {
    time_ms: Vec<u32>,
    link: Vec<u32>,
}

/// The memory of a search.
#[derive(Debug)]
pub(super) struct BidirectionalSearch {
    forward: SearchSide,
    backward: SearchSide,
    tree_walk: EliminationTreeWalk,
    visited: Vec<u32>,
}

/// Where the two sides of a shortest way meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Meeting {
    /// The highest node of the way.
    pub(super) node: u32,
    /// The time of the whole way.
    pub(super) time_ms: u32,
}

impl SearchSide {
    fn new(nodes: usize) -> SearchSide {
        SearchSide { time_ms: vec![UNREACHABLE_MS; nodes], link: vec![NONE; nodes] }
    }

    fn start(&mut self, access: Access) {
        let time_ms = &mut self.time_ms[access.node as usize];
        *time_ms = access.time_ms.min(*time_ms);
    }

    #[inline]
    fn relax(&mut self, node: u32, node_ms: u32, links: &SearchArcs) {
        for (index, link) in links.of(node).iter().enumerate() {
            let time_ms = node_ms + link.time_ms;
            if time_ms < self.time_ms[link.high as usize] {
                self.time_ms[link.high as usize] = time_ms;
                self.link[link.high as usize] = links.first(node) + index as u32;
            }
        }
    }

    fn clear(&mut self, node: u32) {
        self.time_ms[node as usize] = UNREACHABLE_MS;
        self.link[node as usize] = NONE;
    }

    /// The arcs of the hierarchy from a node down to where this side began, and the node there.
    pub(super) fn trace(&self, mut node: u32, links: &SearchArcs, hierarchy: &Hierarchy) -> (Vec<u32>, u32) {
        let mut arcs = Vec::new();
        while self.link[node as usize] != NONE {
            let arc = links.arc(self.link[node as usize]);
            arcs.push(arc);
            node = hierarchy.low[arc as usize];
        }
        (arcs, node)
    }
}

impl BidirectionalSearch {
    /// Memory for a network of this many nodes.
    pub(super) fn new(nodes: usize) -> BidirectionalSearch {
        let visited = Vec::new();
        BidirectionalSearch {
            forward: SearchSide::new(nodes),
            backward: SearchSide::new(nodes),
            tree_walk: EliminationTreeWalk::default(),
            visited,
        }
    }

    /// The sides of the last search: from where it starts, and to where it goes.
    pub(super) fn sides(&self) -> (&SearchSide, &SearchSide) {
        (&self.forward, &self.backward)
    }

    /// The shortest way over at least one node.
    pub(super) fn search(
        &mut self,
        hierarchy: &Hierarchy,
        metric: &Metric,
        from: impl Iterator<Item = Access>,
        to: impl Iterator<Item = Access>,
    ) -> Option<Meeting> {
        self.clear();
        from.for_each(|access| {
            self.forward.start(access);
            self.tree_walk.add(access.node);
        });
        to.for_each(|access| {
            self.backward.start(access);
            self.tree_walk.add(access.node);
        });
        let mut best = Meeting { node: NONE, time_ms: UNREACHABLE_MS };
        while let Some(node) = self.tree_walk.next(&hierarchy.parent) {
            self.visited.push(node);
            let there_ms = self.forward.time_ms[node as usize];
            let back_ms = self.backward.time_ms[node as usize];
            if there_ms + back_ms < best.time_ms {
                best = Meeting { node, time_ms: there_ms + back_ms };
            }
            if there_ms < best.time_ms {
                self.forward.relax(node, there_ms, &metric.up);
            }
            if back_ms < best.time_ms {
                self.backward.relax(node, back_ms, &metric.down);
            }
        }
        (best.node != NONE).then_some(best)
    }

    /// Cleans what the last search touched: it reaches only what it visited.
    fn clear(&mut self) {
        for node in self.visited.drain(..) {
            self.forward.clear(node);
            self.backward.clear(node);
        }
    }
}
