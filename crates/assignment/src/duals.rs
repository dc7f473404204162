//! The certificate of an optimum: prices at which no row has a cheaper choice.
//!
//! Prices and row costs are feasible if they keep the rules of [`verify_optimal`]. By weak duality of linear programs,
//! `sum(row_costs) - sum(prices)` is then a lower bound of every assignment's cost. An assignment whose pairs are all
//! tight meets that bound (Schrijver, *Combinatorial Optimization*, 2003, section 17.2).

use crate::assignment::Assignment;
use crate::problem::Problem;

/// The dual values of a problem, in the unit of its costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duals {
    /// The least that each row can pay: the cost of a column plus its price, or the row's penalty.
    pub row_costs: Vec<u32>,
    /// The price of each column; 0 for a column without a row.
    pub prices: Vec<u32>,
}

/// Checks that the assignment is valid, and that the duals prove it optimal. The error names the first broken rule.
pub fn verify_optimal(problem: &Problem, assignment: &Assignment, duals: &Duals) -> Result<(), String> {
    let sizes = (assignment.columns.len(), duals.row_costs.len(), duals.prices.len());
    let (rows, columns) = (problem.rows() as usize, problem.columns() as usize);
    if sizes != (rows, rows, columns) {
        return Err(format!(
            "columns, row costs and prices are {sizes:?}, must be {:?}",
            (rows, rows, columns)
        ));
    }
    let mut taken = vec![false; columns];
    for row in 0..problem.rows() {
        verify_row(problem, assignment, duals, row)?;
        if let Some(column) = assignment.columns[row as usize]
            && std::mem::replace(&mut taken[column as usize], true)
        {
            return Err(format!("column {column} has a second row, {row}"));
        }
    }
    if let Some(column) = (0..columns).find(|column| !taken[*column] && duals.prices[*column] > 0) {
        return Err(format!("column {column} is free at the price {}, must be 0", duals.prices[column]));
    }
    let found = Assignment::of(problem, assignment.columns.clone()).cost;
    if assignment.cost != found {
        return Err(format!("the cost is given as {}, must be {found}", assignment.cost));
    }
    Ok(())
}

fn verify_row(problem: &Problem, assignment: &Assignment, duals: &Duals, row: u32) -> Result<(), String> {
    let (cost, penalty) = (duals.row_costs[row as usize], problem.penalty(row));
    let priced = |column: u32, cost: u32| u64::from(cost) + u64::from(duals.prices[column as usize]);
    let dearer = problem.edges(row).iter().find(|edge| u64::from(cost) > priced(edge.column, edge.cost));
    if let Some(edge) = dearer {
        return Err(format!("row {row} at {cost} could have column {} for less", edge.column));
    }
    let paid = match assignment.columns[row as usize] {
        None => u64::from(penalty),
        Some(column) => match problem.cost(row, column) {
            None => return Err(format!("row {row} has column {column}, which is no edge of it")),
            Some(cost) => priced(column, cost),
        },
    };
    if cost > penalty || paid != u64::from(cost) {
        return Err(format!("row {row} pays {paid}, must be its dual {cost} and at most {penalty}"));
    }
    Ok(())
}
