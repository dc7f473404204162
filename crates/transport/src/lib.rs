//! How a process serves gRPC and how it reaches other processes: the server, the inline executor of a connection, the
//! channels to other nodes, and who may call a node's internal services.
//!
//! This crate does not depend on any service.

mod channels;
mod internal_calls;
mod server;

pub use channels::{ChannelOptions, Channels, connect_lazily};
pub use internal_calls::{
    ClusterSecret, InternalCalls, NodeChannel, SECRET_BYTES_MAX, SECRET_BYTES_MIN, SecretError, Signer,
    Verifier, callers_of,
};
pub use server::{CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES, Server, ServerOptions, ServiceHealth};
