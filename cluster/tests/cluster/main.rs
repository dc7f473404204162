//! Membership, liveness, the server and the remote ports, over loopback and paused time; journals, on disk.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod channel;
mod conformance;
mod connection;
mod desk;
mod door;
mod embedded;
mod journal;
mod liveness;
mod remote;
mod server;
mod static_file;
