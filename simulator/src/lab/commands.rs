//! `simulator lab` and `live`: what can be set, and what a run leaves.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio_util::sync::CancellationToken;

use super::play::{Play, adapted, find};
use super::real_time::{LiveOptions, live};
use super::record::RunRecord;
use super::scenario::{Scenario, ScenarioError};
use super::summary::Summary;
use super::switchback::{Alternating, Schedule};
use super::virtual_time::{LabOptions, lab};
use kerb_loadgen::options::{ENDPOINT_DEFAULT, parse_positive, parse_span_ms};

/// What lab and live have in common.
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    /// A scenario's file, or the name of one that comes with the project: sf-evening, new-year, mega-city, sf-demo,
    /// sf-day, manhattan-rush, manhattan-day
    pub scenario: String,
    /// Where the scenario's relative paths begin; the scenario's own folder when absent
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Of all randomness; the scenario's own when absent
    #[arg(long)]
    pub seed: Option<u64>,
    /// How trips are given to drivers, `batch` or `nearest`; the scenario's own when absent
    #[arg(long)]
    pub policy: Option<String>,
    /// So many drivers, at most so many where they are real ones; the scenario's own when absent
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub fleet: Option<u32>,
    /// Write the whole run to this file as JSON
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print the summary as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Settings of a run in this process.
#[derive(Args, Clone, Debug)]
pub struct LabArgs {
    /// The scenario and what a run of it leaves.
    #[command(flatten)]
    pub run: RunArgs,
    /// How its policy changes, if it does.
    #[command(flatten)]
    pub switchback: SwitchbackArgs,
    /// The two policies of a switchback
    #[arg(long, value_delimiter = ',', requires = "switchback", default_value = "nearest,batch")]
    pub policies: Vec<String>,
}

/// How a run's policy changes.
#[derive(Args, Clone, Debug, Default)]
pub struct SwitchbackArgs {
    /// Alternate between two policies by blocks of this length, like 30m, instead of a run for each
    #[arg(long, value_name = "SPAN", value_parser = parse_span_ms)]
    pub switchback: Option<i64>,
    /// Requests of so long a time at the beginning of each block do not count; a third of it when absent
    #[arg(long, value_name = "SPAN", value_parser = parse_span_ms, requires = "switchback")]
    pub burn_in: Option<i64>,
}

impl SwitchbackArgs {
    /// The schedule, of a scenario of this length, if there is to be one.
    pub(super) fn schedule(&self, policies: &[String], duration_s: u32) -> Result<Option<Schedule>, String> {
        let Some(block_ms) = self.switchback else { return Ok(None) };
        let schedule = Schedule::new(policies, block_ms, self.burn_in).map_err(|e| e.to_string())?;
        schedule.fits(i64::from(duration_s) * 1_000).map_err(|e| e.to_string())?;
        Ok(Some(schedule))
    }
}

/// Settings of a run against a running service.
#[derive(Args, Clone, Debug)]
pub struct LiveArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Where drivers connect and riders ask, several times for several nodes
    #[arg(long = "endpoint", value_name = "URL", default_values_t = [ENDPOINT_DEFAULT.to_owned()])]
    endpoints: Vec<String>,
    /// Connections to each endpoint
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    connections: u32,
    /// How much faster than life the city runs; the service's own times do not
    #[arg(long, default_value_t = 1.0, value_parser = parse_positive)]
    speed_up: f64,
}

