//! Solves the assignment problem of a window: each request gets at most one driver, each driver at most one request.
//!
//! Every function is pure: no clock, no randomness, no async, no ids. A row is a request, a column is a driver, and a
//! cost is the travel time to the pickup in whole seconds. A row without a column is unmatched and costs its penalty.
//!
//! ```
//! use kerb_assignment::{Policy, ProblemBuilder, solve};
//!
//! let mut builder = ProblemBuilder::with_capacity(2, 2, 4);
//! builder.begin_row(1_800);
//! builder.edge(0, 60);
//! builder.edge(1, 90);
//! builder.begin_row(1_800);
//! builder.edge(0, 70);
//! builder.edge(1, 400);
//! let problem = builder.build()?;
//!
//! let nearest = solve(Policy::Nearest, &problem, 1);
//! assert_eq!((nearest.columns, nearest.cost), (vec![Some(0), Some(1)], 460));
//! let batch = solve(Policy::Batch, &problem, 1);
//! assert_eq!((batch.columns, batch.cost), (vec![Some(1), Some(0)], 160));
//! # Ok::<(), kerb_assignment::ProblemError>(())
//! ```

mod assignment;
mod builder;
mod components;
mod duals;
mod graph;
pub mod instance;
mod policies;
mod problem;
mod solver;

pub use assignment::Assignment;
pub use builder::ProblemBuilder;
pub use duals::{Duals, verify_optimal};
pub use policies::{Policy, solve};
pub use problem::{Edge, PENALTY_MAX, Problem, ProblemError};
pub use solver::{solve_optimal, solve_with_duals};
