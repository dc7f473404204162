//! One question to many shards, one honest answer.
//!
//! A search goes `validate` → `single_flight` → `plan` → `scatter` → `gather`; one by travel time asks for `soonest`'s
//! rings in this way. What decides (plan, latency, gather, soonest, validate, page tokens) is pure; `scatter`, `travel` and
//! the gRPC adapters are its async shell.
//!
//! This crate holds no position and knows no transport between the roles: index servers and ingest nodes are
//! reached through fleet's ports. Every answer says which shards it speaks for.

pub mod driver_query;
pub mod flight_key;
pub mod gather;
pub mod grpc;
mod lanes;
pub mod latency;
mod many;
pub mod metrics;
pub mod options;
pub mod page_token;
pub mod plan;
pub mod query;
pub mod rebuild;
pub mod scatter;
pub mod service;
pub mod single_flight;
pub mod soonest;
mod together;
mod travel;
pub mod validate;

pub use gather::Coverage;
pub use metrics::{Metrics, MetricsSnapshot};
pub use options::Options;
pub use query::{Found, Query, Ranked};
pub use service::{Aggregator, Ports};
