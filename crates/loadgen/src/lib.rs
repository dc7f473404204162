//! Load generation and checkers: replayed taxis, synthetic fleets, the comparison with other servers, and the
//! checkers that compare every answer with what was sent.
//!
//! A client of the public API: nothing here reaches into a service.

#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod checker;
pub mod city;
pub mod connect;
pub mod driver_stream;
pub mod history;
pub mod load;
pub mod options;
pub mod peers;
pub mod plot;
pub mod query;
pub mod recorded;
pub mod replay;
pub mod report;
