//! Every kind of query against plain Dijkstra, on generated towns. Seeds are printed.

mod inputs;
mod nearest;
mod one_to_all;
mod pairs;
mod replacing;
mod tables;
mod town;
mod truth;
