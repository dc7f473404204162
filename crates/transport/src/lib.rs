//! How a process serves gRPC and how it reaches other processes: the server, the inline executor of a connection, and the
//! channels to other nodes.
//!
//! This crate does not depend on any service.

mod channels;
mod server;

pub use channels::{ChannelOptions, Channels, connect_lazily};
pub use server::{CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES, Server, ServerOptions, ServiceHealth};
