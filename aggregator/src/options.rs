//! The settings of the aggregator: plain values with defaults.

use std::time::Duration;

use kerb_types::FieldError;
use serde::{Deserialize, Serialize};

/// Time for each further search of a call between the end of the search and its part of the response being sent.
const REPLY_MARGIN_PER_SEARCH: Duration = Duration::from_micros(100);

/// Settings of an aggregator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Deadline of a search whose caller sets none, milliseconds.
    pub search_deadline_ms: u32,
    /// Longest deadline of a search, milliseconds; a longer one is cut to this, because a search holds its permit of
    /// `searches_max` until its deadline.
    pub search_deadline_max_ms: u32,
    /// Part of a caller's deadline that is reserved for the way back of the response, milliseconds. At most a tenth of
    /// the deadline.
    pub reply_margin_ms: u32,
    /// Largest age of a position if the caller sets none, milliseconds.
    pub stale_after_ms: u32,
    /// Largest age that a caller may set, milliseconds. Index servers drop older positions.
    pub position_ttl_ms: u32,
    /// Maximum searches in flight; further callers get `RESOURCE_EXHAUSTED`.
    pub searches_max: u32,
    /// Maximum batches of searches in progress; further batches wait until their deadlines, then their callers get
    /// `RESOURCE_EXHAUSTED`. A batch holds all of its answers until the last one is there.
    pub batches_max: u32,
    /// Maximum driver look-ups in flight; further callers get `RESOURCE_EXHAUSTED`.
    pub lookups_max: u32,
    /// Hedge delay for a server without latency samples, milliseconds. A query to a server that is not live is abandoned
    /// after this time.
    pub hedge_initial_ms: u32,
    /// Smallest hedge delay, microseconds.
    pub hedge_floor_us: u32,
    /// Maximum hedges, per thousand first queries.
    pub hedge_permille: u32,
    /// Maximum hedges in a burst after a quiet time.
    pub hedge_burst: u32,
    /// An identical search joins one that started at most this long ago, microseconds. 0 disables joining.
    pub join_window_us: u32,
    /// Maximum travel times that one search by travel time computes. A search that reaches the limit sets
    /// `ranking_incomplete` in its response.
    pub timed_drivers_max: u32,
    /// Deadline of an operator's request to all index servers, milliseconds.
    pub admin_deadline_ms: u32,
    /// Interval between two progress reports of a rebuild, milliseconds.
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
            batches_max: 16,
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
    /// Checks each value, and the values against each other.
    pub fn validate(&self) -> Result<(), FieldError> {
        let at_least_one = [
            ("search_deadline_ms", self.search_deadline_ms),
            ("stale_after_ms", self.stale_after_ms),
            ("searches_max", self.searches_max),
            ("batches_max", self.batches_max),
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

    /// Returns the deadline of a search that arrived at `now` with a caller's `timeout`.
    pub fn deadline(&self, timeout: Option<Duration>, now: tokio::time::Instant) -> tokio::time::Instant {
        self.batch_deadline(1, timeout, now)
    }

    /// Returns the deadline of `searches` searches of one call. The response of many takes longer to collect and to encode,
    /// so its margin is larger.
    pub fn batch_deadline(
        &self,
        searches: usize,
        timeout: Option<Duration>,
        now: tokio::time::Instant,
    ) -> tokio::time::Instant {
        let default = Duration::from_millis(u64::from(self.search_deadline_ms));
        let Some(timeout) = timeout else { return now + default };
        // A call has at most 1,000 searches, so the cast cannot lose.
        let margin = Duration::from_millis(u64::from(self.reply_margin_ms))
            + REPLY_MARGIN_PER_SEARCH * searches.saturating_sub(1) as u32;
        let margin = margin.min(timeout / 10);
        now + timeout
            .saturating_sub(margin)
            .min(Duration::from_millis(u64::from(self.search_deadline_max_ms)))
    }
}

fn not_below(field: &'static str, value: u32, min: u32) -> Result<(), FieldError> {
    if value < min { Err(FieldError::new(field, format!("{value}, must be at least {min}"))) } else { Ok(()) }
}
