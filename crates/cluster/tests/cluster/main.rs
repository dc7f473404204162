//! Membership, liveness, the server and the remote ports, over loopback and paused time; journals, on disk.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod channel;
mod conformance;
mod desk;
mod door;
mod embedded;
mod liveness;
mod remote;
mod static_file;
