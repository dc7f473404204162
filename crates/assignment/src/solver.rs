//! The exact solver: an assignment of the least total cost.
//!
//! An unmatched row costs its penalty, so the least cost is the greatest total *weight*. The weight of a pair is what it
//! saves: the row's penalty less the pair's cost. The dual values are a gain for each row and a price for each column,
//! none of them negative, with `gain + price >= weight` for each edge. An assignment is optimal if its pairs are tight
//! (`=`) and every unmatched row or column has the gain or price 0. The solver has three phases:
//!
//! 1. **Prices by auction** (`auction.rs`). Rows bid for columns with a coarse increment: fast, near the optimum, but
//!    not exact (Bertsekas, *The auction algorithm*, 1988). The column reduction of Jonker and Volgenant is not used,
//!    because its prices are far from the optimum where drivers are scarce.
//! 2. **Tightening** (`group.rs`). Each gain is set to the best value at those prices; pairs that are not tight are undone.
//! 3. **Shortest augmenting paths** (`search.rs`). One search for each unmatched row with a gain, then one for each
//!    unmatched column with a price. A search repairs its start and keeps all other nodes right (Jonker and Volgenant, *A
//!    shortest augmenting path algorithm for dense and sparse linear assignment problems*, 1987). Gains and prices are
//!    symmetric, so one function searches from both sides. An unmatched row needs no dummy column: a path may end at one
//!    of its own rows, at the distance of that row's gain.
//!
//! Windows do not share prices. Matched drivers leave after a window and unmatched drivers have the price 0, so a window
//! has no prices to start from.
//!
//! Groups of components are solved independently, on several threads if there are enough edges. The result does not
//! depend on the number of threads.

mod auction;
mod buckets;
mod group;
mod node;
mod search;

use std::thread;

use crate::assignment::Assignment;
use crate::components::{ComponentGroup, NodeOrder};
use crate::duals::{Duals, verify_optimal};
use crate::graph::Graph;
use crate::problem::Problem;
use group::GroupSolution;
use node::NONE;

/// Minimum edges for one more thread: fewer take less than a millisecond.
const EDGES_PER_THREAD_MIN: usize = 5_000;

/// Returns an assignment of the least total cost. Of several, it is always the same, for any number of `threads`.
pub fn solve_optimal(problem: &Problem, threads: usize) -> Assignment {
    solve_with_duals(problem, threads).0
}

/// Like [`solve_optimal`], with the dual values that prove it.
pub fn solve_with_duals(problem: &Problem, threads: usize) -> (Assignment, Duals) {
    let order = NodeOrder::of(problem);
    let thread_count = threads.min(problem.edge_count() / EDGES_PER_THREAD_MIN).max(1);
    let groups = order.groups(thread_count);
    let solved = solve_groups(problem, &order, &groups);
    let (assignment, duals) = merge(problem, &order, &groups, &solved);
    debug_assert_eq!(verify_optimal(problem, &assignment, &duals), Ok(()));
    (assignment, duals)
}

/// Solves each group on a thread of its own, and the first one on the caller's thread.
fn solve_groups(problem: &Problem, order: &NodeOrder, groups: &[ComponentGroup]) -> Vec<GroupSolution> {
    let largest_penalty = problem.largest_penalty();
    let solve = |group: &ComponentGroup| group::solve(&Graph::of(problem, order, group), largest_penalty);
    let Some((first, others)) = groups.split_first() else {
        return Vec::new();
    };
    thread::scope(|scope| {
        let others: Vec<_> = others.iter().map(|group| scope.spawn(move || solve(group))).collect();
        let mut solved = vec![solve(first)];
        solved.extend(others.into_iter().map(|thread| thread.join().expect("solving does not panic")));
        solved
    })
}

/// Joins the groups' solutions, in the numbers of the problem.
fn merge(
    problem: &Problem,
    order: &NodeOrder,
    groups: &[ComponentGroup],
    solved: &[GroupSolution],
) -> (Assignment, Duals) {
    let mut columns = vec![None; problem.rows() as usize];
    let mut duals =
        Duals { row_costs: problem.penalties.clone(), prices: vec![0; problem.columns() as usize] };
    for (group, solved) in groups.iter().zip(solved) {
        let group_columns = &order.columns[group.columns.clone()];
        for (&row, node) in order.rows[group.rows.clone()].iter().zip(&solved.rows) {
            duals.row_costs[row as usize] -= node.gain;
            if node.partner != NONE {
                columns[row as usize] = Some(group_columns[node.partner as usize]);
            }
        }
        for (&column, node) in group_columns.iter().zip(&solved.columns) {
            duals.prices[column as usize] = node.gain;
        }
    }
    (Assignment::of(problem, columns), duals)
}
