//! Import and snapping: hand-made maps, real extracts and damaged files.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod extracts;
mod file;
mod fuzz;
mod isochrones;
mod old_file;
mod real;
mod rules;
mod snapping;
mod support;
mod tables;
mod turns;
mod turns_random;
mod ways;
