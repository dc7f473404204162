//! Solves one component group: auction, tightening, augmenting paths.

use super::auction;
use super::node::{NONE, Node};
use super::search::Search;
use crate::graph::{AdjacencyLists, Graph};

/// The optimum of a group: the partner and the dual value of each node.
pub(super) struct GroupSolution {
    pub(super) rows: Vec<Node>,
    pub(super) columns: Vec<Node>,
}

/// Solves a group of a problem whose penalties are at most `largest_penalty`.
pub(super) fn solve(graph: &Graph, largest_penalty: u32) -> GroupSolution {
    let mut rows = vec![Node::UNMATCHED; graph.rows.nodes()];
    let mut columns = vec![Node::UNMATCHED; graph.columns.nodes()];
    auction::run(&graph.rows, &mut rows, &mut columns, auction::increment(largest_penalty));
    tighten(&graph.rows, &mut rows, &mut columns);
    let mut search = Search::new(largest_penalty);
    for row in 0..rows.len() {
        if rows[row].needs_search() {
            search.run(&graph.rows, &mut rows, &mut columns, row as u32);
        }
    }
    for column in 0..columns.len() {
        if columns[column].needs_search() {
            search.run(&graph.columns, &mut columns, &mut rows, column as u32);
        }
    }
    GroupSolution { rows, columns }
}

/// Sets the gain of each row to the best value at the columns' prices, and undoes the pairs with a smaller value.
fn tighten(edges: &AdjacencyLists, rows: &mut [Node], columns: &mut [Node]) {
    for (row, node) in (0..).zip(rows) {
        let (mut best, mut own) = (0, 0);
        for edge in edges.of(row) {
            let gain = edge.weight.saturating_sub(columns[edge.node as usize].gain);
            best = best.max(gain);
            if edge.node == node.partner {
                own = gain;
            }
        }
        node.gain = best;
        if node.partner != NONE && own < best {
            columns[node.partner as usize].partner = NONE;
            node.partner = NONE;
        }
    }
}
