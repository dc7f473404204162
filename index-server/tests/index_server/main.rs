//! The index against a dumber truth, its port's suite, and readers beside a writer.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod conformance;
mod crowd;
mod expiry;
mod extremes;
mod fleet;
mod grpc;
mod model;
mod readers;
mod search;
mod service;
