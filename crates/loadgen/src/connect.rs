//! Connections to nodes. They open on first use and reopen by themselves.

use std::time::Duration;

use tonic::transport::{Channel, Endpoint};

/// Maximum time to open a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Interval of keepalive probes on a silent connection, and maximum wait for their answer.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// Bytes in flight on one stream: the real bound on what waits here unread.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
/// Thousands of streams with tiny messages share a connection; a small window would end it (see the h2
/// crate's limit on small unread frames, which follows this window).
const CONNECTION_WINDOW_BYTES: u32 = (1 << 31) - 1;

/// Several connections to each of several nodes.
#[derive(Clone, Debug)]
pub struct Endpoints {
    nodes: Vec<Vec<Channel>>,
}

impl Endpoints {
    /// Prepares `connections` to each of the `urls` without opening them. Refuses what is no URL.
    pub fn new(urls: &[String], connections: u32) -> Result<Self, String> {
        let node = |url: &String| (0..connections).map(|_| channel(url)).collect::<Result<Vec<_>, _>>();
        let nodes = urls.iter().map(node).collect::<Result<Vec<_>, _>>()?;
        if nodes.is_empty() { Err("no endpoint: give at least one".to_owned()) } else { Ok(Self { nodes }) }
    }

    /// Returns the number of nodes.
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// Returns a connection to a node. Both numbers wrap around.
    pub fn get(&self, node: usize, connection: usize) -> Channel {
        let connections = &self.nodes[node % self.nodes.len()];
        connections[connection % connections.len()].clone()
    }
}

/// Prepares one connection. Call it within a runtime.
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
