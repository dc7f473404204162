//! The bipartite graph of a component group, as the solver reads it: weights instead of costs, adjacency lists of both
//! sides, and the new numbers of [`NodeOrder`].

use crate::components::{ComponentGroup, NodeOrder};
use crate::problem::Problem;

/// An edge with its weight, which is what the pair saves: the row's penalty less the pair's cost, so at least 1.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct WeightedEdge {
    /// The number of the node on the other side.
    pub(super) node: u32,
    pub(super) weight: u32,
}

/// The edges of all nodes of one side.
pub(super) struct AdjacencyLists {
    starts: Vec<u32>,
    edges: Vec<WeightedEdge>,
}

/// The adjacency lists of a component group. Rows and columns are numbered from 0.
pub(super) struct Graph {
    /// The edges of each row, heaviest first.
    pub(super) rows: AdjacencyLists,
    /// The edges of each column, in the order of the rows.
    pub(super) columns: AdjacencyLists,
}

impl AdjacencyLists {
    pub(super) fn nodes(&self) -> usize {
        self.starts.len() - 1
    }

    #[inline]
    pub(super) fn of(&self, node: u32) -> &[WeightedEdge] {
        let node = node as usize;
        &self.edges[self.starts[node] as usize..self.starts[node + 1] as usize]
    }

    /// Returns the same edges as adjacency lists of the other side, which has `nodes` nodes.
    fn reversed(&self, nodes: usize) -> Self {
        // The counts are shifted by two: filling then moves each start to its final index.
        let mut starts = vec![0; nodes + 2];
        for edge in &self.edges {
            starts[edge.node as usize + 2] += 1;
        }
        for node in 2..starts.len() {
            starts[node] += starts[node - 1];
        }
        let mut edges = vec![WeightedEdge::default(); self.edges.len()];
        for node in 0..self.nodes() as u32 {
            for edge in self.of(node) {
                let at = &mut starts[edge.node as usize + 1];
                edges[*at as usize] = WeightedEdge { node, weight: edge.weight };
                *at += 1;
            }
        }
        starts.pop();
        Self { starts, edges }
    }
}

impl Graph {
    pub(super) fn of(problem: &Problem, order: &NodeOrder, group: &ComponentGroup) -> Self {
        let rows = &order.rows[group.rows.clone()];
        let edge_count = rows.iter().map(|row| problem.edges(*row).len()).sum();
        let (mut starts, mut edges) = (Vec::with_capacity(rows.len() + 1), Vec::with_capacity(edge_count));
        starts.push(0);
        for &row in rows {
            // The builder drops edges that cost the penalty or more, so every weight is positive.
            let penalty = problem.penalty(row);
            edges.extend(problem.edges(row).iter().map(|edge| WeightedEdge {
                node: order.column_numbers[edge.column as usize] - group.columns.start as u32,
                weight: penalty - edge.cost,
            }));
            starts.push(edges.len() as u32);
        }
        let rows = AdjacencyLists { starts, edges };
        let columns = rows.reversed(group.columns.len());
        Self { rows, columns }
    }
}
