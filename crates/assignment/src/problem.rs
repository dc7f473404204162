//! The assignment problem: a sparse cost matrix, and a penalty for each unmatched row.

use thiserror::Error;

/// The largest penalty of a row: 2^20 - 1, or twelve days in seconds. The solver keeps one bucket for each distance
/// up to the largest penalty in use.
pub const PENALTY_MAX: u32 = (1 << 20) - 1;

/// A possible column of a row, with its cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// The column, below [`Problem::columns`].
    pub column: u32,
    /// The cost in whole seconds, below the row's penalty.
    pub cost: u32,
}

/// A valid assignment problem: every edge's column exists, every edge costs less than its row's penalty, and a row has
/// at most one edge to a column. [`crate::ProblemBuilder`] builds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub(super) columns: u32,
    pub(super) penalties: Vec<u32>,
    /// Start of each row's edges in `edges`, and the end of the last row's.
    pub(super) starts: Vec<u32>,
    pub(super) edges: Vec<Edge>,
}

/// The reason why a problem is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ProblemError {
    /// A row has an edge to a column that does not exist.
    #[error("row {row} has an edge to column {column}, must be below {columns}")]
    Column {
        /// The row of the edge, from 0.
        row: u32,
        /// The column that does not exist.
        column: u32,
        /// Number of columns of the problem.
        columns: u32,
    },
    /// A penalty is greater than [`PENALTY_MAX`].
    #[error("row {row} has the penalty {penalty}, must be at most {PENALTY_MAX}")]
    Penalty {
        /// The row with the penalty, from 0.
        row: u32,
        /// The penalty of that row, in seconds.
        penalty: u32,
    },
    /// There are more rows, columns or edges than 32 bits can number.
    #[error("{found} {what}, must be at most {COUNT_MAX}")]
    Size {
        /// `rows`, `columns` or `edges`.
        what: &'static str,
        /// Number of them that the builder was given.
        found: usize,
    },
}

/// Maximum number of rows, of columns and of edges; the number above it stands for none.
pub(super) const COUNT_MAX: u32 = u32::MAX - 1;

impl Problem {
    /// Returns the number of rows.
    pub fn rows(&self) -> u32 {
        // The builder limits the rows to `COUNT_MAX`.
        self.penalties.len() as u32
    }

    /// Returns the number of columns.
    pub fn columns(&self) -> u32 {
        self.columns
    }

    /// Returns the number of edges of all rows.
    pub fn edge_count(&self) -> usize {
        self.edges.len()
    }

    /// Returns the cost of this row if it stays unmatched.
    pub fn penalty(&self, row: u32) -> u32 {
        self.penalties[row as usize]
    }

    /// Returns the edges of this row, sorted by cost and then by column.
    pub fn edges(&self, row: u32) -> &[Edge] {
        let row = row as usize;
        &self.edges[self.starts[row] as usize..self.starts[row + 1] as usize]
    }

    /// Returns the cost of this pair; `None` if it is not an edge.
    pub fn cost(&self, row: u32, column: u32) -> Option<u32> {
        self.edges(row).iter().find(|edge| edge.column == column).map(|edge| edge.cost)
    }

    /// Returns the largest penalty of all rows; 0 without rows.
    pub fn largest_penalty(&self) -> u32 {
        self.penalties.iter().copied().max().unwrap_or(0)
    }
}
