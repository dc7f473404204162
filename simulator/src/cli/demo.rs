//! The demo: a node in this process and a city that runs on it.
//!
//! First riders and drivers are matched, and every assignment is checked. Then real taxis are replayed, and every search
//! answer is checked. The demo takes a minute and a half.

mod figures;
mod narrator;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use kerb::settings::DataDir;
use kerb::terminal::{note, print_line};
use kerb::{ALL_ROLES, Node, Settings};
use kerb_loadgen::options::ReplayOptions;
use kerb_loadgen::replay::{Out, replay};
use kerb_loadgen::report::ReplayReport;
use kerb_types::SystemClock;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::backends::real_time::{LiveOptions, live};
use crate::metrics::record::RunRecord;
use crate::run::prepared_run::PreparedRun;
use crate::scenario::{DemandSource, Scenario};
pub use figures::RideReport;
use narrator::Narrator;

/// The scenario of the demo.
const SCENARIO: &str = "sf-demo";
/// Interval between two lines about the city, milliseconds of real time.
const LINE_EVERY_MS: f64 = 3_000.0;
/// Connections that share the drivers' streams.
const CONNECTIONS: u32 = 8;
/// Half an hour takes 50 s.
const SPEED_UP: f64 = 36.0;
/// San Francisco in May.
const UTC_OFFSET_H: i32 = -7;

/// Options of `simulator demo`.
#[derive(Args, Clone, Debug, Serialize)]
pub struct DemoOptions {
    /// Ratio of the city's time to real time; half an hour takes 50 s by default
    #[arg(long, default_value_t = SPEED_UP, value_parser = kerb_loadgen::options::parse_positive)]
    pub speed_up: f64,
    /// Match riders during this many seconds of the half hour
    #[arg(long, value_name = "SECONDS", default_value_t = 1_800, value_parser = clap::value_parser!(u32).range(1..=604_800))]
    pub ride_seconds: u32,
    /// Replay taxis during this many seconds of the half hour
    #[arg(long, value_name = "SECONDS", default_value_t = 900, value_parser = clap::value_parser!(i64).range(1..))]
    pub replay_seconds: i64,
    /// Trips that riders request, instead of those of San Francisco: CSV, plain or .gz, with the first columns
    /// `request_time`, `pickup_lat`, `pickup_lon`, `dropoff_lat`, `dropoff_lon`, `passengers`
    #[arg(long, value_name = "FILE")]
    pub trips: Option<PathBuf>,
    /// Random searches per second that are sent and checked
    #[arg(long, default_value_t = 100.0, value_parser = kerb_loadgen::options::parse_positive)]
    pub searches_per_second: f64,
    /// Seed of all random streams
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Print the report as one JSON object, and the lines about the city on standard error
    #[arg(long)]
    pub json: bool,
}

/// The results of both parts.
#[derive(Clone, Debug, Serialize)]
pub struct DemoReport {
    /// Searches and positions.
    #[serde(flatten)]
    pub replay: ReplayReport,
    /// Rides and assignments.
    #[serde(flatten)]
    pub rides: RideReport,
}

impl DemoReport {
    /// Returns true if there is no wrong answer and no double assignment.
    pub fn is_correct(&self) -> bool {
        self.replay.wrong_answers == 0 && self.rides.is_correct()
    }
}

impl fmt::Display for DemoReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.rides, self.replay)
    }
}

/// Starts a node as `kerb serve` does, on a free port and with an empty data directory. Runs the city and the replay
/// against it, and stops it.
pub async fn demo(options: &DemoOptions, stop: CancellationToken) -> Result<DemoReport, String> {
    let scenario = scenario(options)?;
    // Decompressing the trips would block a thread that serves connections for too long.
    let prepared = tokio::task::spawn_blocking(move || PreparedRun::load(&scenario, None));
    let prepared = prepared.await.map_err(|e| e.to_string())?.map_err(|e| e.to_string())?;
    let data = tempfile::tempdir().map_err(|e| format!("a temporary folder: {e}"))?;
    let settings = city_settings(options.speed_up, DataDir(Some(data.path().to_owned())));
    let node = Node::start(settings, &ALL_ROLES).await.map_err(|e| e.to_string())?;
    print(options, &banner(node.address(), options));
    let report = run_both(node.address(), &prepared, options, stop).await;
    node.shutdown().await;
    report
}

/// Prints a line. Standard output belongs to the report if that is JSON.
fn print(options: &DemoOptions, text: &str) {
    if options.json {
        note(text);
    } else {
        // A closed pipe does not end the demo; a full disk makes the report at its end fail.
        let _unwritten = print_line(text);
    }
}

