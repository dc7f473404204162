//! Channels to the other nodes: one for each node, opened on first use, and opened again when the node's address changes.

use std::collections::HashMap;
use std::sync::Arc;

use kerb_types::{FieldError, MembershipView, NodeId};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tonic::transport::{Channel, Endpoint};

use crate::internal_calls::{NodeChannel, Signer};
use crate::server::{CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES, ms};

/// Settings of connections to other nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChannelOptions {
    /// An attempt to connect fails after this time, in milliseconds.
    pub connect_timeout_ms: u32,
    /// A keepalive ping is sent on a silent connection after this time, in milliseconds.
    pub keepalive_interval_ms: u32,
    /// A connection that does not answer a ping within this time is closed, in milliseconds. This detects a host that
    /// vanished.
    pub keepalive_timeout_ms: u32,
}

impl Default for ChannelOptions {
    fn default() -> Self {
        Self { connect_timeout_ms: 1_000, keepalive_interval_ms: 2_000, keepalive_timeout_ms: 2_000 }
    }
}

/// The channels of one process. They follow the membership: a node that is not listed has no channel.
pub struct Channels {
    view: watch::Receiver<Arc<MembershipView>>,
    options: ChannelOptions,
    signer: Option<Arc<Signer>>,
    open: Mutex<HashMap<NodeId, OpenChannel>>,
}

#[derive(Clone)]
struct OpenChannel {
    address: String,
    channel: NodeChannel,
}

impl Channels {
    /// Makes the channels to the nodes of the membership `view`.
    pub fn new(view: watch::Receiver<Arc<MembershipView>>, options: ChannelOptions) -> Self {
        Self { view, options, signer: None, open: Mutex::default() }
    }

    /// Signs the internal calls on all channels.
    #[must_use]
    pub fn signed_by(mut self, signer: Signer) -> Self {
        self.signer = Some(Arc::new(signer));
        self
    }

    /// Returns the channel to a node; `None` if the membership has no address of the node. The channel connects in the
    /// background on first use. Must be called inside a Tokio runtime.
    pub fn channel(&self, node: &NodeId) -> Option<NodeChannel> {
        let view = self.view.borrow();
        let mut open = self.open.lock();
        let Some(address) = view.node(node).and_then(|node| node.address.as_deref()) else {
            open.remove(node);
            return None;
        };
        if let Some(known) = open.get(node).filter(|known| known.address == address) {
            return Some(known.channel.clone());
        }
        let channel = connect_lazily(address, self.options).ok()?;
        let channel = NodeChannel::new(channel, node.clone(), self.signer.clone());
        // A new node is the moment to drop the channels of nodes that left the cluster.
        open.retain(|other, _| view.node(other).is_some());
        open.insert(node.clone(), OpenChannel { address: address.to_owned(), channel: channel.clone() });
        Some(channel)
    }
}

/// Makes a channel to `host:port` that connects on first use, and reconnects whenever the connection is lost.
pub fn connect_lazily(address: &str, options: ChannelOptions) -> Result<Channel, FieldError> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))
        .map_err(|error| FieldError::new("address", format!("{address:?}: {error}")))?
        .connect_timeout(ms(options.connect_timeout_ms))
        .http2_keep_alive_interval(ms(options.keepalive_interval_ms))
        .keep_alive_timeout(ms(options.keepalive_timeout_ms))
        .keep_alive_while_idle(true)
        .tcp_nodelay(true)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .initial_stream_window_size(STREAM_WINDOW_BYTES);
    Ok(endpoint.connect_lazy())
}
