//! The ports of all other nodes, by the name of the node.

use std::sync::Arc;

use kerb_ports::{DriverEvents, IndexServer, IngestNode, Peers};
use kerb_types::NodeId;

use kerb_transport::Channels;

use super::{RemoteIndexServer, RemoteIngestNode, RemoteMatcher};

/// The port `Peers` over the channels of this process.
#[derive(Clone)]
pub struct RemotePeers(Arc<Channels>);

impl RemotePeers {
    /// Makes the ports of the nodes that `channels` reaches.
    pub fn new(channels: Arc<Channels>) -> Self {
        Self(channels)
    }
}

impl Peers for RemotePeers {
    fn index_server(&self, node: &NodeId) -> Option<Arc<dyn IndexServer>> {
        let channel = self.0.channel(node)?;
        Some(Arc::new(RemoteIndexServer::new(node.clone(), channel)))
    }

    fn ingest_node(&self, node: &NodeId) -> Option<Arc<dyn IngestNode>> {
        let channel = self.0.channel(node)?;
        Some(Arc::new(RemoteIngestNode::new(node.clone(), channel)))
    }

    fn matcher(&self, node: &NodeId) -> Option<Arc<dyn DriverEvents>> {
        let channel = self.0.channel(node)?;
        Some(Arc::new(RemoteMatcher::new(node.clone(), channel)))
    }
}
