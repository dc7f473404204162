//! Speeds of streets: files, streams, and estimation from drives.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod drives;
mod files;
mod layers;
mod live;
mod numbers;
mod town;
mod viterbi;
