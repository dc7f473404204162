//! The `kerb` binary: the command line, the log and signals around the library.

#![warn(clippy::print_stdout, clippy::print_stderr)]

mod cli;
mod log;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    cli::run(cli::Cli::try_parse())
}
