//! `kerb roads`: street networks, made, looked at and driven.

mod import;
mod info;
mod isochrone;
mod route;

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
}

pub(crate) fn run(command: Command) -> Result<Outcome, Failure> {
    match command {
        Command::Import(args) => import::run(&args),
        Command::Info(args) => info::run(&args),
        Command::Route(args) => route::run(&args),
        Command::Isochrone(args) => isochrone::run(&args),
    }
}
