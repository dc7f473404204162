//! A switchback: one run whose policy alternates by blocks of time, as an operator could do in a real city.
//!
//! All riders share the drivers. If every other rider had another policy, each policy would therefore affect the other.
//! A switchback gives the whole city one policy at a time (Bojinov, Simchi-Levi, Zhao, "Design and analysis of
//! switchback experiments", Management Science 69, 2023). Blocks come in pairs, one of each policy, in an
//! order that is drawn for each pair, so that the time of day favors neither.

use kerb_assignment::Policy;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::scenario::random_streams::{Purpose, stream};
use kerb_loadgen::options::span;

/// The schedule of a switchback: two policies, and the blocks in which they alternate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// The policies that alternate.
    pub policies: [Policy; 2],
    /// Length of a block, milliseconds.
    pub block_ms: i64,
    /// Beginning of each block whose requests are dropped, milliseconds. In it, the previous policy still has effects.
    pub burn_in_ms: i64,
}

/// The reason why a schedule is not possible.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// There are not exactly two different policies.
    #[error("policies {0:?}, a switchback is of two different ones, like nearest,batch")]
    Policies(Vec<String>),
    /// The policy is unknown.
    #[error("policy {name:?}: {reason}")]
    Unknown {
        /// The unknown name.
        name: String,
        /// Description of the legal names.
        reason: String,
    },
    /// The burn-in covers the whole block.
    #[error("burn-in {burn_in}, must be shorter than the block of {block}")]
    BurnIn {
        /// Length of the burn-in, as text.
        burn_in: String,
        /// Length of the block, as text.
        block: String,
    },
    /// The run is shorter than a pair of blocks.
    #[error("switchback {block}, must be at most half of the run of {run}")]
    TooLong {
        /// Length of the block, as text.
        block: String,
        /// Length of the run, as text.
        run: String,
    },
}

/// A period under one policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Block {
    /// Beginning of the block.
    pub from_ms: i64,
    /// End of the block, exclusive.
    pub to_ms: i64,
    /// Index of the policy: 0 or 1.
    pub policy: usize,
}

impl Schedule {
    /// Creates a schedule of two policies. The burn-in is a third of the block by default.
    pub fn new(policies: &[String], block_ms: i64, burn_in_ms: Option<i64>) -> Result<Self, ScheduleError> {
        let [first, second] = policies else { return Err(ScheduleError::Policies(policies.to_vec())) };
        if first == second {
            return Err(ScheduleError::Policies(policies.to_vec()));
        }
        let burn_in_ms = burn_in_ms.unwrap_or(block_ms / 3);
        if burn_in_ms < 0 || burn_in_ms >= block_ms {
            return Err(ScheduleError::BurnIn { burn_in: span(burn_in_ms), block: span(block_ms) });
        }
        Ok(Self { policies: [parse_policy(first)?, parse_policy(second)?], block_ms, burn_in_ms })
    }

    /// Validates that a run of this length has a pair of blocks.
    pub fn fits(&self, run_ms: i64) -> Result<(), ScheduleError> {
        if 2 * self.block_ms <= run_ms {
            return Ok(());
        }
        Err(ScheduleError::TooLong { block: span(self.block_ms), run: span(run_ms) })
    }

    /// Returns the index of the policy of a block. Blocks are numbered from 0.
    pub fn policy(&self, number: i64, seed: u64) -> usize {
        let pair = number.div_euclid(2);
        let is_swapped = stream(seed, Purpose::Switchback, pair as u64).random::<bool>();
        usize::from((number % 2 == 1) != is_swapped)
    }

    /// Returns the complete pairs of blocks of a run.
    pub fn blocks(&self, from_ms: i64, to_ms: i64, seed: u64) -> Vec<Block> {
        let pairs = (to_ms - from_ms) / (2 * self.block_ms);
        let block = |number: i64| {
            let begins_ms = from_ms + number * self.block_ms;
            Block { from_ms: begins_ms, to_ms: begins_ms + self.block_ms, policy: self.policy(number, seed) }
        };
        (0..2 * pairs).map(block).collect()
    }

    /// Returns the names of the policies.
    pub fn names(&self) -> [String; 2] {
        self.policies.map(policy_name)
    }

    /// Returns the label that stands for the policy in reports.
    pub fn label(&self) -> String {
        format!("{} by {}", self.names().join("/"), span(self.block_ms))
    }

    /// Returns the label for file names.
    pub fn plain_label(&self) -> String {
        format!("{}-by-{}-{}", self.names().join("-"), span(self.block_ms), span(self.burn_in_ms))
    }

    /// Returns the command-line flags of such runs.
    pub fn flags(&self) -> Vec<String> {
        let (block, burn_in) = (span(self.block_ms), span(self.burn_in_ms));
        let flags = ["--policies", &self.names().join(","), "--switchback", &block, "--burn-in", &burn_in];
        flags.map(str::to_owned).to_vec()
    }
}

fn parse_policy(name: &str) -> Result<Policy, ScheduleError> {
    let read = toml::Value::String(name.to_owned()).try_into::<Policy>();
    read.map_err(|error| {
        let reason = error.to_string().trim().to_owned();
        ScheduleError::Unknown { name: name.to_owned(), reason }
    })
}

/// Returns the name of a policy in settings and reports.
pub fn policy_name(policy: Policy) -> String {
    let named = toml::Value::try_from(policy).ok();
    named.as_ref().and_then(toml::Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Vec<String> {
        vec!["nearest".to_owned(), "batch".to_owned()]
    }

    #[test]
    fn each_pair_has_both_policies_in_an_order_of_the_seed() {
        let schedule = Schedule::new(&two(), 60_000, None).unwrap();
        assert_eq!((schedule.burn_in_ms, schedule.label()), (20_000, "nearest/batch by 1m".to_owned()));
        let orders = |seed| -> Vec<usize> {
            let blocks = schedule.blocks(0, 64 * 60_000 + 90_000, seed);
            assert!(blocks.chunks(2).all(|pair| pair[0].policy + pair[1].policy == 1), "{blocks:?}");
            assert!(blocks.windows(2).all(|pair| pair[0].to_ms == pair[1].from_ms));
            blocks.iter().map(|block| block.policy).collect()
        };
        let (first, other) = (orders(1), orders(2));
        assert_eq!((first.len(), &first), (64, &orders(1)));
        assert_ne!(first, other);
        let is_swapped = first.chunks(2).filter(|pair| pair[0] == 1).count();
        assert!((8..=24).contains(&is_swapped), "32 pairs, {is_swapped} of them swapped");
    }

    #[test]
    fn an_impossible_schedule_is_refused() {
        let error = |policies: &[&str], block_ms, burn_in_ms| {
            let policies: Vec<String> = policies.iter().map(|policy| (*policy).to_owned()).collect();
            Schedule::new(&policies, block_ms, burn_in_ms).unwrap_err().to_string()
        };
        assert!(error(&["batch"], 60_000, None).ends_with("is of two different ones, like nearest,batch"));
        assert!(error(&["batch", "batch"], 60_000, None).contains("two different ones"));
        let unknown = error(&["batch", "best"], 60_000, None);
        assert!(unknown.starts_with("policy \"best\"") && unknown.contains("nearest"), "{unknown}");
        let burn_in = error(&["batch", "nearest"], 60_000, Some(60_000));
        assert_eq!(burn_in, "burn-in 1m, must be shorter than the block of 1m");
        let long = Schedule::new(&two(), 61_000, None).unwrap().fits(120_000).unwrap_err();
        assert_eq!(long.to_string(), "switchback 61s, must be at most half of the run of 2m");
    }
}
