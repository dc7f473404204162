//! The city simulator: agents on a map, scenarios, runs through the real service, and their evaluation.
//!
//! A [`scenario`] defines streets, riders, drivers and faults. [`city::City`] simulates its [`agents`]; it is pure, and
//! the same seed gives the same city. A [`run`] carries messages between the agents and a service. The [`backends`] are
//! a service in this process under virtual time, and running nodes behind gRPC. The [`checkers`] verify every run.
//! [`metrics`] turn a run's record into figures, [`stats`] into intervals, [`compare`] compares policies, and
//! [`report`] writes an HTML page. [`fleet_size`] computes the smallest fleet that serves a day of trips.
//!
//! The core (scenario, demand, agents, city, checkers, metrics, stats) is synchronous and pure: time and randomness are
//! arguments. The rest is a thin async shell. It uses the service as any client does.

#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod agents;
pub mod backends;
pub mod checkers;
pub mod city;
pub mod cli;
pub mod compare;
mod demand;
pub mod fleet_size;
pub mod metrics;
pub mod report;
pub mod run;
pub mod scenario;
pub mod stats;
