//! The matcher against dumber truths.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod assign;
mod market_model;
