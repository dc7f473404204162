//! The server and its connections, over loopback.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use kerb_types::NodeId;

mod connection;
mod internal_calls;
mod server;

fn node(id: &str) -> NodeId {
    NodeId::new(id).unwrap()
}
