//! A run whose policy changes by time blocks, read block by block.
//!
//! Drivers are shared by all riders, so giving every other rider another policy would let each policy disturb the other.
//! A switchback gives the whole city one policy at a time (Bojinov, Simchi-Levi, Zhao, "Design and analysis of
//! switchback experiments", Management Science 69, 2023). Blocks come in pairs, one of each policy, whose order turns
//! from pair to pair (AB, BA, …), so that a slow trend does not count for either. What one policy leaves behind disturbs
//! the next block's beginning: requests of the burn-in are dropped.

use serde::{Deserialize, Serialize};

use super::{Difference, LEVEL, paired};
use crate::lab::metrics::wait_s;
use crate::lab::record::{RequestOutcome, RequestRecord, RunRecord};

/// When which of two policies holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// The two.
    pub policies: [String; 2],
    /// Milliseconds of a block.
    pub block_ms: i64,
    /// Milliseconds at the beginning of each block whose requests are dropped.
    pub burn_in_ms: i64,
}

/// A schedule that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("burn-in of {burn_in_ms} ms in blocks of {block_ms} ms, must be from 0 to less than the block")]
pub struct ScheduleError {
    block_ms: i64,
    burn_in_ms: i64,
}

/// A time under one policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// From here on.
    pub from_ms: i64,
    /// To here, exclusively.
    pub to_ms: i64,
    /// Which of the two policies.
    pub policy: usize,
}

/// What a block came to, without its burn-in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlockFigures {
    /// The block.
    pub block: Block,
    /// Requests that ended.
    pub ended: u32,
    /// Served over ended.
    pub service_rate: Option<f64>,
    /// Mean seconds from request to pickup.
    pub wait_mean_s: Option<f64>,
}

/// What a switchback came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Switchback {
    /// As it was run.
    pub schedule: Schedule,
    /// Whole blocks, in order.
    pub blocks: Vec<BlockFigures>,
    /// The second policy's service rate less the first's, over pairs of blocks.
    pub service_rate: Option<Difference>,
    /// The second policy's mean wait less the first's, seconds.
    pub wait_mean_s: Option<Difference>,
}

impl Schedule {
    /// Checked.
    pub fn new(policies: [String; 2], block_ms: i64, burn_in_ms: i64) -> Result<Self, ScheduleError> {
        if burn_in_ms < 0 || burn_in_ms >= block_ms {
            return Err(ScheduleError { block_ms, burn_in_ms });
        }
        Ok(Self { policies, block_ms, burn_in_ms })
    }

    /// Which policy holds in a block, by the block's number from 0: 0, 1, 1, 0, 0, 1, 1, 0, …
    pub fn policy(number: i64) -> usize {
        ((number + 1) / 2 % 2) as usize
    }

    /// The whole pairs of blocks of a run.
    pub fn blocks(&self, from_ms: i64, to_ms: i64) -> Vec<Block> {
        let pairs = (to_ms - from_ms) / (2 * self.block_ms);
        let block = |number: i64| {
            let begins_ms = from_ms + number * self.block_ms;
            Block { from_ms: begins_ms, to_ms: begins_ms + self.block_ms, policy: Self::policy(number) }
        };
        (0..2 * pairs).map(block).collect()
    }
}

/// Reads a run that was driven by this schedule.
pub fn switchback(run: &RunRecord, schedule: &Schedule) -> Switchback {
    let blocks: Vec<BlockFigures> = schedule
        .blocks(run.from_ms, run.to_ms)
        .into_iter()
        .map(|block| figures(block, schedule.burn_in_ms, &run.requests))
        .collect();
    Switchback {
        schedule: schedule.clone(),
        service_rate: difference(&blocks, |figures| figures.service_rate),
        wait_mean_s: difference(&blocks, |figures| figures.wait_mean_s),
        blocks,
    }
}

fn figures(block: Block, burn_in_ms: i64, requests: &[RequestRecord]) -> BlockFigures {
    let counted = block.from_ms + burn_in_ms..block.to_ms;
    let within = || requests.iter().filter(|request| counted.contains(&request.requested_ms));
    let ended = within().filter(|request| request.outcome != RequestOutcome::Open).count() as u32;
    let served = within().filter(|request| request.outcome == RequestOutcome::Served).count() as u32;
    let waits: Vec<f64> = within().filter_map(wait_s).collect();
    BlockFigures {
        block,
        ended,
        service_rate: (ended > 0).then(|| f64::from(served) / f64::from(ended)),
        wait_mean_s: super::mean(&waits),
    }
}

/// Over neighbours of different policies; a pair of which one has no figure is left out.
fn difference(blocks: &[BlockFigures], of: impl Fn(&BlockFigures) -> Option<f64>) -> Option<Difference> {
    let pair = |pair: &[BlockFigures]| {
        let [first, second] = pair else { return None };
        let in_order = if first.block.policy == 0 { (first, second) } else { (second, first) };
        Some((of(in_order.0)?, of(in_order.1)?))
    };
    paired(&blocks.chunks(2).filter_map(pair).collect::<Vec<_>>(), LEVEL)
}

#[cfg(test)]
mod tests {
    use kerb_spatial::LatLng;

    use super::*;
    use crate::lab::record::SystemRecord;

    fn request(requested_s: i64, wait_s: Option<i64>) -> RequestRecord {
        let at = LatLng::new(0.0, 0.0).unwrap();
        RequestRecord {
            outcome: if wait_s.is_some() { RequestOutcome::Served } else { RequestOutcome::Expired },
            offers: 1,
            picked_up_ms: wait_s.map(|wait_s| (requested_s + wait_s) * 1_000),
            ..RequestRecord::asked(requested_s * 1_000, at, at)
        }
    }

    #[test]
    fn blocks_come_in_turned_pairs() {
        let policies: Vec<_> = (0..8).map(Schedule::policy).collect();
        assert_eq!(policies, [0, 1, 1, 0, 0, 1, 1, 0]);
        assert!(Schedule::new(["a".to_owned(), "b".to_owned()], 60, 60).is_err());
    }

    #[test]
    fn the_burn_in_and_half_pairs_are_dropped() {
        let schedule = Schedule::new(["a".to_owned(), "b".to_owned()], 100_000, 20_000).unwrap();
        // Policies by block of 100 s: a b b a, and half a pair.
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
            seed: 1,
            policy: "a,b".to_owned(),
            from_ms: 0,
            to_ms: 500_000,
            stopped: false,
            requests,
            drivers: Vec::new(),
            samples: Vec::new(),
            system: SystemRecord::default(),
            trace_hash: String::new(),
        };
        let found = switchback(&run, &schedule);
        assert_eq!(found.blocks.len(), 4);
        // b less a: 40 - 50 and 30 - 60.
        let wait = found.wait_mean_s.unwrap();
        assert!((wait.interval.mean + 20.0).abs() < 1e-9 && wait.interval.count == 2);
        // 1 - 0.5 and 1 - 1.
        assert!((found.service_rate.unwrap().interval.mean - 0.25).abs() < 1e-9);
    }
}
