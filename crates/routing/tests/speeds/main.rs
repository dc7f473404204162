//! Speeds of streets: seen by files and streams, learned from drives.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod drives;
mod files;
mod layers;
mod live;
mod numbers;
mod town;
mod viterbi;
