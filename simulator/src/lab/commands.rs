//! `simulator lab`, `live` and `compare`: what can be set, and what each prints.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::compare::{ChildRunner, Comparison, Folder, Plan, parse_seeds, run_all};
use super::metrics::{MEASURES, Unit};
use super::play::{Play, adapted, find};
use super::real_time::{LiveOptions, live};
use super::record::RunRecord;
use super::report::page;
use super::scenario::ScenarioError;
use super::stats::Interval;
use super::summary::Summary;
use super::virtual_time::{LabOptions, lab};
use crate::options::{ENDPOINT_DEFAULT, parse_positive};

/// What lab and live have in common.
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    /// A scenario's file, or the name of one that comes with the project: sf-evening, new-year, mega-city, sf-day,
    /// manhattan-rush, manhattan-day
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

/// Settings of a comparison.
#[derive(Args, Clone, Debug)]
pub struct CompareArgs {
    /// A scenario's file, or the name of one that comes with the project
    scenario: String,
    /// Where the scenario's relative paths begin; the scenario's own folder when absent
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Policies; the others are compared with the first
    #[arg(long, value_delimiter = ',', default_value = "nearest,batch")]
    policies: Vec<String>,
    /// Seeds, as 1,2,5 or 1..10 with both ends in it
    #[arg(long, default_value = "1..5")]
    seeds: String,
    /// Numbers of drivers; the scenario's own when absent
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..))]
    fleet: Vec<u32>,
    /// Runs at one time, each on one core
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,
    /// Keep the runs here, so that a comparison that was stopped goes on
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write a page about the runs: figures with intervals, plots, maps
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print the comparison as one JSON object
    #[arg(long)]
    json: bool,
}

impl RunArgs {
    /// Runs the scenario on all of Kerb in this process. On a [virtual runtime](super::virtual_time::virtual_runtime).
    pub async fn lab(&self, stop: CancellationToken) -> Result<Summary, String> {
        let play = self.play()?;
        let seed = self.seed.unwrap_or(play.loaded.scenario.seed);
        let mut city = play.city(seed);
        let options = LabOptions { settings: play.settings.clone(), seed, roads: play.roads() };
        let bar = self.bar(city.from_ms(), city.to_ms());
        let end = lab(&mut city, options, &stop, |now_ms| bar.at(now_ms)).await.map_err(|e| e.to_string())?;
        bar.end();
        self.keep(&play.record(city, end, seed))
    }

    fn play(&self) -> Result<Play, String> {
        self.out.as_deref().map_or(Ok(()), can_hold)?;
        let scenario = find(&self.scenario).map_err(|e| e.to_string())?;
        let scenario = adapted(scenario, self.policy.as_deref(), self.fleet).map_err(|e| e.to_string())?;
        Play::load(&scenario, self.data.as_deref()).map_err(|e| match e {
            ScenarioError::File { .. } if self.data.is_none() => {
                format!("{e}; if its data is elsewhere, name the folder with --data")
            }
            _ => e.to_string(),
        })
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

    /// The summary is to be JSON.
    pub fn json(&self) -> bool {
        self.json
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
        self.run.keep(&play.record(city, end, seed))
    }

    /// The summary is to be JSON.
    pub fn json(&self) -> bool {
        self.run.json
    }
}

impl CompareArgs {
    /// Makes the runs, each in a process of its own, until `is_stopped`, and compares them.
    pub fn compare(&self, is_stopped: &(dyn Fn() -> bool + Sync)) -> Result<Table, String> {
        self.html.as_deref().map_or(Ok(()), can_hold)?;
        let scenario = find(&self.scenario).map_err(|e| e.to_string())?;
        for policy in &self.policies {
            adapted(scenario.clone(), Some(policy), None).map_err(|e| e.to_string())?;
        }
        let plan = Plan {
            policies: self.policies.clone(),
            fleets: self.fleet.clone(),
            seeds: parse_seeds(&self.seeds).map_err(|e| e.to_string())?,
        };
        let runs = plan.runs().map_err(|e| e.to_string())?;
        let folder = self.out.as_deref().map(|path| Folder::open(path, &scenario.to_toml()));
        let folder = folder.transpose().map_err(|e| e.to_string())?;
        let runner = ChildRunner {
            program: std::env::current_exe().map_err(|e| e.to_string())?,
            scenario: self.scenario.clone().into(),
            data: self.data.clone(),
        };
        let bar = Bar::new(0, runs.len() as i64, !self.json && io::stderr().is_terminal());
        let progress = |done: usize| bar.at(done as i64);
        let outcome = run_all(&runs, &runner, folder.as_ref(), self.jobs.into(), is_stopped, &progress);
        bar.end();
        if outcome.records.is_empty() {
            return Err(format!("no run was made: {}", outcome.failures.join("; ")));
        }
        let comparison = Comparison::of(&outcome.records, outcome.missing);
        if let Some(path) = &self.html {
            std::fs::write(path, page(&comparison, &outcome.records, None))
                .map_err(|e| format!("{}: {e}", path.display()))?;
        }
        Ok(Table { failures: outcome.failures, comparison })
    }

