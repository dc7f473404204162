//! The options of a window.

use std::time::Duration;

use kerb_assignment::Policy;
use kerb_types::{Millis, Timestamp};

use crate::options::{Options, ms};

/// The rules of a window.
#[derive(Clone, Copy, Debug)]
pub struct WindowRules {
    pub(crate) policy: Policy,
    pub(super) threads: usize,
    pub(super) radius_m: f64,
    pub(super) pickup_max_s: u32,
    pub(super) wait_credit: u32,
    pub(super) stale_after_ms: Millis,
    pub(super) gain_s: u32,
    pub(super) keep_s: u32,
    pub(super) search_timeout: Duration,
}

impl WindowRules {
    /// Derives the rules from `options`.
    pub fn new(options: &Options) -> Self {
        Self {
            policy: options.policy,
            threads: options.solver_threads as usize,
            radius_m: options.pickup_radius_m(),
            pickup_max_s: options.pickup_max_s,
            wait_credit: options.wait_credit,
            stale_after_ms: Millis::from(options.stale_after_ms),
            gain_s: options.reoptimize_gain_s,
            keep_s: options.reoptimize_keep_s,
            search_timeout: ms(options.search_timeout_ms),
        }
    }

    /// Whether a position is new enough for a candidate.
    pub(crate) fn is_fresh(&self, measured_ms: Timestamp, now: Timestamp) -> bool {
        measured_ms >= now - self.stale_after_ms
    }

    /// Whether en-route trips may be reassigned.
    pub(crate) fn reassigns_trips(&self) -> bool {
        self.policy == Policy::Reoptimize
    }
}
