//! fleet's ports over gRPC: what a caller sees of a node in another process.

mod channels;
mod door;
mod index_server;
mod ingest_node;
mod matcher;
mod peers;
mod session;
mod split;

pub use channels::{ChannelOptions, Channels, connect_lazily};
pub use door::MatcherDoor;
pub use index_server::RemoteIndexServer;
pub use ingest_node::RemoteIngestNode;
pub use matcher::RemoteMatcher;
pub use peers::RemotePeers;
pub use session::FRAMES_IN_FLIGHT_MAX;
