//! How a process serves gRPC and how it reaches others: the server, the inline executor of a connection, and the
//! channels to other nodes.
//!
//! Nothing here knows what a service does.

mod channels;
mod server;

pub use channels::{ChannelOptions, Channels, connect_lazily};
pub use server::{CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES, Server, ServerOptions};
