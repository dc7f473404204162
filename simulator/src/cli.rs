//! The command line: parses the arguments, starts the command, and prints its report.

mod compare_command;
pub mod demo;
mod extract_command;
mod progress_bar;
pub mod report_command;
pub mod run_commands;
mod signals;

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use kerb::terminal::{PrintError, note, print_help, print_json, print_line};
use kerb_loadgen::load::load;
use kerb_loadgen::options::{LoadOptions, ReplayOptions};
use kerb_loadgen::peers::{PeersOptions, peers};
use kerb_loadgen::replay::{Out, replay};
use kerb_types::SystemClock;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use self::compare_command::CompareArgs;
use self::demo::{DemoOptions, demo};
use self::extract_command::ExtractOptions;
use self::report_command::{ReportOptions, report};
use self::run_commands::{LabArgs, LiveArgs};
use crate::backends::virtual_time::virtual_runtime;
use crate::compare::Children;
use crate::fleet_size::{FleetSizeOptions, fleet_size};

/// Exit code if a checker found a fault.
const EXIT_FAULT: u8 = 1;
/// Exit code if the command failed.
const EXIT_FAILED: u8 = 2;

/// Simulates cities and fleets against kerb, and checks every answer
#[derive(Parser, Debug)]
#[command(name = "simulator", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Replay taxi pings, one gRPC stream per cab, and check random searches
    Replay(ReplayOptions),
    /// Load a node with a synthetic fleet and measure
    Load(LoadOptions),
    /// Measure kerb and those of Redis, Valkey and Tile38 that this machine has
    Peers(PeersOptions),
    /// Start a node in this process, simulate half an hour of San Francisco in a minute and a half, and check it
    Demo(DemoOptions),
    /// Compute the smallest fleet that serves a day of real trips, and the service of fixed fleets
    FleetSize(FleetSizeOptions),
    /// Run a scenario on all of Kerb in this process, under virtual time: the same result for the same seed
    Lab(LabArgs),
    /// Run a scenario against running nodes
    Live(LiveArgs),
    /// Compare policies on the same riders and drivers
    Compare(CompareArgs),
    /// Write an HTML page about runs: figures with intervals, plots, maps
    Report(ReportOptions),
    /// Copy a time range out of a file of pings or trips
    Extract(ExtractOptions),
}

/// Parses the arguments and runs the command.
pub fn run() -> ExitCode {
    let outcome = match Cli::try_parse() {
        Ok(cli) => execute(cli.command),
        Err(text) => print_help(&text).map(|()| ExitCode::SUCCESS).map_err(Failure::from),
    };
    match outcome {
        Ok(code) => code,
        // The reader has what it wanted.
        Err(Failure::Print(PrintError::Closed)) => ExitCode::SUCCESS,
        Err(failure) => {
            note(format_args!("simulator: {failure}"));
            ExitCode::from(EXIT_FAILED)
        }
    }
}

/// Why a command has no result.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Failed(String),
    #[error(transparent)]
    Print(#[from] PrintError),
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self::Failed(reason)
    }
}

fn execute(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Replay(options) => replay_command(options),
        Command::Load(options) => load_command(options),
        Command::Peers(options) => peers_command(options),
        Command::Demo(options) => demo_command(&options),
        Command::FleetSize(options) => fleet_size_command(&options),
        Command::Lab(options) => lab_command(&options),
        Command::Live(options) => live_command(&options),
        Command::Compare(options) => compare_command(&options),
        Command::Report(options) => done(&report(&options)?),
        Command::Extract(options) => done(&options.extract()?),
    }
}

/// Prints a line about what was done.
fn done(line: &str) -> Result<ExitCode, Failure> {
    print_line(line)?;
    Ok(ExitCode::SUCCESS)
}

fn replay_command(options: ReplayOptions) -> Result<ExitCode, Failure> {
    let json = options.json;
    let out = if json || io::stderr().is_terminal() { Out::Stderr } else { Out::Stdout };
    let report = runtime(2)?.block_on(async {
        let stop = stop_on_signal()?;
        replay(options, &SystemClock, out, stop).await.map_err(|e| e.to_string())
    })?;
    print(&report, json)?;
    Ok(exit_code(report.wrong_answers == 0))
}

fn demo_command(options: &DemoOptions) -> Result<ExitCode, Failure> {
    let report = runtime(2)?.block_on(async { demo(options, stop_on_signal()?).await })?;
    print(&report, options.json)?;
    Ok(exit_code(report.is_correct()))
}

fn exit_code(is_correct: bool) -> ExitCode {
    if is_correct { ExitCode::SUCCESS } else { ExitCode::from(EXIT_FAULT) }
}

fn load_command(options: LoadOptions) -> Result<ExitCode, Failure> {
    let json = options.json;
    let report =
        runtime(options.threads as usize)?.block_on(async { load(options, stop_on_signal()?).await })?;
    print(&report, json)?;
    Ok(ExitCode::SUCCESS)
}

fn peers_command(options: PeersOptions) -> Result<ExitCode, Failure> {
    let json = options.json;
    let report = runtime(2)?.block_on(peers(options))?;
    print(&report, json)?;
    Ok(exit_code(report.exact))
}

fn fleet_size_command(options: &FleetSizeOptions) -> Result<ExitCode, Failure> {
    let began = tokio::time::Instant::now();
    let elapsed_us = || began.elapsed().as_micros() as u64;
    let progress = |step: &str| note(step);
    let report = fleet_size(options, &elapsed_us, &progress).map_err(|e| e.to_string())?;
    print(&report, options.json)?;
    Ok(ExitCode::SUCCESS)
}

fn lab_command(options: &LabArgs) -> Result<ExitCode, Failure> {
    // Signals arrive in real time, so they need a runtime of their own.
    let signal_runtime = runtime(1)?;
    let stop = signal_runtime.block_on(async { stop_on_signal() })?;
    let summary = virtual_runtime().map_err(|e| e.to_string())?.block_on(options.lab(stop))?;
    print(&summary, options.json())?;
    Ok(exit_code(summary.is_correct()))
}

fn live_command(options: &LiveArgs) -> Result<ExitCode, Failure> {
    let summary = runtime(2)?.block_on(async { options.live(stop_on_signal()?).await })?;
    print(&summary, options.json())?;
    Ok(exit_code(summary.is_correct()))
}

fn compare_command(options: &CompareArgs) -> Result<ExitCode, Failure> {
    let runtime = runtime(1)?;
    let stop = runtime.block_on(async { stop_on_signal() })?;
    let (children, stopped) = (Children::default(), stop.clone());
    let to_kill = children.clone();
    runtime.spawn(async move {
        stopped.cancelled().await;
        to_kill.kill_all();
    });
    let table = options.compare(children, &|| stop.is_cancelled())?;
    print(&table, options.json())?;
    Ok(exit_code(table.is_correct()))
}

fn stop_on_signal() -> Result<CancellationToken, String> {
    signals::stop_on_signal().map_err(|e| format!("signals: {e}"))
}

fn runtime(threads: usize) -> Result<tokio::runtime::Runtime, String> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(threads).enable_all().build().map_err(|e| e.to_string())
}

fn print<R: Serialize + std::fmt::Display>(report: &R, json: bool) -> Result<(), Failure> {
    if json {
        print_json(serde_json::to_string(report).map_err(|e| e.to_string())?)?;
    } else {
        print_line(report)?;
    }
    Ok(())
}
