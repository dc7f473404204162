//! What is to be assigned: a sparse table of costs, and what it costs to leave a row out.

use thiserror::Error;

/// The largest penalty of a row: 2^20 - 1, or twelve days in seconds. The solver keeps one bucket for each distance
/// up to the largest penalty in use.
pub const PENALTY_MAX: u32 = (1 << 20) - 1;

/// What a row could be given, and at which cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// The column, below [`Problem::columns`].
    pub column: u32,
    /// Below the row's penalty; whole seconds.
    pub cost: u32,
}

/// Rows, columns and the edges between them, checked: every column exists, every edge is cheaper than leaving its
/// row out, and a row has one edge to a column at most. Built by [`super::ProblemBuilder`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub(super) columns: u32,
    pub(super) penalties: Vec<u32>,
    /// Where each row's edges start in `edges`; one entry more than rows.
    pub(super) starts: Vec<u32>,
    pub(super) edges: Vec<Edge>,
}

/// Why there is no such problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ProblemError {
    /// An edge of this row leads out of the table.
    #[error("row {row} has an edge to column {column}, must be below {columns}")]
    Column {
        /// The row.
        row: u32,
        /// The column that does not exist.
        column: u32,
        /// How many columns there are.
        columns: u32,
    },
    /// A penalty is beyond [`PENALTY_MAX`].
    #[error("row {row} has the penalty {penalty}, must be at most {PENALTY_MAX}")]
    Penalty {
        /// The row.
        row: u32,
        /// The penalty.
        penalty: u32,
    },
    /// More rows, columns or edges than can be numbered.
    #[error("{found} {what}, must be at most {COUNT_MAX}")]
    Size {
        /// What there is too much of.
        what: &'static str,
        /// How many of them.
        found: usize,
    },
}

/// Of rows, columns and edges; the number above means none.
pub(super) const COUNT_MAX: u32 = u32::MAX - 1;

impl Problem {
    /// How many rows there are.
    pub fn rows(&self) -> u32 {
        self.penalties.len() as u32
    }

    /// How many columns there are.
    pub fn columns(&self) -> u32 {
        self.columns
    }

    /// How many edges all rows have.
    pub fn edge_count(&self) -> usize {
        self.edges.len()
    }

    /// What it costs to leave this row out.
    pub fn penalty(&self, row: u32) -> u32 {
        self.penalties[row as usize]
    }

    /// The edges of this row: cheapest first, then lowest column first.
    pub fn edges(&self, row: u32) -> &[Edge] {
        let row = row as usize;
        &self.edges[self.starts[row] as usize..self.starts[row + 1] as usize]
    }

    /// The cost of this pair, if there is such an edge.
    pub fn cost(&self, row: u32, column: u32) -> Option<u32> {
        self.edges(row).iter().find(|edge| edge.column == column).map(|edge| edge.cost)
    }

    /// The largest penalty; 0 without rows.
    pub fn largest_penalty(&self) -> u32 {
        self.penalties.iter().copied().max().unwrap_or(0)
    }
}
