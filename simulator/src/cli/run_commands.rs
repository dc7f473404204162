//! `simulator lab` and `simulator live`: their options, and the files that a run leaves.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use kerb_loadgen::options::{ENDPOINT_DEFAULT, parse_positive, parse_span_ms};
use tokio_util::sync::CancellationToken;

use super::progress_bar::RunProgress;
use crate::agents::switchback::SwitchbackAgents;
use crate::backends::real_time::{LiveOptions, live};
use crate::backends::virtual_time::{LabOptions, lab};
use crate::metrics::record::RunRecord;
use crate::metrics::summary::RunSummary;
use crate::run::prepared_run::{PreparedRun, find_scenario, override_scenario};
use crate::scenario::switchback::Schedule;
use crate::scenario::{Scenario, ScenarioError};

/// Options that `lab` and `live` have in common.
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    /// A scenario's file, or the name of one that ships with the simulator: sf-evening, new-year, mega-city, sf-demo,
    /// sf-day, manhattan-rush, manhattan-day
    pub scenario: String,
    /// Folder in which the scenario's relative paths begin; by default the scenario's own folder
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Seed of all random streams; by default the scenario's own
    #[arg(long)]
    pub seed: Option<u64>,
    /// Assignment policy, `batch`, `nearest` or `reoptimize`; by default the scenario's own
    #[arg(long)]
    pub policy: Option<String>,
    /// Number of drivers, or the maximum where drivers are real ones; by default the scenario's own
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub fleet: Option<u32>,
    /// Write the record of the run to this file as JSON
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print the summary as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Options of `simulator lab`.
#[derive(Args, Clone, Debug)]
pub struct LabArgs {
    /// The scenario, its overrides, and the output.
    #[command(flatten)]
    pub run: RunArgs,
    /// The schedule of a switchback.
    #[command(flatten)]
    pub switchback: SwitchbackArgs,
    /// The two policies of a switchback, of `batch`, `nearest` and `reoptimize`
    #[arg(long, value_delimiter = ',', requires = "switchback", default_value = "nearest,batch")]
    pub policies: Vec<String>,
}

/// The schedule of a switchback.
#[derive(Args, Clone, Debug, Default)]
pub struct SwitchbackArgs {
    /// Alternate between two policies by blocks of this length, like 30m, instead of a run for each
    #[arg(long, value_name = "SPAN", value_parser = parse_span_ms)]
    pub switchback: Option<i64>,
    /// Drop the requests of this time at the beginning of each block; by default a third of the block
    #[arg(long, value_name = "SPAN", value_parser = parse_span_ms, requires = "switchback")]
    pub burn_in: Option<i64>,
}

impl SwitchbackArgs {
    /// Returns the schedule for a scenario of this length; `None` without a switchback.
    pub(super) fn schedule(&self, policies: &[String], duration_s: u32) -> Result<Option<Schedule>, String> {
        let Some(block_ms) = self.switchback else { return Ok(None) };
        let schedule = Schedule::new(policies, block_ms, self.burn_in).map_err(|e| e.to_string())?;
        schedule.fits(i64::from(duration_s) * 1_000).map_err(|e| e.to_string())?;
        Ok(Some(schedule))
    }
}

/// Options of `simulator live`.
#[derive(Args, Clone, Debug)]
pub struct LiveArgs {
    #[command(flatten)]
    run: RunArgs,
    /// URL of a node; repeat it for several nodes
    #[arg(long = "endpoint", value_name = "URL", default_values_t = [ENDPOINT_DEFAULT.to_owned()])]
    endpoints: Vec<String>,
    /// Connections to each endpoint
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    connections: u32,
    /// Ratio of the city's time to real time; the service's own timeouts stay as they are
    #[arg(long, default_value_t = 1.0, value_parser = parse_positive)]
    speed_up: f64,
}

