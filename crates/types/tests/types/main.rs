//! The vocabulary's promises: names and ids, shards of places and searches, placement of shards, trips.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backoff;
mod catalog;
mod metrics;
mod placement;
mod sharding;
