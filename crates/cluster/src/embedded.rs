//! A cluster of one process: all ports are values in this process.

use std::sync::{Arc, OnceLock};

use kerb_ports::{DriverEvents, IndexServer, IngestNode, Membership, Peers};
use kerb_types::{MembershipView, Node, NodeId, Role, ShardMap, Sharding};
use tokio::sync::watch;

/// The membership of a cluster of one node, which holds all shards. It never changes.
#[derive(Debug)]
pub struct EmbeddedMembership {
    view: watch::Sender<Arc<MembershipView>>,
}

impl EmbeddedMembership {
    /// Makes the membership of the only node, which has these roles.
    pub fn new(node: NodeId, roles: &[Role], sharding: Sharding) -> Self {
        let shard_map = Arc::new(ShardMap::place(sharding.shards(), 1, std::slice::from_ref(&node)));
        let nodes = vec![Node { id: node, roles: roles.to_vec(), address: None, live: true }];
        Self { view: watch::Sender::new(Arc::new(MembershipView { nodes, shard_map })) }
    }
}

impl Membership for EmbeddedMembership {
    fn watch(&self) -> watch::Receiver<Arc<MembershipView>> {
        self.view.subscribe()
    }
}

/// The ports of the only node. The services of a process need each other's ports to start, so each port is set later, once.
#[derive(Default)]
pub struct LocalPeers {
    index_server: OnceLock<(NodeId, Arc<dyn IndexServer>)>,
    ingest_node: OnceLock<(NodeId, Arc<dyn IngestNode>)>,
    matcher: OnceLock<(NodeId, Arc<dyn DriverEvents>)>,
}

impl LocalPeers {
    /// Makes a value without ports: every lookup returns `None` until a port is set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the index server of this process. Panics if it is set already.
    pub fn set_index_server(&self, node: NodeId, port: Arc<dyn IndexServer>) {
        assert!(self.index_server.set((node, port)).is_ok(), "the index server is set once");
    }

    /// Sets the ingest node of this process. Panics if it is set already.
    pub fn set_ingest_node(&self, node: NodeId, port: Arc<dyn IngestNode>) {
        assert!(self.ingest_node.set((node, port)).is_ok(), "the ingest node is set once");
    }

    /// Sets the matcher of this process. Panics if it is set already.
    pub fn set_matcher(&self, node: NodeId, port: Arc<dyn DriverEvents>) {
        assert!(self.matcher.set((node, port)).is_ok(), "the matcher is set once");
    }
}

impl Peers for LocalPeers {
    fn index_server(&self, node: &NodeId) -> Option<Arc<dyn IndexServer>> {
        self.index_server.get().filter(|(id, _)| id == node).map(|(_, port)| Arc::clone(port))
    }

    fn ingest_node(&self, node: &NodeId) -> Option<Arc<dyn IngestNode>> {
        self.ingest_node.get().filter(|(id, _)| id == node).map(|(_, port)| Arc::clone(port))
    }

    fn matcher(&self, node: &NodeId) -> Option<Arc<dyn DriverEvents>> {
        self.matcher.get().filter(|(id, _)| id == node).map(|(_, port)| Arc::clone(port))
    }
}