impl LabArgs {
    /// Runs the scenario on all of Kerb in this process. It needs a
    /// [`virtual_runtime`](crate::backends::virtual_time::virtual_runtime).
    pub async fn lab(&self, stop: CancellationToken) -> Result<RunSummary, String> {
        let prepared = self.run.prepare()?;
        let scenario = &prepared.inputs.scenario;
        let switchback = self.switchback.schedule(&self.policies, scenario.duration_s)?;
        let seed = self.run.seed.unwrap_or(scenario.seed);
        let mut city = prepared.city(seed);
        let options = LabOptions { settings: prepared.settings.clone(), seed, roads: prepared.roads() };
        let bar = self.run.progress_bar(city.from_ms(), city.to_ms());
        let progress = |now_ms| bar.set(now_ms);
        let end = match &switchback {
            Some(schedule) => {
                lab(&mut SwitchbackAgents::new(&mut city, schedule, seed), options, &stop, progress).await
            }
            None => lab(&mut city, options, &stop, progress).await,
        };
        bar.finish();
        self.run.write_record(&prepared.record(city, end.map_err(|e| e.to_string())?, seed, switchback))
    }

    /// Returns true if the summary is printed as JSON.
    pub fn json(&self) -> bool {
        self.run.json
    }
}

impl RunArgs {
    fn prepare(&self) -> Result<PreparedRun, String> {
        self.out.as_deref().map_or(Ok(()), check_folder)?;
        let scenario = find_scenario(&self.scenario).map_err(|e| e.to_string())?;
        let scenario = override_scenario(scenario, self.policy.as_deref(), self.fleet);
        load_run(&scenario.map_err(|e| e.to_string())?, self.data.as_deref())
    }

    fn progress_bar(&self, from_ms: i64, to_ms: i64) -> RunProgress {
        RunProgress::new(from_ms, to_ms, !self.json && io::stderr().is_terminal())
    }

    fn write_record(&self, record: &RunRecord) -> Result<RunSummary, String> {
        if let Some(path) = &self.out {
            let file = File::create(path).map_err(|e| format!("{}: {e}", path.display()))?;
            let mut file = BufWriter::new(file);
            serde_json::to_writer(&mut file, record).map_err(|e| format!("{}: {e}", path.display()))?;
            file.flush().map_err(|e| format!("{}: {e}", path.display()))?;
        }
        Ok(RunSummary::new(record))
    }
}

impl LiveArgs {
    /// Runs the scenario against running nodes.
    pub async fn live(&self, stop: CancellationToken) -> Result<RunSummary, String> {
        let prepared = self.run.prepare()?;
        let seed = self.run.seed.unwrap_or(prepared.inputs.scenario.seed);
        let mut city = prepared.city(seed);
        let options = LiveOptions {
            endpoints: self.endpoints.clone(),
            connections: self.connections,
            speed_up: self.speed_up,
            seed,
        };
        let bar = self.run.progress_bar(city.from_ms(), city.to_ms());
        let end = live(&mut city, &options, &stop, |now_ms| bar.set(now_ms)).await?;
        bar.finish();
        self.run.write_record(&prepared.record(city, end, seed, None))
    }

    /// Returns true if the summary is printed as JSON.
    pub fn json(&self) -> bool {
        self.run.json
    }
}

/// Reads all files that a scenario names. The error of a missing file mentions `--data`.
pub(super) fn load_run(scenario: &Scenario, data: Option<&Path>) -> Result<PreparedRun, String> {
    PreparedRun::load(scenario, data).map_err(|e| match e {
        ScenarioError::File { .. } if data.is_none() => {
            format!("{e}; if its data is in another folder, name the folder with --data")
        }
        _ => e.to_string(),
    })
}

/// Checks that the folder of an output file exists. A run is long, so the check comes before it.
pub(super) fn check_folder(path: &Path) -> Result<(), String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if folder.is_dir() {
        Ok(())
    } else {
        Err(format!("{}: there is no folder {}", path.display(), folder.display()))
    }
}
