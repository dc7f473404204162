//! Policies side by side: the same seeds for each, the differences with intervals.

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

/// Runs with the same policy and number of drivers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Arm {
    /// How trips were given to drivers.
    pub policy: String,
    /// Drivers.
    pub fleet: usize,
    /// The seeds, in order.
    pub seeds: Vec<u64>,
    /// Means over seeds, by the name of the measure; one that no run has is absent.
    pub means: BTreeMap<&'static str, Interval>,
}

/// Two arms of one fleet, on the seeds that both have.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PolicyComparison {
    /// Drivers.
    pub fleet: usize,
    /// The policy that is compared with.
    pub base: String,
    /// The policy that is compared.
    pub policy: String,
    /// This policy's figure less the base's, by the name of the measure.
    pub differences: BTreeMap<&'static str, Difference>,
}

/// What a comparison came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// [`FORMAT`].
    pub format: u32,
    /// The scenario's name.
    pub scenario: String,
    /// How sure the intervals are.
    pub level: f64,
    /// Runs that it is of.
    pub runs: usize,
    /// Runs that were stopped before their end: their figures are of what they saw.
    pub stopped: usize,
    /// Runs that were asked for and are not there.
    pub missing: usize,
    /// Faults that the judges found in all runs.
    pub faults: usize,
    /// By fleet, then in the order in which policies were given.
    pub arms: Vec<Arm>,
    /// Each arm beside the first policy with as many drivers.
    pub versus: Vec<PolicyComparison>,
    /// Runs whose policy changed, block by block: by fleet and schedule.
    pub switchbacks: Vec<Switchback>,
}

/// Runs with the same policy and number of drivers.
#[derive(Debug)]
pub(super) struct ArmRuns<'a> {
    pub(super) policy: &'a str,
    pub(super) fleet: usize,
    /// By seed, each once.
    pub(super) runs: BTreeMap<u64, &'a RunRecord>,
}

/// Sorts runs into arms, by fleet, then in the order in which policies first occur.
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
    /// Whether the policy changes meanwhile: such runs are not compared with others.
    pub(super) fn is_switchback(&self) -> bool {
        self.runs.values().any(|run| run.switchback.is_some())
    }

    /// What they came to block by block, by schedule.
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
    /// Of runs of one scenario, of which the first policy is the base; `missing` more were asked for.
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
