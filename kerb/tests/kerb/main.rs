//! Kerb as a whole, from outside: the built binary on free ports, called over the wire.

mod abuse;
mod bad_input;
mod cli;
mod cluster;
mod comparison;
mod health_and_reflection;
mod rides;
mod roads;
mod serve;
mod settings;
mod stdout;
mod support;
mod trips_cli;
