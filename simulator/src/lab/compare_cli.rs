//! `simulator compare`: what can be set, and what it prints.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::commands::{Bar, SwitchbackArgs, can_hold, load};
use super::compare::{ChildRunner, Children, Comparison, Folder, Plan, parse_seeds, run_all};
use super::metrics::{MEASURES, Unit};
use super::play::{adapted, find};
use super::report::page;
use super::stats::{Difference, Interval, Switchback};
use kerb_loadgen::options::span;

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
    #[command(flatten)]
    switchback: SwitchbackArgs,
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

impl CompareArgs {
    /// Makes the runs, each in a process of its own among `children`, until `is_stopped`, and compares them.
    pub fn compare(
        &self,
        children: Children,
        is_stopped: &(dyn Fn() -> bool + Sync),
    ) -> Result<Table, String> {
        self.html.as_deref().map_or(Ok(()), can_hold)?;
        let scenario = find(&self.scenario).map_err(|e| e.to_string())?;
        for policy in &self.policies {
            adapted(scenario.clone(), Some(policy), None).map_err(|e| e.to_string())?;
        }
        // Once here, instead of in each run.
        load(&scenario, self.data.as_deref())?;
        let plan = Plan {
            policies: self.policies.clone(),
            fleets: self.fleet.clone(),
            seeds: parse_seeds(&self.seeds).map_err(|e| e.to_string())?,
            switchback: self.switchback.schedule(&self.policies, scenario.duration_s)?,
        };
        let runs = plan.runs().map_err(|e| e.to_string())?;
        let folder = self.out.as_deref().map(|path| Folder::open(path, &scenario.to_toml()));
        let folder = folder.transpose().map_err(|e| e.to_string())?;
        let runner = ChildRunner {
            program: std::env::current_exe().map_err(|e| e.to_string())?,
            scenario: self.scenario.clone().into(),
            data: self.data.clone(),
            children,
        };
        let bar = Bar::new(0, runs.len() as i64, !self.json && io::stderr().is_terminal());
        let progress = |done: usize| bar.at(done as i64);
        let outcome = run_all(&runs, &runner, folder.as_ref(), self.jobs.into(), is_stopped, &progress);
        bar.end();
        if outcome.records.is_empty() {
            let why = if is_stopped() { "stopped before one was over" } else { &outcome.failures.join("; ") };
            return Err(format!("no run was made: {why}"));
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
        let Comparison { scenario, runs, missing, faults, arms, versus, switchbacks, .. } = &self.comparison;
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
            differences(f, &pair.differences)?;
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
    let of = (switchback.pairs(), runs.len());
    writeln!(
        f,
        "{second} less {first}, {fleet} drivers, in turns of {block} without their first {burn_in}, {} pairs of {} seeds",
        of.0, of.1
    )?;
    differences(f, &switchback.differences)
}

fn differences(f: &mut fmt::Formatter<'_>, differences: &BTreeMap<&'static str, Difference>) -> fmt::Result {
    for measure in MEASURES {
        let Some(difference) = differences.get(measure.name) else { continue };
        writeln!(f, "  {:<34} {}", measure.label, written(measure.unit, &difference.interval))?;
    }
    Ok(())
}

fn written(unit: Unit, interval: &Interval) -> String {
    let one = |value: f64| match unit {
        Unit::Share => format!("{:.1} %", value * 100.0),
        Unit::Seconds => format!("{value:.1} s"),
        Unit::Meters => format!("{value:.0} m"),
        Unit::Plain => format!("{value:.3}"),
        Unit::Count => format!("{value:.1}"),
    };
    let mean = one(interval.mean);
    match (interval.low, interval.high) {
        (Some(low), Some(high)) => format!("{mean:>12}  ({} to {})", one(low), one(high)),
        _ => format!("{mean:>12}"),
    }
}
