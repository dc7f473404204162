//! Walks up the elimination tree: the ancestors of some nodes, in ascending rank.
//!
//! In the elimination tree a node's parent is its lowest higher neighbor. All nodes that an upward search can reach are
//! ancestors of its start (Dibbelt, Strasser, Wagner 2016, elimination tree query). Every upward arc leads to a higher
//! rank, so ascending rank is a correct order to relax arcs in, and the search needs no priority queue.

use crate::engine::hierarchy::NONE;

/// Walks up from several nodes at once. Two paths that meet continue as one.
#[derive(Debug, Default)]
pub(in crate::engine) struct EliminationTreeWalk {
    /// The next node of each path. They are few (one for each phantom node), so a linear search is fastest.
    tips: Vec<u32>,
}

impl EliminationTreeWalk {
    /// Adds a start node.
    pub(in crate::engine) fn add(&mut self, node: u32) {
        if !self.tips.contains(&node) {
            self.tips.push(node);
        }
    }

    /// The lowest node that was not visited yet.
    #[inline]
    pub(in crate::engine) fn next(&mut self, parent: &[u32]) -> Option<u32> {
        // The fast case: all paths have met, or there was only one.
        if let [tip] = &mut self.tips[..] {
            let node = *tip;
            *tip = parent[node as usize];
            if *tip == NONE {
                self.tips.clear();
            }
            return Some(node);
        }
        let (index, &node) = self.tips.iter().enumerate().min_by_key(|(_, tip)| **tip)?;
        let up = parent[node as usize];
        // Another path already stands at the parent: this path ends, so that no node is visited twice.
        if up == NONE || self.tips.contains(&up) {
            self.tips.swap_remove(index);
        } else {
            self.tips[index] = up;
        }
        Some(node)
    }
}
