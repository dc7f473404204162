//! The assignment policies, as data for settings.

use serde::{Deserialize, Serialize};

use crate::assignment::Assignment;
use crate::problem::Problem;
use crate::solver::solve_optimal;

/// The rule by which a window assigns drivers to requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Greedy: each request in turn takes the nearest driver that is still free. This is dispatch without a window, and
    /// the baseline of every comparison.
    Nearest,
    /// Optimal: all requests of the window at once, at the least total cost.
    #[default]
    Batch,
    /// As [`Policy::Batch`], and trips whose driver is en route to the pickup may be reassigned to a nearer driver.
    ///
    /// Settings files of release 0.1.0 spell it `reoptimise`, which stays readable.
    #[serde(alias = "reoptimise")]
    Reoptimize,
}

/// Solves the problem by this policy. The result is the same for any number of `threads`; 0 counts as 1, the caller's
/// own thread.
pub fn solve(policy: Policy, problem: &Problem, threads: usize) -> Assignment {
    match policy {
        Policy::Nearest => solve_nearest(problem),
        Policy::Batch | Policy::Reoptimize => solve_optimal(problem, threads),
    }
}

/// Assigns row by row. The edges of a row are sorted by cost, then by column.
fn solve_nearest(problem: &Problem) -> Assignment {
    let mut free = vec![true; problem.columns() as usize];
    let columns = (0..problem.rows()).map(|row| {
        let mut edges = problem.edges(row).iter();
        let edge = edges.find(|edge| free[edge.column as usize])?;
        free[edge.column as usize] = false;
        Some(edge.column)
    });
    let columns = columns.collect();
    Assignment::of(problem, columns)
}
