//! Every kind of question against plain Dijkstra, on generated towns. Seeds are printed.

mod inputs;
mod nearest;
mod pairs;
mod reach;
mod replacing;
mod tables;
mod town;
mod truth;
