//! Membership, failure detection, the remote ports and the dispatch proxy, over loopback and with paused time.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod dispatch_proxy;
mod driver_channel;
mod driver_events;
mod embedded;
mod index_server;
mod liveness;
mod remote;
mod static_file;
