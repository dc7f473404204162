//! An index server: shards of drivers in memory. It applies the batches of ingest nodes, expires old positions, and
//! searches exactly at the same time.
//!
//! [`Index`] is the core: synchronous, without a clock of its own, and usable alone. [`IndexServer`] is the service
//! around it, with the ports of `kerb_ports` and a gRPC adapter. Neither handles driver streams, nor other servers that
//! hold the same shard.

#[cfg(feature = "explore")]
pub mod explore;
pub mod grpc;
pub mod handle;
pub mod index;
pub mod metrics;
pub mod options;
mod replication;
mod search;
pub mod service;
mod store;
mod sync;
mod write;

pub use handle::IndexServer;
pub use index::{BatchProgress, Index, SnapshotCompletion};
pub use metrics::{MemoryUsage, Metrics};
pub use options::Options;
pub use replication::source_stream::SourceStream;
pub use search::{SearchAbort, SearchBudget};
pub use service::Ports;
