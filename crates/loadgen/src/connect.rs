//! Connections to nodes. They open on first use and reopen by themselves.

use std::time::Duration;

use tonic::transport::{Channel, Endpoint};

/// A connection that does not open in this time is tried elsewhere.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// A silent connection is asked for a sign of life this often, and given up when none comes in the same time.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// Bytes under way on one stream: the real bound on what waits here unread.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
/// Thousands of streams with tiny messages share a connection; a small window there would end it (see the h2
/// crate's limit on small unread frames, which follows this window).
const CONNECTION_WINDOW_BYTES: u32 = (1 << 31) - 1;

/// Several connections to each of several nodes.
#[derive(Clone, Debug)]
pub struct Endpoints {
    nodes: Vec<Vec<Channel>>,
}

impl Endpoints {
    /// `connections` to each of the `urls`. Refuses what is no URL; opens nothing yet.
    pub fn new(urls: &[String], connections: u32) -> Result<Self, String> {
        let node = |url: &String| (0..connections).map(|_| channel(url)).collect::<Result<Vec<_>, _>>();
        let nodes = urls.iter().map(node).collect::<Result<Vec<_>, _>>()?;
        if nodes.is_empty() { Err("no endpoint: give at least one".to_owned()) } else { Ok(Self { nodes }) }
    }

    /// How many nodes.
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// A connection to a node, by any numbers: both wrap around.
    pub fn get(&self, node: usize, connection: usize) -> Channel {
        let connections = &self.nodes[node % self.nodes.len()];
        connections[connection % connections.len()].clone()
    }
}

/// One connection. Must be called within a runtime.
pub fn channel(url: &str) -> Result<Channel, String> {
    let endpoint = Endpoint::from_shared(url.to_owned())
        .map_err(|e| format!("endpoint {url:?}: {e}, must be like http://127.0.0.1:7717"))?;
    if endpoint.uri().scheme().is_none() || endpoint.uri().host().is_none() {
        return Err(format!("endpoint {url:?}: must be like http://127.0.0.1:7717"));
    }
    Ok(endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .keep_alive_while_idle(true)
        .tcp_nodelay(true)
        .connect_lazy())
}
