//! Import and snapping: hand-made maps, real extracts and damaged files.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod dijkstra;
mod extracts;
mod file;
mod fuzz;
mod isochrones;
mod lists;
mod old_file;
mod osm;
mod pbf;
mod real;
mod relations;
mod rules;
mod snapping;
mod tables;
mod turns;
mod turns_random;
mod ways;