fn scenario(options: &DemoOptions) -> Result<Scenario, String> {
    let mut scenario = Scenario::shipped(SCENARIO).map_err(|e| e.to_string())?;
    scenario.duration_s = options.ride_seconds;
    // The demo ends when its time is over, with open requests; it compares nothing.
    (scenario.warm_up_s, scenario.drain_s) = (Some(0), 0);
    if let Some(trips) = &options.trips {
        let file = trips.to_str().ok_or_else(|| format!("{}: must be UTF-8", trips.display()))?.to_owned();
        scenario.demand.source = DemandSource::Trips { file, shift_s: 0 };
    }
    Ok(scenario)
}

async fn run_both(
    address: SocketAddr,
    prepared: &PreparedRun,
    options: &DemoOptions,
    stop: CancellationToken,
) -> Result<DemoReport, String> {
    let run = run_city(address, prepared, options, &stop).await?;
    let next = "\nAll drivers have signed off. Next, the taxis of the same half hour are replayed, and random searches\n\
        are sent: every answer is checked against all positions that were sent.\n";
    print(options, next);
    let out = if options.json { Out::Stderr } else { Out::Stdout };
    let replayed = replay(replay_options(address, options), &SystemClock, out, stop).await;
    print(options, "");
    Ok(DemoReport { replay: replayed.map_err(|e| e.to_string())?, rides: RideReport::new(&run) })
}

/// Runs riders and drivers against the node.
async fn run_city(
    address: SocketAddr,
    prepared: &PreparedRun,
    options: &DemoOptions,
    stop: &CancellationToken,
) -> Result<RunRecord, String> {
    let mut city = prepared.city(options.seed);
    let live_options = LiveOptions {
        endpoints: vec![format!("http://{address}")],
        connections: CONNECTIONS,
        speed_up: options.speed_up,
        seed: options.seed,
    };
    let mut print_line = |text: &str| print(options, text);
    let every_ms = (LINE_EVERY_MS * options.speed_up) as i64;
    let mut agents = Narrator::new(&mut city, UTC_OFFSET_H, every_ms, &mut print_line);
    let end = live(&mut agents, &live_options, stop, |_| ()).await?;
    Ok(prepared.record(city, end, options.seed, None))
}

/// Returns the settings of a node for a city that runs `speed_up` times faster than real time. The matcher's time limits
/// are divided, so that they are as long for the node as for riders and drivers. Travel times stay in the city's seconds.
pub fn city_settings(speed_up: f64, data_dir: DataDir) -> Settings {
    let mut settings = Settings::default();
    settings.node.listen = Some(([127, 0, 0, 1], 0).into());
    settings.node.data_dir = data_dir;
    // A driver who reports every 3 s of the city's time reports a dozen times per real second.
    settings.location_ingest.driver_updates_per_s = 0;
    let matcher = &mut settings.matcher;
    let limits = [
        &mut matcher.window_min_ms,
        &mut matcher.window_max_ms,
        &mut matcher.offer_ms,
        &mut matcher.silence_ms,
        &mut matcher.reconnect_grace_ms,
        &mut matcher.on_trip_grace_ms,
        &mut matcher.meter_checkpoint_ms,
        &mut matcher.track_interval_ms,
    ];
    for limit_ms in limits {
        *limit_ms = (f64::from(*limit_ms) / speed_up).round().max(1.0) as u32;
    }
    // Vehicles cover the city's meters in real seconds.
    matcher.vehicle_speed_max_kmh = (f64::from(matcher.vehicle_speed_max_kmh) * speed_up).ceil() as u32;
    // A real second of waiting is `speed_up` seconds of the city's time.
    matcher.wait_credit *= speed_up;
    matcher.pickup_rise_s = (f64::from(matcher.pickup_rise_s) / speed_up).round() as u32;
    settings
}

fn replay_options(address: SocketAddr, options: &DemoOptions) -> ReplayOptions {
    ReplayOptions {
        endpoints: vec![format!("http://{address}")],
        speed_up: options.speed_up,
        duration: Some(options.replay_seconds),
        searches_per_second: options.searches_per_second,
        utc_offset_h: UTC_OFFSET_H,
        seed: options.seed,
        json: options.json,
        ..ReplayOptions::default()
    }
}

fn banner(address: SocketAddr, options: &DemoOptions) -> String {
    let matcher = city_settings(options.speed_up, DataDir(None)).matcher;
    format!(
        "A kerb node with all roles runs at {address}: location ingest, index server, aggregator and matcher.\n\
         San Francisco, Thursday 22 May 2008, from 17:00, at {}x real time: riders request the trips that were really\n\
         made, drivers begin where the real cabs were first free, accept most offers, and drive. The matcher's windows\n\
         of at most 5 s take at most {} ms here, its 15 s for an offer {} ms. Every assignment is checked against the\n\
         messages of riders and drivers.\n",
        options.speed_up, matcher.window_max_ms, matcher.offer_ms
    )
}
