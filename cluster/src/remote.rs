//! fleet's ports over gRPC: what a caller sees of a node in another process.

mod channels;
mod index_server;
mod lookup;
mod peers;
mod session;
mod split;

pub use channels::{ChannelOptions, Channels, connect_lazily};
pub use index_server::RemoteIndexServer;
pub use lookup::RemoteDriverLookup;
pub use peers::RemotePeers;
pub use session::FRAMES_IN_FLIGHT_MAX;
