//! Compares the index with simple models, runs its port's conformance suite, and searches next to a running writer.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod conformance;
mod crowd;
mod expiry;
mod extremes;
mod fleet;
mod grpc;
mod membership;
mod model;
mod readers;
mod search;
mod service;
