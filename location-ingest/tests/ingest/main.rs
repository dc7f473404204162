//! Tests of the ingest node, most of them by comparison with a simpler model.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod connect;
mod expiry;
mod fake_index;
mod fake_matcher;
mod fixture;
mod fleet;
mod link_model;
mod link_tasks;
mod restart;
mod resume;
mod store;
mod store_fixture;
mod table;
mod trips;
