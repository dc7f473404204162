//! The largest strongly connected component (Tarjan, "Depth-First Search and Linear Graph Algorithms", SIAM Journal on
//! Computing 1(2), 1972). An explicit stack replaces recursion, which a long street would overflow.

use super::turn_expansion::GraphArc;

/// The nodes of the largest component, and the number of all components.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Components {
    pub(super) in_largest: Vec<bool>,
    pub(super) count: usize,
}

const UNSEEN: u32 = u32::MAX;

/// Finds the component with the most nodes; of several, the one that the search finishes first.
pub(super) fn largest(nodes: usize, arcs: &[GraphArc]) -> Components {
    let mut search = Search::new(nodes, arcs);
    for node in 0..nodes as u32 {
        if search.number[node as usize] == UNSEEN {
            search.visit(node);
        }
    }
    let largest =
        search.sizes.iter().enumerate().max_by_key(|(part, size)| (**size, std::cmp::Reverse(*part)));
    let largest = largest.map(|(part, _)| part as u32);
    Components {
        in_largest: search.part.iter().map(|part| Some(*part) == largest).collect(),
        count: search.sizes.len(),
    }
}

struct Search {
    first_out: Vec<u32>,
    heads: Vec<u32>,
    /// The visiting number of each node: Tarjan's NUMBER.
    number: Vec<u32>,
    /// The lowest visiting number that is known to be in the node's component: Tarjan's LOWLINK.
    low: Vec<u32>,
    /// The component of each node; [`UNSEEN`] until it is finished.
    part: Vec<u32>,
    /// The number of nodes of each finished component.
    sizes: Vec<u32>,
    /// The visited nodes whose component is not finished, in visiting order.
    open: Vec<u32>,
    /// The number of visited nodes.
    seen: u32,
}

impl Search {
    fn new(nodes: usize, arcs: &[GraphArc]) -> Search {
        let mut first_out = vec![0; nodes + 1];
        for arc in arcs {
            first_out[arc.tail as usize + 1] += 1;
        }
        for node in 0..nodes {
            first_out[node + 1] += first_out[node];
        }
        let mut next = first_out.clone();
        let mut heads = vec![0; arcs.len()];
        for arc in arcs {
            heads[next[arc.tail as usize] as usize] = arc.head;
            next[arc.tail as usize] += 1;
        }
        Search {
            first_out,
            heads,
            number: vec![UNSEEN; nodes],
            low: vec![0; nodes],
            part: vec![UNSEEN; nodes],
            sizes: Vec::new(),
            open: Vec::new(),
            seen: 0,
        }
    }

    fn visit(&mut self, start: u32) {
        // The nodes from `start` to the current one, each with its next arc to follow.
        let mut path = vec![(start, self.enter(start))];
        while let Some((node, arc)) = path.last_mut() {
            let at = *node as usize;
            if *arc < self.first_out[at + 1] {
                let head = self.heads[*arc as usize];
                *arc += 1;
                if self.number[head as usize] == UNSEEN {
                    path.push((head, self.enter(head)));
                } else if self.part[head as usize] == UNSEEN {
                    // The head is open, so it reaches this node: both are in one component.
                    self.low[at] = self.low[at].min(self.number[head as usize]);
                }
                continue;
            }
            path.pop();
            // No node of this subtree reaches an earlier open node, so it is the root of a component.
            if self.low[at] == self.number[at] {
                self.finish(at as u32);
            } else if let Some((parent, _)) = path.last() {
                let parent = *parent as usize;
                self.low[parent] = self.low[parent].min(self.low[at]);
            }
        }
    }

    /// Visits a node. Returns its first arc.
    fn enter(&mut self, node: u32) -> u32 {
        self.number[node as usize] = self.seen;
        self.low[node as usize] = self.seen;
        self.seen += 1;
        self.open.push(node);
        self.first_out[node as usize]
    }

    /// Closes a component: all open nodes from `root` on.
    fn finish(&mut self, root: u32) {
        let mut size = 0;
        loop {
            let node = self.open.pop().expect("the root is open");
            self.part[node as usize] = self.sizes.len() as u32;
            size += 1;
            if node == root {
                break;
            }
        }
        self.sizes.push(size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};

    fn arcs(pairs: &[(u32, u32)]) -> Vec<GraphArc> {
        pairs.iter().map(|(tail, head)| GraphArc { tail: *tail, head: *head, direction: 0 }).collect()
    }

    #[test]
    fn dead_end_is_not_in_the_component_of_a_circle() {
        let parts = largest(5, &arcs(&[(0, 1), (1, 2), (2, 0), (2, 3), (4, 0)]));
        assert_eq!(parts, Components { in_largest: vec![true, true, true, false, false], count: 3 });
        assert_eq!(largest(0, &[]), Components { in_largest: vec![], count: 0 });
    }

    /// All nodes that a node reaches, by repeated relaxation.
    fn reach(nodes: u32, pairs: &[(u32, u32)], start: u32) -> Vec<bool> {
        let mut reached = vec![false; nodes as usize];
        reached[start as usize] = true;
        for _ in 0..nodes {
            for (tail, head) in pairs {
                reached[*head as usize] |= reached[*tail as usize];
            }
        }
        reached
    }

    #[test]
    fn components_reach_each_other() {
        for seed in 0..200 {
            let mut random = rand_pcg::Pcg64Mcg::seed_from_u64(seed);
            let nodes = random.random_range(1..20);
            let count = random.random_range(0..40);
            let pairs: Vec<(u32, u32)> =
                (0..count).map(|_| (random.random_range(0..nodes), random.random_range(0..nodes))).collect();
            let reached: Vec<_> = (0..nodes).map(|node| reach(nodes, &pairs, node)).collect();
            let part = |a: u32| -> Vec<u32> {
                let both = |b: &u32| reached[a as usize][*b as usize] && reached[*b as usize][a as usize];
                (0..nodes).filter(both).collect()
            };
            let parts: std::collections::BTreeSet<_> = (0..nodes).map(part).collect();
            let found = largest(nodes as usize, &arcs(&pairs));
            let members: Vec<u32> = (0..nodes).filter(|node| found.in_largest[*node as usize]).collect();
            assert_eq!(found.count, parts.len(), "seed {seed}");
            assert!(parts.contains(&members), "seed {seed}");
            assert_eq!(parts.iter().map(Vec::len).max(), Some(members.len()), "seed {seed}");
        }
    }
}
