//! Compares every kind of query with plain Dijkstra on generated towns. Prints its seeds.

mod inputs;
mod nearest;
mod one_to_all;
mod pairs;
mod replacing;
mod tables;
mod town;
mod truth;
