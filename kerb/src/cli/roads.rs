//! `kerb roads`: street networks, made, looked at and driven; speeds of running nodes.

mod days;
mod evaluate;
mod import;
mod info;
mod isochrone;
mod learn;
mod route;
mod segments;
mod snap;
mod speeds;

use super::client;
use super::failure::{Failure, Outcome};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Make a road network out of an OpenStreetMap extract, or out of tables of nodes and edges
    Import(import::Args),
    /// What a road network holds
    Info(info::Args),
    /// The fastest way between two positions
    Route(route::Args),
    /// The area that is reached from a position within some minutes
    Isochrone(isochrone::Args),
    /// The directions of all segments as CSV or GeoJSON, for who is to give them speeds
    Segments(segments::Args),
    /// Speeds of a running service's streets: set, show
    #[command(subcommand)]
    Speeds(speeds::Command),
    /// Learn speeds by hour of the week from positions of cars
    Learn(learn::Args),
    /// Compare travel times with trips that were driven
    Evaluate(evaluate::Args),
}

pub(crate) fn run(command: Command) -> Result<Outcome, Failure> {
    match command {
        Command::Import(args) => import::run(&args),
        Command::Info(args) => info::run(&args),
        Command::Route(args) => route::run(&args),
        Command::Isochrone(args) => isochrone::run(&args),
        Command::Segments(args) => segments::run(&args),
        Command::Speeds(command) => client::run(speeds::run(command)),
        Command::Learn(args) => learn::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
    }
}
