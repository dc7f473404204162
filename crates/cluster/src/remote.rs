//! The ports of nodes in other processes, over gRPC.

mod dispatch_proxy;
mod index_server;
mod ingest_node;
mod matcher;
mod mismatch;
mod peers;
mod replication_stream;
mod split;

pub use dispatch_proxy::DispatchProxy;
pub use index_server::RemoteIndexServer;
pub use ingest_node::RemoteIngestNode;
pub use matcher::RemoteMatcher;
pub use peers::RemotePeers;
pub use replication_stream::FRAMES_IN_FLIGHT_MAX;
