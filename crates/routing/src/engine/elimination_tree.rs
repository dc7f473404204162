//! The ancestors of some nodes in the elimination tree, from low to high.
//!
//! They are all that a search upward from those nodes can meet, and this order is a right one to relax them in, so a
//! search needs no queue ordered by time.

use super::hierarchy::NONE;

/// Walks up from several nodes at once. Chains that meet go on as one.
#[derive(Debug, Default)]
pub(super) struct EliminationTreeWalk {
    tips: Vec<u32>,
}

impl EliminationTreeWalk {
    /// One more node to climb from.
    pub(super) fn add(&mut self, node: u32) {
        if !self.tips.contains(&node) {
            self.tips.push(node);
        }
    }

    /// The lowest node that was not met yet.
    #[inline]
    pub(super) fn next(&mut self, parent: &[u32]) -> Option<u32> {
        if let [tip] = &mut self.tips[..] {
            let node = *tip;
            *tip = parent[node as usize];
            if *tip == NONE {
                self.tips.clear();
            }
            return Some(node);
        }
        let (place, &node) = self.tips.iter().enumerate().min_by_key(|(_, tip)| **tip)?;
        let up = parent[node as usize];
        if up == NONE || self.tips.contains(&up) {
            self.tips.swap_remove(place);
        } else {
            self.tips[place] = up;
        }
        Some(node)
    }
}
