//! Switchbacks, block by block: figures of the requests after the burn-in, and differences over pairs of blocks.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Difference, Interval, LEVEL, mean_interval, paired};
use crate::metrics::record::{RequestRecord, RunRecord};
use crate::metrics::{MEASURES, Metrics};
use crate::scenario::switchback::{Block, Schedule};

/// The figures of a block without its burn-in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BlockFigures {
    /// Period and policy of the block.
    #[serde(flatten)]
    pub block: Block,
    /// Number of requests after the burn-in.
    pub requests: usize,
    /// Figures by the name of the measure. Measures of drivers have no value by block.
    pub figures: BTreeMap<&'static str, f64>,
}

/// The complete blocks of a run, by time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunBlocks {
    /// Seed of the run.
    pub seed: u64,
    /// Blocks; each pair has one of each policy.
    pub blocks: Vec<BlockFigures>,
}

/// The results of all switchbacks of one schedule and fleet.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Switchback {
    /// Schedule of the runs.
    pub schedule: Schedule,
    /// Number of drivers.
    pub fleet: usize,
    /// Runs, each with another seed.
    pub runs: Vec<RunBlocks>,
    /// Means of both policies over blocks, by the name of the measure.
    pub means: [BTreeMap<&'static str, Interval>; 2],
    /// Second policy minus first, over pairs of blocks of all runs, by the name of the measure.
    pub differences: BTreeMap<&'static str, Difference>,
}

impl Switchback {
    /// Computes the results of those runs that follow the schedule.
    pub fn of(schedule: &Schedule, fleet: usize, runs: &[&RunRecord]) -> Self {
        let its = runs.iter().filter(|run| run.switchback.as_ref() == Some(schedule));
        let runs: Vec<RunBlocks> =
            its.map(|run| RunBlocks { seed: run.seed, blocks: blocks(run, schedule) }).collect();
        let all = || runs.iter().flat_map(|run| &run.blocks);
        let pairs: Vec<[&BlockFigures; 2]> =
            runs.iter().flat_map(|run| run.blocks.chunks_exact(2).map(in_order)).collect();
        let means = [0, 1].map(|policy| {
            let its = || all().filter(move |block| block.block.policy == policy);
            by_measure(|name| {
                mean_interval(&its().filter_map(|block| of(block, name)).collect::<Vec<_>>(), LEVEL)
            })
        });
        let differences = by_measure(|name| {
            let both = pairs.iter().filter_map(|[first, second]| Some((of(first, name)?, of(second, name)?)));
            paired(&both.collect::<Vec<_>>(), LEVEL)
        });
        Self { schedule: schedule.clone(), fleet, means, differences, runs }
    }

    /// Returns the number of pairs of blocks of all runs.
    pub fn pairs(&self) -> usize {
        self.runs.iter().map(|run| run.blocks.len() / 2).sum()
    }
}

fn by_measure<V>(of: impl Fn(&'static str) -> Option<V>) -> BTreeMap<&'static str, V> {
    MEASURES.iter().filter_map(|measure| Some((measure.name, of(measure.name)?))).collect()
}

fn of(block: &BlockFigures, name: &str) -> Option<f64> {
    block.figures.get(name).copied()
}

/// Orders a pair of blocks by policy.
fn in_order(pair: &[BlockFigures]) -> [&BlockFigures; 2] {
    if pair[0].block.policy == 0 { [&pair[0], &pair[1]] } else { [&pair[1], &pair[0]] }
}

fn blocks(run: &RunRecord, schedule: &Schedule) -> Vec<BlockFigures> {
    let blocks = schedule.blocks(run.from_ms, run.to_ms, run.seed).into_iter();
    blocks.map(|block| figures(block, schedule.burn_in_ms, &run.requests)).collect()
}

/// Computes the figures of a block. `requests` are sorted by time.
fn figures(block: Block, burn_in_ms: i64, requests: &[RequestRecord]) -> BlockFigures {
    let before = |ms: i64| requests.partition_point(|request| request.requested_ms < ms);
    let counted = &requests[before(block.from_ms + burn_in_ms)..before(block.to_ms)];
    let metrics = Metrics::of_agents(counted, &[]);
    let figure = |measure: &crate::metrics::Measure| Some((measure.name, (measure.of)(&metrics)?));
    BlockFigures { block, requests: counted.len(), figures: MEASURES.iter().filter_map(figure).collect() }
}

#[cfg(test)]
mod tests {
    use kerb_geometry::LatLng;

    use super::*;
    use crate::metrics::record::{RequestOutcome, SystemRecord};

    fn request(requested_s: i64, wait_s: Option<i64>) -> RequestRecord {
        let at = LatLng::new(0.0, 0.0).unwrap();
        RequestRecord {
            outcome: if wait_s.is_some() { RequestOutcome::Served } else { RequestOutcome::Expired },
            offers: 1,
            picked_up_ms: wait_s.map(|wait_s| (requested_s + wait_s) * 1_000),
            ..RequestRecord::open(requested_s * 1_000, at, at)
        }
    }

    #[test]
    fn the_burn_in_and_half_pairs_are_dropped() {
        let policies = ["nearest".to_owned(), "batch".to_owned()];
        let schedule = Schedule::new(&policies, 100_000, Some(20_000)).unwrap();
        // A seed under which the policies by block of 100 s are: first, second, second, first, and half a pair.
        let order = |seed: &u64| [0, 1, 2, 3].map(|number| schedule.policy(number, *seed)) == [0, 1, 1, 0];
        let seed = (0..100).find(order).unwrap();
        let requests = vec![
            request(5, Some(999)),
            request(30, Some(50)),
            request(40, None),
            request(130, Some(40)),
            request(215, Some(999)),
            request(220, Some(30)),
            request(330, Some(60)),
            request(430, Some(999)),
        ];
        let run = RunRecord {
            scenario: String::new(),
            scenario_toml: String::new(),
            seed,
            policy: schedule.label(),
            switchback: Some(schedule.clone()),
            from_ms: 0,
            to_ms: 500_000,
            measured_ms: 0..500_000,
            stopped: false,
            requests,
            drivers: Vec::new(),
            samples: Vec::new(),
            system: SystemRecord::default(),
            run_hash: String::new(),
        };
        let plain = RunRecord { switchback: None, ..run.clone() };
        let found = Switchback::of(&schedule, 0, &[&run, &plain]);
        assert_eq!((found.runs.len(), found.runs[0].blocks.len(), found.pairs()), (1, 4, 2));
        // Second less first: 40 - 50 and 30 - 60.
        let wait = found.differences["wait_mean_s"];
        assert!((wait.interval.mean + 20.0).abs() < 1e-9 && wait.interval.count == 2);
        // 1 - 0.5 and 1 - 1.
        assert!((found.differences["service_rate"].interval.mean - 0.25).abs() < 1e-9);
        // Of the first policy, blocks of 50 and 60 s.
        assert!((found.means[0]["wait_mean_s"].mean - 55.0).abs() < 1e-9);
        assert!(!found.differences.contains_key("utilization"), "drivers are not by block");
    }
}
