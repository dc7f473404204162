//! The command line: reads it, starts what it asks for, prints the report. What a command does stands elsewhere.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use kerb_types::SystemClock;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::demo::{DemoOptions, demo};
use crate::lab::commands::{LabArgs, LiveArgs};
use crate::lab::compare::Children;
use crate::lab::compare_cli::CompareArgs;
use crate::lab::fleet_size::{FleetSizeOptions, fleet_size};
use crate::lab::report_cli::{ReportOptions, report};
use crate::lab::virtual_time::virtual_runtime;
use crate::signals;
use kerb_loadgen::extract::{trip_lines, write_gz, write_trips_gz};
use kerb_loadgen::load::load;
use kerb_loadgen::options::{LoadOptions, ReplayOptions};
use kerb_loadgen::peers::{PeersOptions, peers};
use kerb_loadgen::pings::Pings;
use kerb_loadgen::replay::{Out, replay};

/// Exit code when an answer was wrong or a promise given twice.
const EXIT_WRONG: u8 = 1;
/// Exit code when there was no run.
const EXIT_FAILED: u8 = 2;

/// Drives a fleet against running kerb nodes and judges every answer
#[derive(Parser, Debug)]
#[command(name = "simulator", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Replay taxi pings, one gRPC stream a cab, and judge random searches meanwhile
    Replay(ReplayOptions),
    /// Load a node with a synthetic fleet and measure
    Load(LoadOptions),
    /// Measure kerb beside Redis, Valkey and Tile38, where their servers are on this machine
    Peers(PeersOptions),
    /// Start a whole node in this process, run half an hour of San Francisco on it in a minute and a half, judge it
    Demo(DemoOptions),
    /// The fewest vehicles that could have served a day of real trips, and how a fixed fleet serves it minute by minute
    FleetSize(FleetSizeOptions),
    /// Run a scenario's city on all of Kerb in this process, under virtual time: the same for the same seed
    Lab(LabArgs),
    /// Run a scenario's city against running nodes
    Live(LiveArgs),
    /// Run policies side by side on the same riders and drivers
    Compare(CompareArgs),
    /// Write one HTML page about runs: figures with intervals, plots, maps
    Report(ReportOptions),
    /// Cut a part out of a file of pings or trips
    Slice(SliceOptions),
}

#[derive(Args, Debug)]
struct SliceOptions {
    /// The file of pings to cut from
    #[arg(long, value_name = "FILE", required_unless_present = "trips")]
    pings: Option<PathBuf>,
    /// The file of trips to cut from
    #[arg(long, value_name = "FILE", conflicts_with = "pings")]
    trips: Option<PathBuf>,
    /// Begin here, unix seconds
    #[arg(long, value_name = "UNIX_S")]
    from: i64,
    /// How many minutes
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    minutes: u16,
    /// The file to write, gzipped
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Reads the arguments and runs.
pub fn run() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Replay(options) => replay_command(options),
        Command::Load(options) => load_command(options),
        Command::Peers(options) => peers_command(options),
        Command::Demo(options) => demo_command(&options),
        Command::FleetSize(options) => fleet_size_command(&options),
        Command::Lab(options) => lab_command(&options),
        Command::Live(options) => live_command(&options),
        Command::Compare(options) => compare_command(&options),
        Command::Report(options) => report_command(&options),
        Command::Slice(options) => slice_command(&options),
    };
    outcome.unwrap_or_else(|reason| {
        _ = writeln!(io::stderr(), "simulator: {reason}");
        ExitCode::from(EXIT_FAILED)
    })
}

fn replay_command(options: ReplayOptions) -> Result<ExitCode, String> {
    let json = options.json;
    let out = if json || io::IsTerminal::is_terminal(&io::stderr()) { Out::Stderr } else { Out::Stdout };
    let report = runtime(2)?.block_on(async {
        let stop = stop_on_signal()?;
        replay(options, &SystemClock, out, stop).await.map_err(|e| e.to_string())
    })?;
    print(&report, json)?;
    Ok(verdict(report.wrong_answers == 0))
}

fn demo_command(options: &DemoOptions) -> Result<ExitCode, String> {
    let report = runtime(2)?.block_on(async { demo(options, stop_on_signal()?).await })?;
    print(&report, options.json)?;
    Ok(verdict(report.is_right()))
}

fn verdict(is_right: bool) -> ExitCode {
    if is_right { ExitCode::SUCCESS } else { ExitCode::from(EXIT_WRONG) }
}

fn load_command(options: LoadOptions) -> Result<ExitCode, String> {
    let json = options.json;
    let report =
        runtime(options.threads as usize)?.block_on(async { load(options, stop_on_signal()?).await })?;
    print(&report, json)?;
    Ok(ExitCode::SUCCESS)
}

