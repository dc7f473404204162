//! The port from every node to the engine: which nodes there are, and where their ports are.

use std::sync::Arc;

use kerb_types::{MembershipView, NodeId};
use tokio::sync::watch;

use crate::driver_events::DriverEvents;
use crate::driver_lookup::IngestNode;
use crate::index_admin::IndexServer;

/// All → engine: who is there.
pub trait Membership: Send + Sync {
    /// The current view and every change of it. Views may be skipped, never reordered.
    fn watch(&self) -> watch::Receiver<Arc<MembershipView>>;
}

/// Where the other nodes' ports are. Cheap: connections are made on first use and kept.
pub trait Peers: Send + Sync {
    /// An index server of the view; `None` for an unknown one.
    fn index_server(&self, node: &NodeId) -> Option<Arc<dyn IndexServer>>;

    /// An ingest node of the view; `None` for an unknown one.
    fn ingest_node(&self, node: &NodeId) -> Option<Arc<dyn IngestNode>>;

    /// A matcher of the view; `None` for an unknown one.
    fn matcher(&self, node: &NodeId) -> Option<Arc<dyn DriverEvents>>;
}
