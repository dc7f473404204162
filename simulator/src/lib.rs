//! A city that drives itself: real taxis replayed over gRPC, riders and drivers who are matched, synthetic fleets for
//! load, and judges of every answer and every promise.
//!
//! The core (`pings`, `trips`, `track`, `history`, `question`, `judge`, `city`, `report`, the `city` of the `lab`) is synchronous and pure: time and
//! randomness are arguments. The rest is a thin async shell that is a client like any other: it reaches into no
//! service.

pub mod action;
pub mod city;
pub mod cli;
pub mod connect;
pub mod demo;
pub mod history;
pub mod judge;
pub mod lab;
pub mod link;
pub mod load;
pub mod options;
pub mod peers;
pub mod pings;
pub mod plot;
pub mod question;
pub mod replay;
pub mod report;
pub mod sheet;
mod signals;
pub mod slice;
pub mod track;
pub mod trips;
