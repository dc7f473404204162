//! The command line: reads it, starts what it asks for, prints the report. What a command does stands elsewhere.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use kerb_fleet::SystemClock;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::demo::{DemoOptions, demo};
use crate::load::load;
use crate::options::{LoadOptions, ReplayOptions};
use crate::peers::{PeersOptions, peers};
use crate::pings::Pings;
use crate::replay::{Out, replay};
use crate::report::ReplayReport;
use crate::slice::write_gz;

/// Exit code when an answer was wrong.
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
    /// Start a whole node in this process, replay half an hour of San Francisco against it in under a minute, judge it
    Demo(DemoOptions),
    /// Cut a part out of a file of pings
    Slice(SliceOptions),
}

#[derive(Args, Debug)]
struct SliceOptions {
    /// The file to cut from
    #[arg(long, value_name = "FILE")]
    pings: PathBuf,
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
        let stop = stop_on_signal();
        replay(options, &SystemClock, out, stop).await.map_err(|e| e.to_string())
    })?;
    print(&report, json)?;
    Ok(verdict(&report))
}

fn demo_command(options: &DemoOptions) -> Result<ExitCode, String> {
    let report = runtime(2)?.block_on(async { demo(options, stop_on_signal()).await })?;
    print(&report, options.json)?;
    Ok(verdict(&report))
}

fn verdict(report: &ReplayReport) -> ExitCode {
    if report.wrong_answers == 0 { ExitCode::SUCCESS } else { ExitCode::from(EXIT_WRONG) }
}

fn load_command(options: LoadOptions) -> Result<ExitCode, String> {
    let json = options.json;
    let report =
        runtime(options.threads as usize)?.block_on(async { load(options, stop_on_signal()).await })?;
    print(&report, json)?;
    Ok(ExitCode::SUCCESS)
}

fn peers_command(options: PeersOptions) -> Result<ExitCode, String> {
    let json = options.json;
    let report = runtime(2)?.block_on(peers(options))?;
    print(&report, json)?;
    Ok(if report.exact { ExitCode::SUCCESS } else { ExitCode::from(EXIT_WRONG) })
}

fn slice_command(options: &SliceOptions) -> Result<ExitCode, String> {
    let pings = Pings::read_file(&options.pings).map_err(|e| e.to_string())?;
    let part = pings.cut(options.from, options.from + i64::from(options.minutes) * 60);
    if part.pings.is_empty() {
        return Err(format!(
            "no pings in these minutes: the file has {} to {}, unix seconds",
            pings.begins_s(),
            pings.ends_s()
        ));
    }
    let told = |e: io::Error| format!("{}: {e}", options.out.display());
    let file = File::create(&options.out).map_err(told)?;
    write_gz(&part, BufWriter::new(file)).map_err(told)?;
    _ = writeln!(io::stdout(), "{} pings of {} cabs", part.pings.len(), part.cabs.len());
    Ok(ExitCode::SUCCESS)
}

fn runtime(threads: usize) -> Result<tokio::runtime::Runtime, String> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(threads).enable_all().build().map_err(|e| e.to_string())
}

/// Cancelled by the first Ctrl-C: the report so far still comes. The second one ends the process.
fn stop_on_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let cancelled = stop.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            cancelled.cancel();
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    });
    stop
}

fn print<R: Serialize + std::fmt::Display>(report: &R, json: bool) -> Result<(), String> {
    let text =
        if json { serde_json::to_string(report).map_err(|e| e.to_string())? } else { report.to_string() };
    // A reader that has gone away wants no report.
    _ = writeln!(io::stdout(), "{text}");
    Ok(())
}
