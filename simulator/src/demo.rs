//! The demo: a whole node in this process and a city on it. First riders and drivers are matched and every promise is
//! judged, then real taxis are replayed and every search is judged. Over in a minute and a half.

mod figures;
mod telling;

use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use kerb::settings::DataDir;
use kerb::{ALL_ROLES, Node, Settings};
use kerb_types::SystemClock;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::lab::play::Play;
use crate::lab::real_time::{LiveOptions, live};
use crate::lab::record::RunRecord;
use crate::lab::scenario::{DemandSource, Scenario};
pub use figures::Figures;
use kerb_loadgen::options::ReplayOptions;
use kerb_loadgen::replay::{Out, replay};
use kerb_loadgen::report::ReplayReport;
use telling::Telling;

/// The city that is run.
const SCENARIO: &str = "sf-demo";
/// A line of news this often, milliseconds of real time.
const NEWS_EVERY_MS: f64 = 3_000.0;
/// Over which the drivers' streams are spread.
const CONNECTIONS: u32 = 8;
/// The shipped half hour takes 50 s.
const SPEED_UP: f64 = 36.0;
/// San Francisco in May.
const UTC_OFFSET_H: i32 = -7;

/// Settings of the demo.
#[derive(Args, Clone, Debug, Serialize)]
pub struct DemoOptions {
    /// How much faster than life; half an hour then takes 50 s
    #[arg(long, default_value_t = SPEED_UP, value_parser = kerb_loadgen::options::parse_positive)]
    pub speed_up: f64,
    /// Match riders for so many seconds of the half hour
    #[arg(long, value_name = "SECONDS", default_value_t = 1_800, value_parser = clap::value_parser!(u32).range(1..=604_800))]
    pub ride_seconds: u32,
    /// Replay so many seconds of the half hour
    #[arg(long, value_name = "SECONDS", default_value_t = 900, value_parser = clap::value_parser!(i64).range(1..))]
    pub replay_seconds: i64,
    /// Trips that riders ask for, in place of those of San Francisco: CSV, plain or .gz, with the first columns
    /// `request_time`, `pickup_lat`, `pickup_lon`, `dropoff_lat`, `dropoff_lon`, `passengers`
    #[arg(long, value_name = "FILE")]
    pub trips: Option<PathBuf>,
    /// Random queries asked and judged a second
    #[arg(long, default_value_t = 100.0, value_parser = kerb_loadgen::options::parse_positive)]
    pub searches_per_second: f64,
    /// Of all randomness
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Print the report as one JSON object, and the news on standard error
    #[arg(long)]
    pub json: bool,
}

/// The results of both parts.
#[derive(Clone, Debug, Serialize)]
pub struct DemoReport {
    /// Searches and positions.
    #[serde(flatten)]
    pub replay: ReplayReport,
    /// Rides and promises.
    #[serde(flatten)]
    pub rides: Figures,
}

impl DemoReport {
    /// No wrong answer and no promise given twice.
    pub fn is_right(&self) -> bool {
        self.replay.wrong_answers == 0 && self.rides.is_right()
    }
}

impl fmt::Display for DemoReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.rides, self.replay)
    }
}

/// Starts a node as `kerb serve` does, on a free port and with an empty data folder, runs the city and the replay
/// against it, and stops it.
pub async fn demo(options: &DemoOptions, stop: CancellationToken) -> Result<DemoReport, String> {
    let scenario = scenario(options)?;
    // Trips take a moment to unpack: too long for a thread that serves connections.
    let play = tokio::task::spawn_blocking(move || Play::load(&scenario, None));
    let play = play.await.map_err(|e| e.to_string())?.map_err(|e| e.to_string())?;
    let data = tempfile::tempdir().map_err(|e| format!("a temporary folder: {e}"))?;
    let settings = city_settings(options.speed_up, DataDir(Some(data.path().to_owned())));
    let node = Node::start(settings, &ALL_ROLES).await.map_err(|e| e.to_string())?;
    say(options, &introduction(node.address(), options));
    let report = both(node.address(), &play, options, stop).await;
    node.shutdown().await;
    report
}