    /// The comparison is to be JSON.
    pub fn json(&self) -> bool {
        self.json
    }
}

/// A file can be made there: asked before a run, whose result would be lost otherwise.
fn can_hold(path: &Path) -> Result<(), String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if folder.is_dir() {
        Ok(())
    } else {
        Err(format!("{}: there is no folder {}", path.display(), folder.display()))
    }
}

/// A comparison, as it is printed.
#[derive(Debug, Serialize)]
pub struct Table {
    /// Why runs failed.
    failures: Vec<String>,
    #[serde(flatten)]
    comparison: Comparison,
}

impl Table {
    /// No judge found anything, and no run failed.
    pub fn is_right(&self) -> bool {
        self.comparison.faults == 0 && self.failures.is_empty()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Comparison { scenario, runs, missing, faults, arms, versus, .. } = &self.comparison;
        writeln!(f, "{scenario}: {runs} runs, {missing} missing, {faults} faults")?;
        for arm in arms {
            writeln!(f, "{}, {} drivers, {} seeds", arm.policy, arm.fleet, arm.seeds.len())?;
            for measure in MEASURES {
                let Some(interval) = arm.means.get(measure.name) else { continue };
                writeln!(f, "  {:<34} {}", measure.label, written(measure.unit, interval))?;
            }
        }
        for pair in versus {
            writeln!(f, "{} less {}, {} drivers, on the same seeds", pair.policy, pair.base, pair.fleet)?;
            for measure in MEASURES {
                let Some(difference) = pair.differences.get(measure.name) else { continue };
                writeln!(f, "  {:<34} {}", measure.label, written(measure.unit, &difference.interval))?;
            }
        }
        for failure in &self.failures {
            writeln!(f, "failed: {failure}")?;
        }
        write!(f, "in brackets: 95 % intervals over seeds")
    }
}

fn written(unit: Unit, interval: &Interval) -> String {
    let one = |value: f64| match unit {
        Unit::Share => format!("{:.1} %", value * 100.0),
        Unit::Seconds => format!("{value:.1} s"),
        Unit::Metres => format!("{value:.0} m"),
        Unit::Plain => format!("{value:.3}"),
        Unit::Count => format!("{value:.1}"),
    };
    let mean = one(interval.mean);
    match (interval.low, interval.high) {
        (Some(low), Some(high)) => format!("{mean:>12}  ({} to {})", one(low), one(high)),
        _ => format!("{mean:>12}"),
    }
}

/// How far a run is; nothing when nobody looks.
struct Bar {
    from: i64,
    bar: ProgressBar,
}

impl Bar {
    fn new(from: i64, to: i64, is_seen: bool) -> Self {
        let target = if is_seen { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some((to - from).max(0) as u64), target);
        let style = ProgressStyle::with_template("{bar:40} {percent:>3} %  {elapsed} gone, {eta} to go");
        bar.set_style(style.expect("the template is right"));
        Self { from, bar }
    }

    fn at(&self, now: i64) {
        self.bar.set_position((now - self.from).max(0) as u64);
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }
}
