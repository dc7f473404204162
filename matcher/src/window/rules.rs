//! The options of a window.

use std::time::Duration;

use kerb_assignment::Policy;
use kerb_types::{Millis, Timestamp};

use crate::options::{Options, ms};
use crate::window::pickup_limit::PickupLimit;

/// The rules of a window.
#[derive(Clone, Copy, Debug)]
pub struct WindowRules {
    pub(crate) policy: Policy,
    pub(super) threads: usize,
    pub(super) radius_m: f64,
    pub(super) pickup_limit: PickupLimit,
    pub(super) wait_credit: f64,
    pub(super) serves_overdue: bool,
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
            pickup_limit: PickupLimit::new(options),
            wait_credit: options.wait_credit,
            serves_overdue: false,
            stale_after_ms: Millis::from(options.stale_after_ms),
            gain_s: options.reoptimize_gain_s,
            keep_s: options.reoptimize_keep_s,
            search_timeout: ms(options.search_timeout_ms),
        }
    }

    /// The rules of a window that first serves the oldest overdue request with a driver in reach, or of one that does not.
    #[must_use]
    pub fn serving_overdue(self, serves_overdue: bool) -> Self {
        Self { serves_overdue, ..self }
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