impl LabArgs {
    /// Runs the scenario on all of Kerb in this process. On a [virtual runtime](super::virtual_time::virtual_runtime).
    pub async fn lab(&self, stop: CancellationToken) -> Result<Summary, String> {
        let play = self.run.play()?;
        let scenario = &play.loaded.scenario;
        let switchback = self.switchback.schedule(&self.policies, scenario.duration_s)?;
        let seed = self.run.seed.unwrap_or(scenario.seed);
        let mut city = play.city(seed);
        let options = LabOptions { settings: play.settings.clone(), seed, roads: play.roads() };
        let bar = self.run.bar(city.from_ms(), city.to_ms());
        let progress = |now_ms| bar.at(now_ms);
        let end = match &switchback {
            Some(schedule) => {
                lab(&mut Alternating::new(&mut city, schedule, seed), options, &stop, progress).await
            }
            None => lab(&mut city, options, &stop, progress).await,
        };
        bar.end();
        self.run.keep(&play.record(city, end.map_err(|e| e.to_string())?, seed, switchback))
    }

    /// The summary is to be JSON.
    pub fn json(&self) -> bool {
        self.run.json
    }
}

impl RunArgs {
    fn play(&self) -> Result<Play, String> {
        self.out.as_deref().map_or(Ok(()), can_hold)?;
        let scenario = find(&self.scenario).map_err(|e| e.to_string())?;
        let scenario = adapted(scenario, self.policy.as_deref(), self.fleet).map_err(|e| e.to_string())?;
        load(&scenario, self.data.as_deref())
    }

    fn bar(&self, from_ms: i64, to_ms: i64) -> Bar {
        Bar::new(from_ms, to_ms, !self.json && io::stderr().is_terminal())
    }

    fn keep(&self, record: &RunRecord) -> Result<Summary, String> {
        if let Some(path) = &self.out {
            let file = File::create(path).map_err(|e| format!("{}: {e}", path.display()))?;
            let mut file = BufWriter::new(file);
            serde_json::to_writer(&mut file, record).map_err(|e| format!("{}: {e}", path.display()))?;
            file.flush().map_err(|e| format!("{}: {e}", path.display()))?;
        }
        Ok(Summary::of(record))
    }
}

impl LiveArgs {
    /// Runs the scenario against running nodes.
    pub async fn live(&self, stop: CancellationToken) -> Result<Summary, String> {
        let play = self.run.play()?;
        let seed = self.run.seed.unwrap_or(play.loaded.scenario.seed);
        let mut city = play.city(seed);
        let options = LiveOptions {
            endpoints: self.endpoints.clone(),
            connections: self.connections,
            speed_up: self.speed_up,
            seed,
        };
        let bar = self.run.bar(city.from_ms(), city.to_ms());
        let end = live(&mut city, &options, &stop, |now_ms| bar.at(now_ms)).await?;
        bar.end();
        self.run.keep(&play.record(city, end, seed, None))
    }

    /// The summary is to be JSON.
    pub fn json(&self) -> bool {
        self.run.json
    }
}

/// Reads all that a scenario names, or says what is wrong with it.
pub(super) fn load(scenario: &Scenario, data: Option<&Path>) -> Result<Play, String> {
    Play::load(scenario, data).map_err(|e| match e {
        ScenarioError::File { .. } if data.is_none() => {
            format!("{e}; if its data is elsewhere, name the folder with --data")
        }
        _ => e.to_string(),
    })
}

/// A file can be made there: asked before a run, whose result would be lost otherwise.
pub(super) fn can_hold(path: &Path) -> Result<(), String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if folder.is_dir() {
        Ok(())
    } else {
        Err(format!("{}: there is no folder {}", path.display(), folder.display()))
    }
}

/// How far a run is; nothing when nobody looks.
pub(super) struct Bar {
    from: i64,
    bar: ProgressBar,
}

impl Bar {
    pub(super) fn new(from: i64, to: i64, is_seen: bool) -> Self {
        let target = if is_seen { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some((to - from).max(0) as u64), target);
        let style = ProgressStyle::with_template("{bar:40} {percent:>3} %  {elapsed} gone, {eta} to go");
        bar.set_style(style.expect("the template is right"));
        Self { from, bar }
    }

    pub(super) fn at(&self, now: i64) {
        self.bar.set_position((now - self.from).max(0) as u64);
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
