//! The ways to decide, as data.

use serde::{Deserialize, Serialize};

use super::{Assignment, Problem, solve_optimal};

/// How drivers are given to requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Each request in its turn takes the nearest driver that is still free: what a dispatcher without a window
    /// does, and the baseline of every comparison.
    Nearest,
    /// All requests of the window at once, at the least total cost.
    #[default]
    Batch,
    /// As [`Policy::Batch`], and trips whose driver is en route to the pickup may be reassigned to a nearer driver.
    ///
    /// Settings files of release 0.1.0 spell it `reoptimise`, which stays readable.
    #[serde(alias = "reoptimise")]
    Reoptimize,
}

/// Decides by this policy. The same answer for any number of `threads`; 1 (or 0) is the caller's own.
pub fn solve(policy: Policy, problem: &Problem, threads: usize) -> Assignment {
    match policy {
        Policy::Nearest => solve_nearest(problem),
        Policy::Batch | Policy::Reoptimize => solve_optimal(problem, threads),
    }
}

/// Rows in their order; edges come cheapest first, then lowest column first.
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
