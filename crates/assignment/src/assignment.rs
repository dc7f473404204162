//! The solution: the column of each row.

use crate::problem::Problem;

/// A matching of rows and columns: a row has at most one column, and a column at most one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The column of each row; `None` for an unmatched row.
    pub columns: Vec<Option<u32>>,
    /// The sum of the costs of all pairs and of the penalties of all unmatched rows.
    pub cost: u64,
}

impl Assignment {
    /// Computes the cost of the pairs. Every pair must be an edge of the problem.
    pub(super) fn of(problem: &Problem, columns: Vec<Option<u32>>) -> Self {
        let cost_of_row = |(row, column): (u32, &Option<u32>)| {
            let cost = match column {
                Some(column) => problem.cost(row, *column).expect("only edges are assigned"),
                None => problem.penalty(row),
            };
            u64::from(cost)
        };
        let cost = (0..).zip(&columns).map(cost_of_row).sum();
        Self { columns, cost }
    }
}
