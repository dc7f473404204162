//! `simulator lab` and `simulator live`: a scenario is read, run and written down.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal};
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use kerb::Settings;
use tokio_util::sync::CancellationToken;

use super::city::City;
use super::real_time::{LiveOptions, live};
use super::record::RunRecord;
use super::run::RunEnd;
use super::scenario::{Loaded, Scenario};
use super::summary::Summary;
use super::virtual_time::{LabOptions, lab, virtual_runtime};

/// The bar is drawn anew after so much of the city's time, milliseconds.
const DRAW_EVERY_MS: i64 = 10_000;

/// What both ways to run are given.
#[derive(Args, Clone, Debug)]
pub struct ScenarioOptions {
    /// A scenario's file, or the name of one that comes with the simulator
    pub scenario: String,
    /// Where the scenario's data files are, if not beside it
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Seed of all randomness; the scenario's own by default
    #[arg(long)]
    pub seed: Option<u64>,
    /// Print the summary as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Write the whole run to this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `simulator lab`.
#[derive(Args, Clone, Debug)]
pub struct LabCommand {
    /// What to run.
    #[command(flatten)]
    pub scenario: ScenarioOptions,
    /// How trips are given to drivers: batch or nearest; as the scenario says by default
    #[arg(long)]
    pub policy: Option<String>,
}

/// `simulator live`.
#[derive(Args, Clone, Debug)]
pub struct LiveCommand {
    /// What to run.
    #[command(flatten)]
    pub scenario: ScenarioOptions,
    /// URL of a node; several times for several nodes
    #[arg(long = "endpoint", value_name = "URL", default_value = "http://127.0.0.1:7717")]
    pub endpoints: Vec<String>,
    /// Connections to each node
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub connections: u32,
    /// The city's time over real time
    #[arg(long, default_value_t = 1.0, value_parser = speed_up)]
    pub speed_up: f64,
}

fn speed_up(text: &str) -> Result<f64, String> {
    let range = 0.1..=100.0;
    let value = text.parse::<f64>().ok().filter(|value| range.contains(value));
    value.ok_or_else(|| format!("{text}, must be {} to {}", range.start(), range.end()))
}

impl LabCommand {
    /// Runs under virtual time.
    pub fn run(&self, stop: &CancellationToken) -> Result<Summary, String> {
        let mut prepared = Prepared::new(&self.scenario, self.policy.as_deref())?;
        let settings = settings(&prepared.loaded)?;
        let roads = prepared.loaded.ground.roads().cloned();
        let options = LabOptions { settings, seed: prepared.seed, roads };
        let runtime = virtual_runtime().map_err(|error| error.to_string())?;
        let progress = prepared.progress(self.scenario.json);
        let end = runtime.block_on(lab(&mut prepared.city, options, stop, progress));
        prepared.finish(end.map_err(|error| error.to_string())?, &self.scenario)
    }
}

impl LiveCommand {
    /// Runs against nodes, in real time or faster. Inside a tokio runtime.
    pub async fn run(&self, stop: &CancellationToken) -> Result<Summary, String> {
        let mut prepared = Prepared::new(&self.scenario, None)?;
        let options = LiveOptions {
            endpoints: self.endpoints.clone(),
            connections: self.connections,
            speed_up: self.speed_up,
            seed: prepared.seed,
        };
        let progress = prepared.progress(self.scenario.json);
        let end = live(&mut prepared.city, &options, stop, progress).await?;
        prepared.finish(end, &self.scenario)
    }
}

/// A city that is about to begin.
struct Prepared {
    loaded: Loaded,
    city: City,
    seed: u64,
    policy: String,
}

impl Prepared {
    fn new(options: &ScenarioOptions, policy: Option<&str>) -> Result<Self, String> {
        let file = Path::new(&options.scenario);
        let is_file = file.exists() || file.extension().is_some();
        let read = if is_file { Scenario::read(file) } else { Scenario::shipped(&options.scenario) };
        let mut scenario = read.map_err(|error| error.to_string())?;
        let key = "policy";
        if let Some(policy) = policy {
            scenario.matcher.insert(key.to_owned(), policy.into());
        }
        let policy =
            scenario.matcher.get(key).and_then(|policy| policy.as_str()).unwrap_or("batch").to_owned();
        let seed = options.seed.unwrap_or(scenario.seed);
        let loaded = scenario.load(options.data.as_deref()).map_err(|error| error.to_string())?;
        let city = City::new(&loaded, seed);
        Ok(Self { loaded, city, seed, policy })
    }

    fn progress(&self, quiet: bool) -> impl FnMut(i64) + use<> {
        let (from_ms, to_ms) = (self.city.from_ms(), self.city.to_ms());
        let bar = if quiet || !io::stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            ProgressBar::new((to_ms - from_ms).unsigned_abs() / 1_000).with_style(style())
        };
        let mut drawn_ms = from_ms;
        move |now_ms| {
            if now_ms - drawn_ms >= DRAW_EVERY_MS {
                drawn_ms = now_ms;
                bar.set_position((now_ms - from_ms).unsigned_abs() / 1_000);
            }
        }
    }

    fn finish(self, end: RunEnd, options: &ScenarioOptions) -> Result<Summary, String> {
        let scenario = &self.loaded.scenario;
        let city = self.city.into_record(end.at_ms);
        let record = RunRecord {
            scenario: scenario.name.clone(),
            scenario_toml: scenario.to_toml(),
            seed: self.seed,
            policy: self.policy,
            from_ms: city.from_ms,
            to_ms: city.to_ms,
            stopped: end.stopped,
            requests: city.requests,
            drivers: city.drivers,
            samples: city.samples,
            system: end.system,
            trace_hash: end.trace_hash,
        };
        if let Some(path) = &options.out {
            let told = |error: io::Error| format!("{}: {error}", path.display());
            let file = BufWriter::new(File::create(path).map_err(told)?);
            serde_json::to_writer(file, &record).map_err(|error| told(error.into()))?;
        }
        Ok(Summary::of(&record))
    }
}

/// The service's settings as the scenario wants them: its classes, its matcher's settings, and on a map without streets
/// the speed of the city's vehicles, unless the scenario gives the matcher another one.
pub fn settings(loaded: &Loaded) -> Result<Settings, String> {
    let scenario = &loaded.scenario;
    let mut settings = Settings::default();
    settings.fleet.vehicle_classes = scenario.classes.iter().map(|class| class.name.clone()).collect();
    let mut matcher = scenario.matcher.clone();
    if let Some((mps, detour)) = loaded.ground.straight_lines() {
        matcher.entry("speed_kmh").or_insert((mps * 3.6).into());
        matcher.entry("detour").or_insert(detour.into());
    }
    let matcher = matcher.try_into();
    settings.matcher = matcher.map_err(|error| format!("matcher: {}", error.to_string().trim()))?;
    Ok(settings)
}

fn style() -> ProgressStyle {
    let style = ProgressStyle::with_template("{wide_bar} {percent:>3} % of the city's time, {eta} to go");
    style.unwrap_or_else(|_| ProgressStyle::default_bar())
}
