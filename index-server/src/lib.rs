//! An index server: shards in memory. Applies the batches of ingest nodes, lets old positions go, and searches
//! exactly while it does.
//!
//! [`Index`] is the core: synchronous, without a clock of its own, usable alone. [`IndexServer`] is the service: it
//! has the ports of `kerb_types` and a gRPC adapter. Neither knows driver streams or who else holds a shard.

mod coverage;
#[cfg(feature = "explore")]
pub mod explore;
mod figures;
pub mod grpc;
pub mod index;
#[cfg(test)]
mod interleaving_tests;
pub mod options;
mod search;
pub mod service;
mod session;
mod store;
mod sync;
mod write;

pub use figures::{Counts, Memory};
pub use index::{Ending, Index, Progress};
pub use options::Options;
pub use search::{Effort, Stop};
pub use service::{IndexServer, Ports};
pub use write::session::Session;
