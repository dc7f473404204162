//! Ids and catalogs, shards of positions and searches, placement of shards, metrics and backoff.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backoff;
mod catalog;
mod metrics;
mod placement;
mod sharding;
