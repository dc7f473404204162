//! The aggregator against scripted index servers and ingest nodes, under paused time, and its pure parts against
//! dumber truths.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod batch_search;
mod driver_query;
mod eta_knn;
mod fakes;
mod grpc;
mod merge;
mod page_token;
mod plan;
mod rebuild;
mod scatter;
mod simulated_time;
mod single_flight;
mod validate;
