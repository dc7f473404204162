//! The least total cost, exactly.
//!
//! Leaving a row out costs its penalty, so the least cost is the greatest *weight*: what each pair saves against
//! leaving its row out. Two non-negative numbers a pair bound its weight: the gain of its row and the price of its
//! column, `gain + price >= weight`. An assignment is optimal when its pairs are tight (`=`) and whoever is alone has
//! gain or price 0. The solver gets there in three steps:
//!
//! 1. **Prices by auction** (`auction.rs`). Rows bid for columns with a coarse increment: fast, near the optimum, but
//!    not exact (Bertsekas, *The auction algorithm*, 1988). It takes the place of the reduction of Jonker and
//!    Volgenant, which leaves prices that are far from the end's where drivers are scarce.
//! 2. **Tight pairs only.** Gains are set to the best at those prices; pairs that are not tight are undone.
//! 3. **Shortest augmenting paths** (`search.rs`). A row without a column but with a gain, then a column without a row
//!    but with a price: each search ends that for one of them and keeps all others (Jonker and Volgenant, *A shortest
//!    augmenting path algorithm for dense and sparse linear assignment problems*, 1987). Gains and prices play the
//!    same part, so it is one search for both sides. Being left out needs no column of its own: a path may end at a
//!    row of the path, at the distance of that row's gain.
//!
//! Nothing is carried from one window to the next. Whoever is matched leaves, and whoever stays without a partner has
//! the price 0, so there are no prices to start from.
//!
//! Components are solved apart, on several threads where that pays; the answer does not depend on how many.

mod auction;
mod buckets;
mod part;
mod search;

use std::thread;

use super::components::{Numbering, Part};
use super::graph::Graph;
use super::{Assignment, Duals, Problem, verify_optimal};
use part::{NONE, Solved};

/// A thread is not started for fewer edges than these: they take less than a millisecond.
const EDGES_A_THREAD: usize = 5_000;

/// The assignment of the least total cost: of several, always the same, whatever the number of `threads`.
pub fn solve_optimal(problem: &Problem, threads: usize) -> Assignment {
    solve_with_duals(problem, threads).0
}

/// As [`solve_optimal`], with the duals that prove it.
pub fn solve_with_duals(problem: &Problem, threads: usize) -> (Assignment, Duals) {
    let numbering = Numbering::of(problem);
    let useful = threads.min(problem.edge_count() / EDGES_A_THREAD).max(1);
    let parts = numbering.parts(useful);
    let solved = solve_parts(problem, &numbering, &parts);
    let (assignment, duals) = merge(problem, &numbering, &parts, &solved);
    debug_assert_eq!(verify_optimal(problem, &assignment, &duals), Ok(()));
    (assignment, duals)
}

/// One thread a part, the first part on the caller's own.
fn solve_parts(problem: &Problem, numbering: &Numbering, parts: &[Part]) -> Vec<Solved> {
    let largest_penalty = problem.largest_penalty();
    let solve = |part: &Part| part::solve(&Graph::of(problem, numbering, part), largest_penalty);
    let Some((first, others)) = parts.split_first() else {
        return Vec::new();
    };
    thread::scope(|scope| {
        let others: Vec<_> = others.iter().map(|part| scope.spawn(move || solve(part))).collect();
        let mut solved = vec![solve(first)];
        solved.extend(others.into_iter().map(|thread| thread.join().expect("solving does not panic")));
        solved
    })
}

/// The parts' answers in the problem's numbers.
fn merge(problem: &Problem, numbering: &Numbering, parts: &[Part], solved: &[Solved]) -> (Assignment, Duals) {
    let mut columns = vec![None; problem.rows() as usize];
    let mut duals =
        Duals { row_costs: problem.penalties.clone(), prices: vec![0; problem.columns() as usize] };
    for (part, solved) in parts.iter().zip(solved) {
        let part_columns = &numbering.columns[part.columns.clone()];
        for (&row, node) in numbering.rows[part.rows.clone()].iter().zip(&solved.rows) {
            duals.row_costs[row as usize] -= node.gain;
            if node.partner != NONE {
                columns[row as usize] = Some(part_columns[node.partner as usize]);
            }
        }
        for (&column, node) in part_columns.iter().zip(&solved.columns) {
            duals.prices[column as usize] = node.gain;
        }
    }
    (Assignment::of(problem, columns), duals)
}
