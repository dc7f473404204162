//! Strongly connected components (Tarjan, "Depth-First Search and Linear Graph Algorithms", SIAM Journal on Computing
//! 1(2), 1972). An explicit stack replaces recursion, which a long street would overflow.

/// The strongly connected components of a graph.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Components {
    /// The component of each node.
    pub(super) part: Vec<u32>,
    /// The number of nodes of each component.
    pub(super) sizes: Vec<u32>,
}

const UNSEEN: u32 = u32::MAX;

/// Finds all components of a graph of arcs, each from its tail to its head.
pub(super) fn components(nodes: usize, arcs: &[[u32; 2]]) -> Components {
    let mut search = Search::new(nodes, arcs);
    for node in 0..nodes as u32 {
        if search.number[node as usize] == UNSEEN {
            search.visit(node);
        }
    }
    Components { part: search.part, sizes: search.sizes }
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
    fn new(nodes: usize, arcs: &[[u32; 2]]) -> Search {
        let mut first_out = vec![0; nodes + 1];
        for [tail, _] in arcs {
            first_out[*tail as usize + 1] += 1;
        }
        for node in 0..nodes {
            first_out[node + 1] += first_out[node];
        }
        let mut next = first_out.clone();
        let mut heads = vec![0; arcs.len()];
        for [tail, head] in arcs {
            heads[next[*tail as usize] as usize] = *head;
            next[*tail as usize] += 1;
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

    #[test]
    fn dead_end_is_not_in_the_component_of_a_circle() {
        let parts = components(5, &[[0, 1], [1, 2], [2, 0], [2, 3], [4, 0]]);
        assert_eq!(parts, Components { part: vec![1, 1, 1, 0, 2], sizes: vec![1, 3, 1] });
        assert_eq!(components(0, &[]), Components { part: vec![], sizes: vec![] });
    }

    /// All nodes that a node reaches, by repeated relaxation.
    fn reach(nodes: u32, pairs: &[[u32; 2]], start: u32) -> Vec<bool> {
        let mut reached = vec![false; nodes as usize];
        reached[start as usize] = true;
        for _ in 0..nodes {
            for [tail, head] in pairs {
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
            let pairs: Vec<[u32; 2]> =
                (0..count).map(|_| [0, 1].map(|_| random.random_range(0..nodes))).collect();
            let reached: Vec<_> = (0..nodes).map(|node| reach(nodes, &pairs, node)).collect();
            let found = components(nodes as usize, &pairs);
            for (a, from_a) in reached.iter().enumerate() {
                for (b, from_b) in reached.iter().enumerate() {
                    let both = from_a[b] && from_b[a];
                    assert_eq!(found.part[a] == found.part[b], both, "seed {seed}: {a} and {b}");
                }
            }
            for (part, size) in (0..).zip(&found.sizes) {
                assert_eq!(found.part.iter().filter(|own| **own == part).count(), *size as usize);
            }
        }
    }
}
