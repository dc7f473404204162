//! The certificate of an optimum: prices at which no row could do better.
//!
//! By linear programming's weak duality, any prices and row costs that keep the rules below bound every assignment's
//! cost from below by `sum(row_costs) - sum(prices)`. Where the rules are tight at every pair, the assignment meets
//! that bound (Schrijver, *Combinatorial Optimization*, 2003, section 17.2).

use super::{Assignment, Problem};

/// Dual values, in the unit of the costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duals {
    /// What each row pays for its column with the column's price, or its penalty: the least it could.
    pub row_costs: Vec<u32>,
    /// What each column is worth to those who could have it; 0 when nobody has it.
    pub prices: Vec<u32>,
}

/// Checks that the assignment is one, and by the duals that none is cheaper. The error names the first broken rule.
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
