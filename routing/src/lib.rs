//! Travel times on streets.
//!
//! This crate knows nothing of drivers, trips, time of day or the wire.

pub mod engine;
