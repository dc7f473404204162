//! The suites that every implementation of a port runs, embedded and remote alike. For tests only.

#![allow(clippy::unwrap_used, reason = "a conformance suite fails by panicking")]

pub mod driver_channel;
pub mod driver_events;
pub mod index_server;
pub mod journal;
pub mod source;
pub mod travel_times;
