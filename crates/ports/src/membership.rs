//! The port to the membership of the cluster: the list of nodes, and the ports of the other nodes.

use std::sync::Arc;

use kerb_types::{MembershipView, NodeId};
use tokio::sync::watch;

use crate::driver_events::DriverEvents;
use crate::driver_lookup::IngestNode;
use crate::index_admin::IndexServer;

/// Every role → membership: the nodes of the cluster.
pub trait Membership: Send + Sync {
    /// Returns a receiver of the current view and its changes. A receiver may miss a view, but never sees them out of order.
    fn watch(&self) -> watch::Receiver<Arc<MembershipView>>;
}

/// The ports of the other nodes. A call is cheap: the implementation connects on first use and keeps the connection.
pub trait Peers: Send + Sync {
    /// Returns the ports of an index server; `None` for a node that is not in the view.
    fn index_server(&self, node: &NodeId) -> Option<Arc<dyn IndexServer>>;

    /// Returns the ports of an ingest node; `None` for a node that is not in the view.
    fn ingest_node(&self, node: &NodeId) -> Option<Arc<dyn IngestNode>>;

    /// Returns the port of a matcher; `None` for a node that is not in the view.
    fn matcher(&self, node: &NodeId) -> Option<Arc<dyn DriverEvents>>;
}
