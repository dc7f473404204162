//! The matcher's settings: plain values with defaults.

use std::time::Duration;

use kerb_types::FieldError;
use serde::{Deserialize, Serialize};

use crate::market::Rules;
use crate::markets::{MarketArea, Markets};
use kerb_assignment::{PENALTY_MAX, Policy};

/// A rider waits at least so long, milliseconds.
pub const WAIT_MIN_MS: u32 = 1_000;
/// No setting lets a rider wait longer, milliseconds.
pub const WAIT_MAX_MS: u32 = 3_600_000;
/// Threads that may solve one window, at most.
const SOLVER_THREADS_MAX: u32 = 64;

/// Settings of a matcher. Every field has a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// While requests wait, they are matched this often, milliseconds.
    pub window_ms: u32,
    /// A request that finds no other one waiting is matched after this, milliseconds.
    pub window_min_ms: u32,
    /// Requests of one window, at most; the oldest go first.
    pub window_requests_max: u32,
    /// How long a driver may think about an offer, milliseconds.
    pub offer_ms: u32,
    /// How long a driver who accepted may be away before the rider gets another one, milliseconds.
    pub reconnect_grace_ms: u32,
    /// How long a rider waits who does not say, milliseconds.
    pub wait_default_ms: u32,
    /// The longest wait that a rider may ask for, milliseconds.
    pub wait_max_ms: u32,
    /// `batch`: all requests of a window at once, at the least total cost; `nearest`: one after the other; `reoptimise`:
    /// as `batch`, and trips whose driver is under way to the pickup may go to a nearer one, who is asked first.
    pub policy: Policy,
    /// A trip goes to a nearer driver only where that makes the ways to pickups so much shorter together, seconds.
    pub reoptimize_gain_s: u32,
    /// A driver who is so near to the pickup keeps the trip, seconds.
    pub reoptimize_keep_s: u32,
    /// A trip goes to a nearer driver so often, at most.
    pub reoptimize_trip_max: u32,
    /// A driver who lost a trip to a nearer one loses no other for so long, seconds.
    pub reoptimize_cooldown_s: u32,
    /// Threads that solve one window.
    pub solver_threads: u32,
    /// Drivers that are looked at for a new request.
    pub candidates_min: u32,
    /// Drivers that are looked at for a request that was left out again and again.
    pub candidates_max: u32,
    /// No driver is sent who needs longer to the pickup, seconds.
    pub pickup_max_s: u32,
    /// A second that a rider has waited counts as so many seconds of a driver's way, when there are too few drivers.
    pub wait_credit: u32,
    /// A driver whose position is older is not asked, milliseconds.
    pub stale_after_ms: u32,
    /// Speed of the straight-line travel times, kilometers an hour.
    pub speed_kmh: f64,
    /// Way over great-circle distance of the straight-line travel times.
    pub detour: f64,
    /// Live trips of one rider, at most.
    pub rider_live_max: u32,
    /// Requests of one market that wait at one time, at most.
    pub waiting_max: u32,
    /// How long an ended trip can be asked for, milliseconds.
    pub ended_kept_ms: u32,
    /// How often a running meter is written down, milliseconds.
    pub meter_checkpoint_ms: u32,
    /// Changes between two snapshots of a market.
    pub snapshot_every: u32,
    /// How often the drivers under way are looked for, milliseconds.
    pub track_interval_ms: u32,
    /// How long a window waits for candidates, milliseconds.
    pub search_timeout_ms: u32,
    /// How long an ingest node has to answer, milliseconds.
    pub notify_timeout_ms: u32,
    /// How long the journal has to take a record, milliseconds.
    pub append_timeout_ms: u32,
    /// How long a caller waits for a decision, milliseconds; then its outcome is unknown to the caller.
    pub answer_timeout_ms: u32,
    /// Callers that wait for one market, at most; beyond, they are told `RESOURCE_EXHAUSTED`.
    pub commands_max: u32,
    /// Trips that are watched, at most; beyond, as above.
    pub watches_max: u32,
    /// How long a quote may be shown, milliseconds.
    pub quote_valid_ms: u32,
    /// Quotes at one time, at most; beyond, as above.
    pub quotes_max: u32,
    /// What is matched as one. None: the whole world, as the market `world`.
    pub markets: Vec<MarketArea>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            window_ms: 1_000,
            window_min_ms: 100,
            window_requests_max: 10_000,
            offer_ms: 15_000,
            reconnect_grace_ms: 120_000,
            wait_default_ms: 300_000,
            wait_max_ms: WAIT_MAX_MS,
            policy: Policy::default(),
            reoptimize_gain_s: 60,
            reoptimize_keep_s: 60,
            reoptimize_trip_max: 1,
            reoptimize_cooldown_s: 600,
            solver_threads: 1,
            candidates_min: 10,
            candidates_max: 64,
            pickup_max_s: 1_800,
            wait_credit: 2,
            stale_after_ms: 15_000,
            speed_kmh: 22.0,
            detour: 1.35,
            rider_live_max: 3,
            waiting_max: 100_000,
            ended_kept_ms: 3_600_000,
            meter_checkpoint_ms: 60_000,
            snapshot_every: 10_000,
            track_interval_ms: 3_000,
            search_timeout_ms: 500,
            notify_timeout_ms: 2_000,
            append_timeout_ms: 10_000,
            answer_timeout_ms: 30_000,
            commands_max: 8_192,
            watches_max: 100_000,
            quote_valid_ms: 30_000,
            quotes_max: 256,
            markets: Vec::new(),
        }
    }
}

