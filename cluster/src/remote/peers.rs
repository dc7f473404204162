//! `Peers` over gRPC.

use std::sync::Arc;

use kerb_fleet::{DriverLookup, IndexServer, NodeId, Peers};

use super::{Channels, RemoteDriverLookup, RemoteIndexServer};

/// The other nodes, over the process's connections.
#[derive(Clone)]
pub struct RemotePeers(Arc<Channels>);

impl RemotePeers {
    /// Over these connections.
    pub fn new(channels: Arc<Channels>) -> Self {
        Self(channels)
    }
}

impl Peers for RemotePeers {
    fn index_server(&self, node: &NodeId) -> Option<Arc<dyn IndexServer>> {
        let channel = self.0.channel(node)?;
        Some(Arc::new(RemoteIndexServer::new(node.clone(), channel)))
    }

    fn ingest_node(&self, node: &NodeId) -> Option<Arc<dyn DriverLookup>> {
        let channel = self.0.channel(node)?;
        Some(Arc::new(RemoteDriverLookup::new(node.clone(), channel)))
    }
}
