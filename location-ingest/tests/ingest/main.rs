//! Tests of the ingest node against dumber truths.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod connect;
mod desk;
mod expiry;
mod fake;
mod fixture;
mod fleet;
mod ghosts;
mod link_model;
mod restart;
mod sessions;
mod store;
mod table;
mod trips;