impl Options {
    /// Checks what the types do not.
    pub fn validate(&self) -> Result<(), FieldError> {
        self.check_positive()?;
        between("window_min_ms", self.window_min_ms, 1, self.window_ms)?;
        between("wait_max_ms", self.wait_max_ms, WAIT_MIN_MS, WAIT_MAX_MS)?;
        between("wait_default_ms", self.wait_default_ms, WAIT_MIN_MS, self.wait_max_ms)?;
        between("solver_threads", self.solver_threads, 1, SOLVER_THREADS_MAX)?;
        between("candidates_max", self.candidates_max, 1, kerb_types::limits::NEIGHBORS_MAX)?;
        between("candidates_min", self.candidates_min, 1, self.candidates_max)?;
        between("pickup_max_s", self.pickup_max_s, 1, PENALTY_MAX)?;
        between("reoptimize_gain_s", self.reoptimize_gain_s, 1, PENALTY_MAX)?;
        between("reoptimize_keep_s", self.reoptimize_keep_s, 0, PENALTY_MAX)?;
        real_between("speed_kmh", self.speed_kmh, 1.0, 300.0)?;
        real_between("detour", self.detour, 1.0, 10.0)?;
        Markets::new(&self.markets).map(drop)
    }

    fn check_positive(&self) -> Result<(), FieldError> {
        let positive = [
            ("window_requests_max", self.window_requests_max),
            ("offer_ms", self.offer_ms),
            ("reconnect_grace_ms", self.reconnect_grace_ms),
            ("stale_after_ms", self.stale_after_ms),
            ("rider_live_max", self.rider_live_max),
            ("waiting_max", self.waiting_max),
            ("ended_kept_ms", self.ended_kept_ms),
            ("meter_checkpoint_ms", self.meter_checkpoint_ms),
            ("snapshot_every", self.snapshot_every),
            ("track_interval_ms", self.track_interval_ms),
            ("search_timeout_ms", self.search_timeout_ms),
            ("notify_timeout_ms", self.notify_timeout_ms),
            ("append_timeout_ms", self.append_timeout_ms),
            ("answer_timeout_ms", self.answer_timeout_ms),
            ("commands_max", self.commands_max),
            ("watches_max", self.watches_max),
            ("quote_valid_ms", self.quote_valid_ms),
            ("quotes_max", self.quotes_max),
        ];
        match positive.into_iter().find(|(_, value)| *value == 0) {
            Some((field, _)) => Err(FieldError::new(field, "0, must be 1 or more")),
            None => Ok(()),
        }
    }

    /// How far from a pickup candidates are looked for, meters: as far as the straight-line speed comes in
    /// `pickup_max_s` without a detour.
    pub fn pickup_radius_m(&self) -> f64 {
        f64::from(self.pickup_max_s) * self.speed_kmh / 3.6
    }

    /// The rules of a market's core; `matcher` stands in its records.
    pub(crate) fn rules(&self, matcher: &str) -> Rules {
        Rules {
            matcher: matcher.to_owned(),
            offer_ms: i64::from(self.offer_ms),
            reconnect_grace_ms: i64::from(self.reconnect_grace_ms),
            lost_wait_min_ms: i64::from(self.window_ms) + i64::from(self.offer_ms),
            ended_kept_ms: i64::from(self.ended_kept_ms),
            waiting_max: self.waiting_max as usize,
            rider_live_max: self.rider_live_max as usize,
            k_min: self.candidates_min,
            k_max: self.candidates_max,
            reassigned_max: self.reoptimize_trip_max as usize,
            reassignment_cooldown_ms: i64::from(self.reoptimize_cooldown_s) * 1_000,
            meter_checkpoint_ms: i64::from(self.meter_checkpoint_ms),
        }
    }
}

/// A setting in milliseconds.
pub(crate) fn ms(ms: u32) -> Duration {
    Duration::from_millis(u64::from(ms))
}

fn between(field: &'static str, value: u32, min: u32, max: u32) -> Result<(), FieldError> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(FieldError::new(field, format!("{value}, must be {min} to {max}")))
}

fn real_between(field: &'static str, value: f64, min: f64, max: f64) -> Result<(), FieldError> {
    // A range holds no NaN.
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(FieldError::new(field, format!("{value}, must be {min} to {max}")))
}
