//! The command line of the binary: its commands, and the exit code of each outcome.

mod args;
mod client;
mod completions;
mod config;
mod driver;
mod failure;
mod markets;
mod nearby;
mod output;
mod quote;
mod rebuild;
mod roads;
mod server;
mod shards;
mod trips;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use kerb::terminal::{PrintError, note, print_help};
use kerb_types::Role;

use failure::{Failure, Outcome};
use output::{progress, table};

/// The exit codes, as `--help` prints them.
const EXIT_CODES: &str = "Exit codes:
  0  done, also if the reader of stdout closed its pipe
  1  failed: a server did not start, could not be reached or rejected the call, a journal has
     violations, or stdout could not be written
  2  wrong arguments or settings
  3  answered, but some shards did not answer";

/// Geospatial proximity and ride matching: driver positions in, nearby searches and rides out.
#[derive(Debug, Parser)]
#[command(name = "kerb", version, about, after_help = EXIT_CODES, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run all roles in one process; needs no configuration
    Serve(args::SettingsArgs),
    /// Run an ingest node: takes driver streams
    LocationIngest(args::SettingsArgs),
    /// Run an index server: holds shards
    IndexServer(args::SettingsArgs),
    /// Run an aggregator: answers searches
    Aggregator(args::SettingsArgs),
    /// Run the matcher: assigns drivers to ride requests and keeps trips
    Matcher(args::SettingsArgs),
    /// Find the drivers near a point, or in a polygon
    Nearby(nearby::Args),
    /// Quote a ride: pickup time, duration and length
    Quote(quote::Args),
    /// Show the state of one driver
    Driver(driver::Args),
    /// Show the nodes and the fullest shards
    Shards(shards::Args),
    /// Empty an index server, or some of its shards, and fill it again while updates go on
    Rebuild(rebuild::Args),
    /// Show, pause and resume markets
    Markets(markets::Args),
    /// Cancel and explain trips of a running service; check and export a journal on disk
    #[command(subcommand)]
    Trips(trips::Command),
    /// Make and inspect road networks, and compute routes
    #[command(subcommand)]
    Roads(roads::Command),
    /// Check or show the settings
    #[command(subcommand)]
    Config(config::Command),
    /// Print a completion script for a shell
    Completions(completions::Args),
}

/// Runs the command; a failure prints one plain line on stderr.
pub(crate) fn run(cli: Result<Cli, clap::Error>) -> ExitCode {
    match cli.map_or_else(
        |text| print_help(&text).map(|()| Outcome::Done).map_err(Failure::from),
        |cli| execute(cli.command),
    ) {
        Ok(Outcome::Done) | Err(Failure::Print(PrintError::Closed)) => ExitCode::SUCCESS,
        Ok(Outcome::Partial) => ExitCode::from(3),
        Err(failure) => {
            note(&failure);
            ExitCode::from(failure.code())
        }
    }
}

fn execute(command: Command) -> Result<Outcome, Failure> {
    match command {
        Command::Serve(args) => server::run(&args, &kerb::ALL_ROLES),
        Command::LocationIngest(args) => server::run(&args, &[Role::LocationIngest]),
        Command::IndexServer(args) => server::run(&args, &[Role::IndexServer]),
        Command::Aggregator(args) => server::run(&args, &[Role::Aggregator]),
        Command::Matcher(args) => server::run(&args, &[Role::Matcher]),
        Command::Nearby(args) => client::run(nearby::run(args)),
        Command::Quote(args) => client::run(quote::run(args)),
        Command::Driver(args) => client::run(driver::run(args)),
        Command::Shards(args) => client::run(shards::run(args)),
        Command::Rebuild(args) => client::run(rebuild::run(args)),
        Command::Markets(args) => client::run(markets::run(args)),
        Command::Trips(command) => client::run(trips::run(command)),
        Command::Roads(command) => roads::run(command),
        Command::Config(command) => config::run(&command),
        Command::Completions(args) => completions::run(&args),
    }
}
