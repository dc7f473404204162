//! Who gets whom: one window's requests and drivers in, one driver a request at most out.
//!
//! Everything here is a pure function of its arguments: no clock, no randomness, no async, no ids. Rows stand for
//! requests, columns for drivers, costs are whole seconds until the pickup. A row that costs more than its penalty
//! is better left out, and then costs its penalty.
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
