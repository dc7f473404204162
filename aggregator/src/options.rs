//! The aggregator's settings: plain values with defaults.

use std::time::Duration;

use kerb_types::FieldError;
use serde::{Deserialize, Serialize};

/// Settings of an aggregator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Deadline of a search whose caller names none, milliseconds.
    pub search_deadline_ms: u32,
    /// A caller's longer deadline is cut to this, milliseconds: a search holds its place in `searches_max` until
    /// then.
    pub search_deadline_max_ms: u32,
    /// A caller's deadline is met by this much, so that the answer still travels back in time, milliseconds. At
    /// most a tenth of the deadline.
    pub reply_margin_ms: u32,
    /// Age that the freshness filter allows when the caller names none, milliseconds.
    pub stale_after_ms: u32,
    /// Largest age that a caller may ask for, milliseconds: the index servers' own limit.
    pub position_ttl_ms: u32,
    /// Searches at one time; beyond, callers are told `RESOURCE_EXHAUSTED`.
    pub searches_max: u32,
    /// Driver look-ups at one time; beyond, as above.
    pub lookups_max: u32,
    /// A server of which nothing is known yet counts as slow after this, milliseconds. One that is not live, but
    /// alone has a shard, is waited for no longer.
    pub hedge_initial_ms: u32,
    /// No server counts as slow before this, microseconds.
    pub hedge_floor_us: u32,
    /// Second requests for slowness, in thousandths of the first ones.
    pub hedge_permille: u32,
    /// Second requests that may come at once after a quiet time.
    pub hedge_burst: u32,
    /// An identical question joins one that started at most this long ago, microseconds. 0: never.
    pub join_window_us: u32,
    /// Drivers whose travel time one search by it computes, at most; beyond, its answer says that its ranking may be
    /// incomplete.
    pub timed_drivers_max: u32,
    /// Deadline of an operator's question to all index servers, milliseconds.
    pub admin_deadline_ms: u32,
    /// How often a rebuild's progress is looked at, milliseconds.
    pub rebuild_poll_ms: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            search_deadline_ms: 200,
            search_deadline_max_ms: 10_000,
            reply_margin_ms: 10,
            stale_after_ms: 15_000,
            position_ttl_ms: 60_000,
            searches_max: 4_096,
            lookups_max: 1_024,
            hedge_initial_ms: 30,
            hedge_floor_us: 2_000,
            hedge_permille: 100,
            hedge_burst: 16,
            join_window_us: 2_000,
            timed_drivers_max: 5_000,
            admin_deadline_ms: 2_000,
            rebuild_poll_ms: 100,
        }
    }
}

impl Options {
    /// Checks the values against each other.
    pub fn check(&self) -> Result<(), FieldError> {
        let at_least_one = [
            ("search_deadline_ms", self.search_deadline_ms),
            ("stale_after_ms", self.stale_after_ms),
            ("searches_max", self.searches_max),
            ("lookups_max", self.lookups_max),
            ("timed_drivers_max", self.timed_drivers_max),
            ("admin_deadline_ms", self.admin_deadline_ms),
            ("rebuild_poll_ms", self.rebuild_poll_ms),
        ];
        for (field, value) in at_least_one {
            if value == 0 {
                return Err(FieldError::new(field, "0, must be at least 1"));
            }
        }
        not_below("search_deadline_max_ms", self.search_deadline_max_ms, self.search_deadline_ms)?;
        not_below("position_ttl_ms", self.position_ttl_ms, self.stale_after_ms)?;
        if self.hedge_permille > 1_000 {
            let description = format!("{}, must be 0 to 1000", self.hedge_permille);
            return Err(FieldError::new("hedge_permille", description));
        }
        Ok(())
    }

    /// When a search must be answered that came at `now` with a caller's `timeout`.
    pub fn deadline(&self, timeout: Option<Duration>, now: tokio::time::Instant) -> tokio::time::Instant {
        let default = Duration::from_millis(u64::from(self.search_deadline_ms));
        let Some(timeout) = timeout else { return now + default };
        let margin = Duration::from_millis(u64::from(self.reply_margin_ms)).min(timeout / 10);
        now + timeout
            .saturating_sub(margin)
            .min(Duration::from_millis(u64::from(self.search_deadline_max_ms)))
    }
}

fn not_below(field: &'static str, value: u32, min: u32) -> Result<(), FieldError> {
    if value < min { Err(FieldError::new(field, format!("{value}, must be at least {min}"))) } else { Ok(()) }
}
