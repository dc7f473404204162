//! Connections to the other nodes: one a node, made on first use, made anew when its address changes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kerb_types::{FieldError, MembershipView, NodeId};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tonic::transport::{Channel, Endpoint};

use crate::server::{CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES};

/// Settings of connections to other nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChannelOptions {
    /// A connection that is not made in this time has failed, milliseconds.
    pub connect_timeout_ms: u32,
    /// An idle or silent connection is asked for a sign of life this often, milliseconds.
    pub keepalive_interval_ms: u32,
    /// A connection without that sign for this long is closed, milliseconds: so a vanished host is noticed.
    pub keepalive_timeout_ms: u32,
}

impl Default for ChannelOptions {
    fn default() -> Self {
        Self { connect_timeout_ms: 1_000, keepalive_interval_ms: 2_000, keepalive_timeout_ms: 2_000 }
    }
}

/// The connections of one process. Follows the membership: a node that is not listed has none.
pub struct Channels {
    view: watch::Receiver<Arc<MembershipView>>,
    options: ChannelOptions,
    made: Mutex<HashMap<NodeId, Made>>,
}

#[derive(Clone)]
struct Made {
    address: String,
    channel: Channel,
}

impl Channels {
    /// To the nodes of these views.
    pub fn new(view: watch::Receiver<Arc<MembershipView>>, options: ChannelOptions) -> Self {
        Self { view, options, made: Mutex::default() }
    }

    /// The connection to a node with an address; made on first use, in the background. Must be called inside a runtime.
    pub fn channel(&self, node: &NodeId) -> Option<Channel> {
        let view = self.view.borrow();
        let mut made = self.made.lock();
        let Some(address) = view.node(node).and_then(|node| node.address.as_deref()) else {
            made.remove(node);
            return None;
        };
        if let Some(known) = made.get(node).filter(|known| known.address == address) {
            return Some(known.channel.clone());
        }
        let channel = connect_lazily(address, self.options).ok()?;
        made.retain(|other, _| view.node(other).is_some());
        made.insert(node.clone(), Made { address: address.to_owned(), channel: channel.clone() });
        Some(channel)
    }
}

/// A connection to `host:port` that is made when it is first used, and again whenever it was lost.
pub fn connect_lazily(address: &str, options: ChannelOptions) -> Result<Channel, FieldError> {
    let refusal =
        |error: tonic::transport::Error| FieldError::new("address", format!("{address:?}: {error}"));
    let endpoint = Endpoint::from_shared(format!("http://{address}")).map_err(refusal)?;
    let ms = |ms: u32| Duration::from_millis(u64::from(ms));
    let endpoint = endpoint
        .connect_timeout(ms(options.connect_timeout_ms))
        .http2_keep_alive_interval(ms(options.keepalive_interval_ms))
        .keep_alive_timeout(ms(options.keepalive_timeout_ms))
        .keep_alive_while_idle(true)
        .tcp_nodelay(true)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .initial_stream_window_size(STREAM_WINDOW_BYTES);
    Ok(endpoint.connect_lazy())
}
