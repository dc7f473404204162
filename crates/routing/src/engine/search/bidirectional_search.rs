//! One to one: both ends walk up the elimination tree; the cheapest common node is the top of a shortest route.
//!
//! This is the elimination tree query of Dibbelt, Strasser, Wagner 2016. Both sides share one walk, so each node is
//! visited once. A node whose time on a side is not below the best total so far is not relaxed on that side.

use crate::engine::hierarchy::customize::Metric;
use crate::engine::hierarchy::elimination_tree::EliminationTreeWalk;
use crate::engine::hierarchy::search_arcs::SearchArcs;
use crate::engine::hierarchy::{Hierarchy, NONE};
use crate::engine::phantom_node::Access;
use crate::engine::streets::UNREACHABLE_MS;

/// One side of the search, by rank: the time to each visited node, and the search arc that gave this time.
#[derive(Debug)]
pub(in crate::engine) struct SearchSide {
    time_ms: Vec<u32>,
    search_arc: Vec<u32>,
}

/// The reusable memory of a search.
#[derive(Debug)]
pub(in crate::engine) struct BidirectionalSearch {
    forward: SearchSide,
    backward: SearchSide,
    tree_walk: EliminationTreeWalk,
    visited: Vec<u32>,
}

/// The node where the two sides of a shortest route meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) struct MeetingNode {
    /// The rank of the node. No node of the route has a higher rank.
    pub(in crate::engine) node: u32,
    /// The time of the whole route in milliseconds.
    pub(in crate::engine) time_ms: u32,
}

impl SearchSide {
    fn new(nodes: usize) -> SearchSide {
        SearchSide { time_ms: vec![UNREACHABLE_MS; nodes], search_arc: vec![NONE; nodes] }
    }

    fn start(&mut self, access: Access) {
        let time_ms = &mut self.time_ms[access.node as usize];
        *time_ms = access.time_ms.min(*time_ms);
    }

    #[inline]
    fn relax(&mut self, node: u32, node_ms: u32, arcs: &SearchArcs) {
        for (index, arc) in arcs.of(node).iter().enumerate() {
            let time_ms = node_ms + arc.time_ms;
            if time_ms < self.time_ms[arc.high as usize] {
                self.time_ms[arc.high as usize] = time_ms;
                // An index within one row is smaller than the number of arcs, which has 32 bits.
                self.search_arc[arc.high as usize] = arcs.first(node) + index as u32;
            }
        }
    }

    fn clear(&mut self, node: u32) {
        self.time_ms[node as usize] = UNREACHABLE_MS;
        self.search_arc[node as usize] = NONE;
    }

    /// The arcs of the hierarchy from a node down to the node where this side started, and that start node.
    pub(in crate::engine) fn trace(
        &self,
        mut node: u32,
        search_arcs: &SearchArcs,
        hierarchy: &Hierarchy,
    ) -> (Vec<u32>, u32) {
        let mut arcs = Vec::new();
        while self.search_arc[node as usize] != NONE {
            let arc = search_arcs.arc(self.search_arc[node as usize]);
            arcs.push(arc);
            node = hierarchy.low[arc as usize];
        }
        (arcs, node)
    }
}

impl BidirectionalSearch {
    /// Allocates memory for a network of this many nodes.
    pub(in crate::engine) fn new(nodes: usize) -> BidirectionalSearch {
        BidirectionalSearch {
            forward: SearchSide::new(nodes),
            backward: SearchSide::new(nodes),
            tree_walk: EliminationTreeWalk::default(),
            visited: Vec::new(),
        }
    }

    /// The forward and the backward side of the last search.
    pub(in crate::engine) fn sides(&self) -> (&SearchSide, &SearchSide) {
        (&self.forward, &self.backward)
    }

    /// The shortest route that passes at least one node.
    pub(in crate::engine) fn search(
        &mut self,
        hierarchy: &Hierarchy,
        metric: &Metric,
        from: impl Iterator<Item = Access>,
        to: impl Iterator<Item = Access>,
    ) -> Option<MeetingNode> {
        self.clear();
        from.for_each(|access| {
            self.forward.start(access);
            self.tree_walk.add(access.node);
        });
        to.for_each(|access| {
            self.backward.start(access);
            self.tree_walk.add(access.node);
        });
        let mut best = MeetingNode { node: NONE, time_ms: UNREACHABLE_MS };
        // The walk visits every ancestor of both ends in ascending rank. All arcs of a hierarchy lead to ancestors, so
        // a node's times are final when the walk reaches it.
        while let Some(node) = self.tree_walk.next(&hierarchy.parent) {
            self.visited.push(node);
            let forward_ms = self.forward.time_ms[node as usize];
            let backward_ms = self.backward.time_ms[node as usize];
            // Neither is above UNREACHABLE_MS, so the sum stays below 2^31.
            if forward_ms + backward_ms < best.time_ms {
                best = MeetingNode { node, time_ms: forward_ms + backward_ms };
            }
            // A route over a node that is already as far as the best total cannot be shorter.
            if forward_ms < best.time_ms {
                self.forward.relax(node, forward_ms, &metric.up);
            }
            if backward_ms < best.time_ms {
                self.backward.relax(node, backward_ms, &metric.down);
            }
        }
        (best.node != NONE).then_some(best)
    }

    /// Resets the nodes that the last search visited. It wrote to no other node: an arc leads to an ancestor, and the
    /// walk visits all ancestors.
    fn clear(&mut self) {
        for node in self.visited.drain(..) {
            self.forward.clear(node);
            self.backward.clear(node);
        }
    }
}