/// What is not the report goes to standard error when that is JSON.
fn say(options: &DemoOptions, text: &str) {
    // A reader that has gone away does not end the demo.
    _ = if options.json { writeln!(io::stderr(), "{text}") } else { writeln!(io::stdout(), "{text}") };
}

fn scenario(options: &DemoOptions) -> Result<Scenario, String> {
    let mut scenario = Scenario::shipped(SCENARIO).map_err(|e| e.to_string())?;
    scenario.duration_s = options.ride_seconds;
    if let Some(trips) = &options.trips {
        let file = trips.to_str().ok_or_else(|| format!("{}: must be UTF-8", trips.display()))?.to_owned();
        scenario.demand.source = DemandSource::Trips { file, shift_s: 0 };
    }
    Ok(scenario)
}

async fn both(
    address: SocketAddr,
    play: &Play,
    options: &DemoOptions,
    stop: CancellationToken,
) -> Result<DemoReport, String> {
    let run = city(address, play, options, &stop).await?;
    let next = "\nAll drivers have signed off. Now the taxis of the same half hour drive as they did, and random queries\n\
        are asked: every answer is judged against all positions that were sent.\n";
    say(options, next);
    let out = if options.json { Out::Stderr } else { Out::Stdout };
    let replayed = replay(replay_options(address, options), &SystemClock, out, stop).await;
    say(options, "");
    Ok(DemoReport { replay: replayed.map_err(|e| e.to_string())?, rides: Figures::of(&run) })
}

/// Riders and drivers against the node.
async fn city(
    address: SocketAddr,
    play: &Play,
    options: &DemoOptions,
    stop: &CancellationToken,
) -> Result<RunRecord, String> {
    let mut city = play.city(options.seed);
    let live_options = LiveOptions {
        endpoints: vec![format!("http://{address}")],
        connections: CONNECTIONS,
        speed_up: options.speed_up,
        seed: options.seed,
    };
    let mut tell = |text: &str| say(options, text);
    let every_ms = (NEWS_EVERY_MS * options.speed_up) as i64;
    let mut people = Telling::new(&mut city, UTC_OFFSET_H, every_ms, &mut tell);
    let end = live(&mut people, &live_options, stop, |_| ()).await?;
    Ok(play.record(city, end, options.seed, None))
}

/// Settings of a node for a city that runs `speed_up` times faster than life: its matcher's limits of time are divided,
/// so that a second of the city means as much to the node as to riders and drivers. Ways and their times stay in the
/// city's seconds.
pub fn city_settings(speed_up: f64, data_dir: DataDir) -> Settings {
    let mut settings = Settings::default();
    settings.node.listen = Some(([127, 0, 0, 1], 0).into());
    settings.node.data_dir = data_dir;
    // A driver who reports every 3 s of the city reports a dozen times a second.
    settings.location_ingest.driver_updates_per_s = 0;
    let matcher = &mut settings.matcher;
    let limits = [
        &mut matcher.window_ms,
        &mut matcher.window_min_ms,
        &mut matcher.offer_ms,
        &mut matcher.reconnect_grace_ms,
        &mut matcher.meter_checkpoint_ms,
        &mut matcher.track_interval_ms,
    ];
    for limit_ms in limits {
        *limit_ms = (f64::from(*limit_ms) / speed_up).round().max(1.0) as u32;
    }
    // A second of waiting is more of the city's time than before.
    matcher.wait_credit = (f64::from(matcher.wait_credit) * speed_up).round() as u32;
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

fn introduction(address: SocketAddr, options: &DemoOptions) -> String {
    let matcher = city_settings(options.speed_up, DataDir(None)).matcher;
    format!(
        "A whole kerb node is up at {address}: location ingest, index server, aggregator and matcher.\n\
         San Francisco, Thursday 22 May 2008, from 17:00, {} times as fast: riders ask for the trips that were really\n\
         made, drivers begin where the real cabs were first free, accept most offers, and drive. The matcher's window of\n\
         1 s is {} ms here, its 15 s for an offer {} ms. Every promise is judged by what riders and drivers saw.\n",
        options.speed_up, matcher.window_ms, matcher.offer_ms
    )
}
