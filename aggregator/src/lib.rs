//! The aggregator: one search over many shards, one exact result with its coverage.
//!
//! A search runs through `grpc` (decode and validate), `single_flight` (join an identical search), `scatter` (plan the
//! replicas, execute the queries) and `merge` (one result from many lists). `eta` ranks by travel time with searches of
//! that kind, `batch` runs many of them in one call.
//!
//! The decisions (plan, latency, merge, `eta_knn`, validation, page tokens) are pure; `scatter::Executor`, `eta_search`
//! and the gRPC adapters are the async shell around them.
//!
//! This crate holds no positions and depends on no transport between roles. It reaches index servers and ingest nodes
//! through ports. Every result states which shards it covers.

mod batch;
pub mod driver_query;
mod error;
pub mod eta;
pub mod grpc;
mod handle;
pub mod merge;
pub mod metrics;
pub mod options;
pub mod page_token;
pub mod query;
pub mod scatter;
mod service;
pub mod single_flight;
pub mod validate;

pub use error::AggregatorError;
pub use handle::{Aggregator, RebuildProgress};
pub use merge::Coverage;
pub use metrics::{Metrics, MetricsSnapshot};
pub use options::Options;
pub use query::{EtaRanking, Query, SearchResult};
pub use service::Ports;
