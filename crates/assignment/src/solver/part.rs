//! One part from its weights to its optimum.

use super::super::graph::{Graph, Links};
use super::auction;
use super::search::Search;

/// No partner.
pub(super) const NONE: u32 = u32::MAX;

/// Not reached by the search that is under way.
pub(super) const UNREACHED: u32 = u32::MAX;

/// A row or a column. Together in 16 bytes, as a search needs them together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    /// The dual value: a row's gain, a column's price.
    pub(super) gain: u32,
    /// On the other side, or [`NONE`].
    pub(super) partner: u32,
    /// From where the search started, or [`UNREACHED`].
    pub(super) distance: u32,
    /// The node of the other side that it was reached from.
    pub(super) via: u32,
}

/// The optimum of a part: partners and duals, by number.
pub(super) struct Solved {
    pub(super) rows: Vec<Node>,
    pub(super) columns: Vec<Node>,
}

impl Node {
    const ALONE: Self = Self { gain: 0, partner: NONE, distance: UNREACHED, via: NONE };

    /// Whether the optimum forbids this: alone, though it could gain.
    fn is_wanting(self) -> bool {
        self.partner == NONE && self.gain > 0
    }
}

/// Solves a part of a problem whose penalties are at most `largest_penalty`.
pub(super) fn solve(graph: &Graph, largest_penalty: u32) -> Solved {
    let mut rows = vec![Node::ALONE; graph.rows.nodes()];
    let mut columns = vec![Node::ALONE; graph.columns.nodes()];
    auction::run(&graph.rows, &mut rows, &mut columns, auction::increment(largest_penalty));
    tighten(&graph.rows, &mut rows, &mut columns);
    let mut search = Search::new(largest_penalty);
    for row in 0..rows.len() {
        if rows[row].is_wanting() {
            search.run(&graph.rows, &mut rows, &mut columns, row as u32);
        }
    }
    for column in 0..columns.len() {
        if columns[column].is_wanting() {
            search.run(&graph.columns, &mut columns, &mut rows, column as u32);
        }
    }
    Solved { rows, columns }
}

/// Sets the gain of each row to the best at the columns' prices, and undoes the pairs that give less.
fn tighten(links: &Links, rows: &mut [Node], columns: &mut [Node]) {
    for (row, node) in (0..).zip(rows) {
        let (mut best, mut own) = (0, 0);
        for link in links.of(row) {
            let gain = link.weight.saturating_sub(columns[link.node as usize].gain);
            best = best.max(gain);
            if link.node == node.partner {
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
