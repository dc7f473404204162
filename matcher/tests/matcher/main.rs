//! The matcher against dumber truths, and its shell in a scripted world under paused time.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod driver_events;
mod explaining;
mod fakes;
mod fencing;
mod grpc;
mod lifecycle;
mod market_model;
mod quotes;
mod recovery;
mod reoptimizing;
mod settings;
mod snapshots;
mod storm;
mod watching;
mod windows;
