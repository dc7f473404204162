//! `simulator compare`: its options, and the table that it prints.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::Args;
use kerb_loadgen::options::span;
use serde::Serialize;

use super::progress_bar::RunProgress;
use super::run_commands::{SwitchbackArgs, check_folder, load_run};
use crate::compare::{ChildRunner, Children, Comparison, Plan, RunFolder, parse_seeds, run_all};
use crate::metrics::{MEASURES, Unit};
use crate::report::page;
use crate::run::prepared_run::{find_scenario, override_scenario};
use crate::stats::{Difference, Interval, Switchback};

/// Options of `simulator compare`.
#[derive(Args, Clone, Debug)]
pub(super) struct CompareArgs {
    /// A scenario's file, or the name of one that ships with the simulator
    scenario: String,
    /// Folder in which the scenario's relative paths begin; by default the scenario's own folder
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Policies, of `batch`, `nearest` and `reoptimize`; the first one is the base of the comparison
    #[arg(long, value_delimiter = ',', default_value = "nearest,batch")]
    policies: Vec<String>,
    /// Seeds, as 1,2,5 or as the range 1..10, which includes both ends
    #[arg(long, default_value = "1..5")]
    seeds: String,
    #[command(flatten)]
    switchback: SwitchbackArgs,
    /// Numbers of drivers; by default the scenario's own
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..))]
    fleet: Vec<u32>,
    /// Runs in parallel, each on one core
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,
    /// Keep the records in this folder, so that a stopped comparison can continue
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write an HTML page about the runs: figures with intervals, plots, maps
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print the comparison as one JSON object
    #[arg(long)]
    json: bool,
}

impl CompareArgs {
    /// Makes the runs, each in a child process, until `is_stopped`, and compares them.
    pub(super) fn compare(
        &self,
        children: Children,
        is_stopped: &(dyn Fn() -> bool + Sync),
    ) -> Result<Table, String> {
        self.html.as_deref().map_or(Ok(()), check_folder)?;
        let scenario = find_scenario(&self.scenario).map_err(|e| e.to_string())?;
        for policy in &self.policies {
            override_scenario(scenario.clone(), Some(policy), None).map_err(|e| e.to_string())?;
        }
        // An error in the data is reported once here, instead of by each run.
        load_run(&scenario, self.data.as_deref())?;
        let plan = Plan {
            policies: self.policies.clone(),
            fleets: self.fleet.clone(),
            seeds: parse_seeds(&self.seeds).map_err(|e| e.to_string())?,
            switchback: self.switchback.schedule(&self.policies, scenario.duration_s)?,
        };
        let runs = plan.runs().map_err(|e| e.to_string())?;
        let folder = self.out.as_deref().map(|path| RunFolder::open(path, &scenario.to_toml()));
        let folder = folder.transpose().map_err(|e| e.to_string())?;
        let runner = ChildRunner {
            program: std::env::current_exe().map_err(|e| e.to_string())?,
            scenario: self.scenario.clone().into(),
            data: self.data.clone(),
            children,
        };
        // A plan has at most a thousand runs.
        let bar = RunProgress::new(0, runs.len() as i64, !self.json && io::stderr().is_terminal());
        let progress = |done: usize| bar.set(done as i64);
        let results = run_all(&runs, &runner, folder.as_ref(), self.jobs.into(), is_stopped, &progress);
        bar.finish();
        if results.records.is_empty() {
            let why = if is_stopped() {
                "stopped before the first one ended"
            } else {
                &results.failures.join("; ")
            };
            return Err(format!("no run was made: {why}"));
        }
        let comparison = Comparison::new(&results.records, results.missing);
        if let Some(path) = &self.html {
            std::fs::write(path, page(&comparison, &results.records, None))
                .map_err(|e| format!("{}: {e}", path.display()))?;
        }
        Ok(Table { failures: results.failures, comparison })
    }

    /// Returns true if the comparison is printed as JSON.
    pub(super) fn json(&self) -> bool {
        self.json
    }
}

/// A comparison with the failures of its runs.
#[derive(Debug, Serialize)]
pub(super) struct Table {
    failures: Vec<String>,
    #[serde(flatten)]
    comparison: Comparison,
}

impl Table {
    /// Returns true if the checkers found no fault and no run failed.
    pub(super) fn is_correct(&self) -> bool {
        self.comparison.faults == 0 && self.failures.is_empty()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Comparison { scenario, runs, missing, faults, arms, versus, switchbacks, .. } = &self.comparison;
        writeln!(f, "{scenario}: {runs} runs, {missing} missing, {faults} faults")?;
        for arm in arms {
            writeln!(f, "{}, {} drivers, {} seeds", arm.policy, arm.fleet, arm.seeds.len())?;
            for measure in MEASURES {
                let Some(interval) = arm.means.get(measure.name) else { continue };
                writeln!(f, "  {:<34} {}", measure.label, format_interval(measure.unit, interval))?;
            }
        }
        for pair in versus {
            writeln!(f, "{} minus {}, {} drivers, on the same seeds", pair.policy, pair.base, pair.fleet)?;
            write_differences(f, &pair.differences)?;
        }
        for switchback in switchbacks {
            write_switchback(f, switchback)?;
        }
        for failure in &self.failures {
            writeln!(f, "failed: {failure}")?;
        }
        write!(f, "in brackets: 95 % intervals over seeds; of switchbacks over pairs of blocks")
    }
}

fn write_switchback(f: &mut fmt::Formatter<'_>, switchback: &Switchback) -> fmt::Result {
    let Switchback { schedule, fleet, runs, .. } = switchback;
    let [first, second] = schedule.names();
    let (block, burn_in) = (span(schedule.block_ms), span(schedule.burn_in_ms));
    let (pairs, seeds) = (switchback.pairs(), runs.len());
    writeln!(
        f,
        "{second} minus {first}, {fleet} drivers, in blocks of {block} without their first {burn_in}, {pairs} pairs of \
         {seeds} seeds"
    )?;
    write_differences(f, &switchback.differences)
}

fn write_differences(
    f: &mut fmt::Formatter<'_>,
    differences: &BTreeMap<&'static str, Difference>,
) -> fmt::Result {
    for measure in MEASURES {
        let Some(difference) = differences.get(measure.name) else { continue };
        writeln!(f, "  {:<34} {}", measure.label, format_interval(measure.unit, &difference.interval))?;
    }
    Ok(())
}

fn format_interval(unit: Unit, interval: &Interval) -> String {
    let figure = |value: f64| match unit {
        Unit::Share => format!("{:.1} %", value * 100.0),
        Unit::Seconds => format!("{value:.1} s"),
        Unit::Meters => format!("{value:.0} m"),
        Unit::Plain => format!("{value:.3}"),
        Unit::Count => format!("{value:.1}"),
    };
    let mean = figure(interval.mean);
    match (interval.low, interval.high) {
        (Some(low), Some(high)) => format!("{mean:>12}  ({} to {})", figure(low), figure(high)),
        _ => format!("{mean:>12}"),
    }
}
