//! The comparison of policies on the same seeds: means and differences with intervals.

mod child_process;
mod runs;

use std::collections::BTreeMap;

use serde::Serialize;

pub use child_process::{ChildRunner, Children};
pub use runs::{Plan, PlanError, PlannedRun, RunFolder, RunResults, Runner, parse_seeds, read_run, run_all};

use crate::metrics::record::RunRecord;
use crate::metrics::{MEASURES, Metrics};
use crate::scenario::switchback::Schedule;
use crate::stats::{Difference, Interval, LEVEL, Switchback, mean_interval, paired};

/// The format of [`Comparison`] as JSON.
pub const FORMAT: u32 = 1;

/// The means of the runs with one policy and number of drivers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Arm {
    /// Name of the assignment policy.
    pub policy: String,
    /// Number of drivers.
    pub fleet: usize,
    /// Seeds in ascending order.
    pub seeds: Vec<u64>,
    /// Means over seeds, by the name of the measure. A measure without data is absent.
    pub means: BTreeMap<&'static str, Interval>,
}

/// The differences between two arms with the same number of drivers, on their common seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PolicyComparison {
    /// Number of drivers.
    pub fleet: usize,
    /// Name of the base policy.
    pub base: String,
    /// Name of the other policy.
    pub policy: String,
    /// Other policy minus base, by the name of the measure.
    pub differences: BTreeMap<&'static str, Difference>,
}

/// The result of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Version of the JSON format: [`FORMAT`].
    pub format: u32,
    /// Name of the scenario.
    pub scenario: String,
    /// Confidence level of the intervals.
    pub level: f64,
    /// Number of runs.
    pub runs: usize,
    /// Number of runs that were stopped before their planned end. Their figures cover a shorter time.
    pub stopped: usize,
    /// Number of planned runs without a record.
    pub missing: usize,
    /// Number of faults in all runs.
    pub faults: usize,
    /// Arms by number of drivers, then in the order of policies.
    pub arms: Vec<Arm>,
    /// Differences of each arm from the first policy with as many drivers.
    pub versus: Vec<PolicyComparison>,
    /// Switchbacks, by number of drivers and schedule.
    pub switchbacks: Vec<Switchback>,
}

/// The runs with one policy and number of drivers.
#[derive(Debug)]
pub(super) struct ArmRuns<'a> {
    pub(super) policy: &'a str,
    pub(super) fleet: usize,
    /// Runs by seed.
    pub(super) runs: BTreeMap<u64, &'a RunRecord>,
}

/// Groups runs into arms, by number of drivers, then in the order in which policies first occur.
pub(super) fn arms(records: &[RunRecord]) -> Vec<ArmRuns<'_>> {
    let mut arms: Vec<ArmRuns<'_>> = Vec::new();
    for run in records {
        let fleet = run.drivers.len();
        let is_its = |arm: &&mut ArmRuns<'_>| arm.policy == run.policy && arm.fleet == fleet;
        match arms.iter_mut().find(is_its) {
            Some(arm) => _ = arm.runs.insert(run.seed, run),
            None => {
                arms.push(ArmRuns { policy: &run.policy, fleet, runs: BTreeMap::from([(run.seed, run)]) });
            }
        }
    }
    arms.sort_by_key(|arm| arm.fleet);
    arms
}

impl ArmRuns<'_> {
    /// Returns true if the runs alternate between policies. They are not compared with other arms.
    pub(super) fn is_switchback(&self) -> bool {
        self.runs.values().any(|run| run.switchback.is_some())
    }

    /// Returns the results block by block, for each schedule.
    fn switchbacks(&self) -> Vec<Switchback> {
        let runs: Vec<&RunRecord> = self.runs.values().copied().collect();
        let mut schedules: Vec<&Schedule> = Vec::new();
        for schedule in runs.iter().filter_map(|run| run.switchback.as_ref()) {
            if !schedules.contains(&schedule) {
                schedules.push(schedule);
            }
        }
        schedules.into_iter().map(|schedule| Switchback::of(schedule, self.fleet, &runs)).collect()
    }
}

impl Comparison {
    /// Compares runs of one scenario. The first policy is the base; `missing` planned runs have no record.
    pub fn new(records: &[RunRecord], missing: usize) -> Self {
        let arms = arms(records);
        let figures: Vec<BTreeMap<u64, Metrics>> = arms
            .iter()
            .map(|arm| arm.runs.iter().map(|(seed, run)| (*seed, Metrics::of(run))).collect())
            .collect();
        let versus = arms.iter().zip(&figures).filter_map(|(arm, metrics)| {
            let base = arms.iter().position(|base| base.fleet == arm.fleet && !base.is_switchback())?;
            (arms[base].policy != arm.policy && !arm.is_switchback()).then(|| PolicyComparison {
                fleet: arm.fleet,
                base: arms[base].policy.to_owned(),
                policy: arm.policy.to_owned(),
                differences: differences(&figures[base], metrics),
            })
        });
        Self {
            format: FORMAT,
            scenario: records.first().map(|run| run.scenario.clone()).unwrap_or_default(),
            level: LEVEL,
            runs: records.len(),
            stopped: records.iter().filter(|run| run.stopped).count(),
            missing,
            faults: records.iter().map(|run| run.system.faults.len()).sum(),
            versus: versus.collect(),
            switchbacks: arms.iter().flat_map(ArmRuns::switchbacks).collect(),
            arms: arms.iter().zip(&figures).map(|(arm, metrics)| summary(arm, metrics)).collect(),
        }
    }
}

fn summary(arm: &ArmRuns<'_>, metrics: &BTreeMap<u64, Metrics>) -> Arm {
    let mean = |of: fn(&Metrics) -> Option<f64>| {
        mean_interval(&metrics.values().filter_map(of).collect::<Vec<_>>(), LEVEL)
    };
    Arm {
        policy: arm.policy.to_owned(),
        fleet: arm.fleet,
        seeds: arm.runs.keys().copied().collect(),
        means: MEASURES.iter().filter_map(|measure| Some((measure.name, mean(measure.of)?))).collect(),
    }
}

fn differences(
    base: &BTreeMap<u64, Metrics>,
    other: &BTreeMap<u64, Metrics>,
) -> BTreeMap<&'static str, Difference> {
    let of = |of: fn(&Metrics) -> Option<f64>| {
        let pair = |(seed, metrics): (&u64, &Metrics)| Some((of(base.get(seed)?)?, of(metrics)?));
        paired(&other.iter().filter_map(pair).collect::<Vec<_>>(), LEVEL)
    };
    MEASURES.iter().filter_map(|measure| Some((measure.name, of(measure.of)?))).collect()
}

#[cfg(test)]
mod tests;