fn peers_command(options: PeersOptions) -> Result<ExitCode, String> {
    let json = options.json;
    let report = runtime(2)?.block_on(peers(options))?;
    print(&report, json)?;
    Ok(if report.exact { ExitCode::SUCCESS } else { ExitCode::from(EXIT_WRONG) })
}

fn fleet_size_command(options: &FleetSizeOptions) -> Result<ExitCode, String> {
    let began = tokio::time::Instant::now();
    let elapsed_us = || began.elapsed().as_micros() as u64;
    let tell = |what: &str| _ = writeln!(io::stderr(), "{what}");
    let report = fleet_size(options, &elapsed_us, &tell).map_err(|e| e.to_string())?;
    print(&report, options.json)?;
    Ok(ExitCode::SUCCESS)
}

fn lab_command(options: &LabArgs) -> Result<ExitCode, String> {
    // Signals come in real time, so they have a runtime of their own.
    let own = runtime(1)?;
    let stop = own.block_on(async { stop_on_signal() })?;
    let summary = virtual_runtime().map_err(|e| e.to_string())?.block_on(options.lab(stop))?;
    print(&summary, options.json())?;
    Ok(verdict(summary.is_right()))
}

fn live_command(options: &LiveArgs) -> Result<ExitCode, String> {
    let summary = runtime(2)?.block_on(async { options.live(stop_on_signal()?).await })?;
    print(&summary, options.json())?;
    Ok(verdict(summary.is_right()))
}

fn compare_command(options: &CompareArgs) -> Result<ExitCode, String> {
    let runtime = runtime(1)?;
    let stop = runtime.block_on(async { stop_on_signal() })?;
    let (children, stopped) = (Children::default(), stop.clone());
    let to_end = children.clone();
    runtime.spawn(async move {
        stopped.cancelled().await;
        to_end.end();
    });
    let table = options.compare(children, &|| stop.is_cancelled())?;
    print(&table, options.json())?;
    Ok(verdict(table.is_right()))
}

fn report_command(options: &ReportOptions) -> Result<ExitCode, String> {
    _ = writeln!(io::stdout(), "{}", report(options)?);
    Ok(ExitCode::SUCCESS)
}

fn slice_command(options: &SliceOptions) -> Result<ExitCode, String> {
    let within_s = options.from..options.from + i64::from(options.minutes) * 60;
    match (&options.trips, &options.pings) {
        (Some(trips), _) => slice_trips(trips, &within_s, &options.out),
        (None, Some(pings)) => slice_pings(pings, &within_s, &options.out),
        (None, None) => Err("nothing to cut from: give --pings or --trips".to_owned()),
    }
}

fn slice_trips(trips: &Path, within_s: &Range<i64>, out: &Path) -> Result<ExitCode, String> {
    let lines = trip_lines(trips, within_s).map_err(|e| e.to_string())?;
    if lines.is_empty() {
        return Err("no trips in these minutes".to_owned());
    }
    let told = |e: io::Error| format!("{}: {e}", out.display());
    let file = File::create(out).map_err(told)?;
    write_trips_gz(&lines, BufWriter::new(file)).map_err(told)?;
    _ = writeln!(io::stdout(), "{} trips", lines.len());
    Ok(ExitCode::SUCCESS)
}

fn slice_pings(pings: &Path, within_s: &Range<i64>, out: &Path) -> Result<ExitCode, String> {
    let pings = Pings::read_file(pings).map_err(|e| e.to_string())?;
    let part = pings.cut(within_s.start, within_s.end);
    if part.pings.is_empty() {
        return Err(format!(
            "no pings in these minutes: the file has {} to {}, unix seconds",
            pings.begins_s(),
            pings.ends_s()
        ));
    }
    let told = |e: io::Error| format!("{}: {e}", out.display());
    let file = File::create(out).map_err(told)?;
    write_gz(&part, BufWriter::new(file)).map_err(told)?;
    _ = writeln!(io::stdout(), "{} pings of {} cabs", part.pings.len(), part.cabs.len());
    Ok(ExitCode::SUCCESS)
}

fn stop_on_signal() -> Result<CancellationToken, String> {
    signals::stop_on_signal().map_err(|e| format!("signals: {e}"))
}

fn runtime(threads: usize) -> Result<tokio::runtime::Runtime, String> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(threads).enable_all().build().map_err(|e| e.to_string())
}

fn print<R: Serialize + std::fmt::Display>(report: &R, json: bool) -> Result<(), String> {
    let text =
        if json { serde_json::to_string(report).map_err(|e| e.to_string())? } else { report.to_string() };
    // A reader that has gone away wants no report.
    _ = writeln!(io::stdout(), "{text}");
    Ok(())
}
