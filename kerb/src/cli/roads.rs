//! `kerb roads`: makes and inspects road networks, computes routes, and manages street speeds.

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
    /// Make a road network from an OpenStreetMap extract, or from tables of nodes and edges
    Import(import::Args),
    /// Show the contents of a road network
    Info(info::Args),
    /// Compute the fastest route between two positions
    Route(route::Args),
    /// Compute the area reachable from a position within some minutes
    Isochrone(isochrone::Args),
    /// List the directions of all segments as CSV or GeoJSON, as input for a speed file
    Segments(segments::Args),
    /// Set or show the street speeds of a running service
    #[command(subcommand)]
    Speeds(speeds::Command),
    /// Learn speeds by hour of the week from vehicle positions
    Learn(learn::Args),
    /// Compare travel times with recorded trips
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
