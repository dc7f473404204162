//! A city that drives itself: real taxis replayed over gRPC, riders and drivers who are matched, synthetic fleets for
//! load, and judges of every answer and every promise.
//!
//! The core (`pings`, `trips`, `track`, `history`, `query`, `judge`, `city`, `report`, the `city` of the `lab`) is synchronous and pure: time and
//! randomness are arguments. The rest is a thin async shell that is a client like any other: it reaches into no
//! service.

mod action;
pub mod cli;
pub mod demo;
pub mod lab;
mod signals;
