//! The conformance suites: the tests that every implementation of a port runs, in this process and remote alike.

#![allow(clippy::unwrap_used, reason = "a conformance suite fails by panicking")]

pub mod driver_channel;
pub mod driver_events;
pub mod index_server;
pub mod journal;
pub mod source;
pub mod travel_times;
