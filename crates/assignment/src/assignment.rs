//! The answer: which column each row gets.

use super::Problem;

/// One column a row at most, one row a column at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The column of each row; `None` for a row that is left out.
    pub columns: Vec<Option<u32>>,
    /// The cost of all pairs and the penalties of the rows that are left out.
    pub cost: u64,
}

impl Assignment {
    /// Sums up. Every pair must be an edge of the problem.
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
