//! The options of a matcher: plain values with defaults.

mod market_areas;

use std::time::Duration;

use kerb_assignment::{PENALTY_MAX, Policy};
use kerb_types::FieldError;
use kerb_types::path_filter::SPEED_MAX_KMH;
use serde::{Deserialize, Serialize};

pub use market_areas::{MarketArea, MarketAreas, WORLD};

/// Minimum wait of a request, in milliseconds.
pub const WAIT_MIN_MS: u32 = 1_000;
/// Maximum wait that an operator may allow, in milliseconds.
pub const WAIT_MAX_MS: u32 = 3_600_000;
/// Maximum number of seconds of travel time that a second of waiting outweighs.
const WAIT_CREDIT_MAX: f64 = 1_000.0;
/// Maximum number of threads that solve one window.
const SOLVER_THREADS_MAX: u32 = 64;

/// The options of a matcher. Every field has a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Length of the windows while drivers are plenty, in milliseconds.
    pub window_min_ms: u32,
    /// Length of the windows while all requests stay unmatched, in milliseconds. Between the two, the length grows with the
    /// share of unmatched requests. If both are equal, the length is fixed.
    pub window_max_ms: u32,
    /// Maximum number of requests in a window; the oldest go first.
    pub window_requests_max: u32,
    /// Time in which a driver may accept an offer, in milliseconds.
    pub offer_ms: u32,
    /// Time in which a trip is not offered again to a driver who let an offer of it expire, in milliseconds.
    pub silence_ms: u32,
    /// Time in which a disconnected driver keeps an accepted trip, in milliseconds.
    pub reconnect_grace_ms: u32,
    /// Time in which a disconnected driver with the rider in the vehicle keeps the trip, in milliseconds. The trip then ends
    /// at the last plausible place.
    pub on_trip_grace_ms: u32,
    /// Wait of a request that names none, in milliseconds.
    pub wait_default_ms: u32,
    /// Maximum wait of a request, in milliseconds.
    pub wait_max_ms: u32,
    /// The assignment policy. `batch` assigns all requests of a window at once, at the least total cost; `nearest` assigns
    /// one after the other; `reoptimize` is `batch` plus takeover offers of en-route trips to nearer drivers.
    pub policy: Policy,
    /// Minimum reduction of the total travel time to pickups by a reassignment, in seconds.
    pub reoptimize_gain_s: u32,
    /// A driver within this travel time of the pickup keeps the trip, in seconds.
    pub reoptimize_keep_s: u32,
    /// Maximum number of reassignments of a trip.
    pub reoptimize_trip_max: u32,
    /// Time in which a driver who lost a trip to a nearer driver loses no other, in seconds.
    pub reoptimize_cooldown_s: u32,
    /// Number of threads that solve one window.
    pub solver_threads: u32,
    /// Number of candidates of a new request.
    pub candidates_min: u32,
    /// Maximum number of candidates of a request that stays unmatched.
    pub candidates_max: u32,
    /// Maximum travel time to the pickup of a new request, in seconds; at most `pickup_max_s` counts.
    pub pickup_start_s: u32,
    /// Maximum travel time to the pickup of a request that has waited for `pickup_rise_s`, in seconds.
    pub pickup_max_s: u32,
    /// Time in which the maximum rises from `pickup_start_s` to `pickup_max_s`, in seconds; at most the request's maximum
    /// wait.
    pub pickup_rise_s: u32,
    /// Seconds of travel time that a second of waiting outweighs when there are too few drivers.
    pub wait_credit: f64,
    /// Maximum age of a candidate's position, in milliseconds.
    pub stale_after_ms: u32,
    /// Speed of the straight-line travel times, in kilometers per hour.
    pub speed_kmh: f64,
    /// Highest plausible speed of a vehicle, in kilometers per hour. A position that the vehicle cannot have reached at this
    /// speed counts neither for meters nor for watchers.
    pub vehicle_speed_max_kmh: u32,
    /// Ratio of the path length to the great-circle distance, for the straight-line travel times.
    pub detour: f64,
    /// Maximum number of live trips of a rider.
    pub rider_live_max: u32,
    /// Maximum number of requests without a driver in a market.
    pub waiting_max: u32,
    /// Time in which an ended trip can be read, in milliseconds.
    pub ended_kept_ms: u32,
    /// Time after the end of a trip in which its idempotency key makes no second trip, in milliseconds; at least
    /// `ended_kept_ms`.
    pub keys_kept_ms: u32,
    /// Interval of the meter's checkpoints, in milliseconds.
    pub meter_checkpoint_ms: u32,
    /// Number of changes between two snapshots of a market.
    pub snapshot_every: u32,
    /// Interval at which the drivers of assigned trips are located, in milliseconds.
    pub track_interval_ms: u32,
    /// Timeout of a window's candidate search, in milliseconds.
    pub search_timeout_ms: u32,
    /// Timeout of a call to an ingest node, in milliseconds.
    pub notify_timeout_ms: u32,
    /// Timeout of an append to the journal, in milliseconds.
    pub append_timeout_ms: u32,
    /// Timeout of a command, in milliseconds; its outcome is then unknown to the caller.
    pub answer_timeout_ms: u32,
    /// Maximum number of queued commands of a market; further ones get `RESOURCE_EXHAUSTED`.
    pub commands_max: u32,
    /// Maximum number of watched trips; further watches get `RESOURCE_EXHAUSTED`.
    pub watches_max: u32,
    /// Maximum number of open subscriptions to trip events; further ones get `RESOURCE_EXHAUSTED`.
    pub subscriptions_max: u32,
    /// Validity of a quote, in milliseconds.
    pub quote_valid_ms: u32,
    /// Maximum number of concurrent quotes; further ones get `RESOURCE_EXHAUSTED`.
    pub quotes_max: u32,
    /// The markets. An empty list stands for one market, `world`, that covers the whole world.
    pub markets: Vec<MarketArea>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            window_min_ms: 100,
            window_max_ms: 5_000,
            window_requests_max: 10_000,
            offer_ms: 15_000,
            silence_ms: 60_000,
            reconnect_grace_ms: 120_000,
            on_trip_grace_ms: 1_800_000,
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
            pickup_start_s: 300,
            pickup_max_s: 1_200,
            pickup_rise_s: 300,
            wait_credit: 0.0,
            stale_after_ms: 15_000,
            speed_kmh: 22.0,
            vehicle_speed_max_kmh: SPEED_MAX_KMH,
            detour: 1.35,
            rider_live_max: 3,
            waiting_max: 100_000,
            ended_kept_ms: 3_600_000,
            keys_kept_ms: 86_400_000,
            meter_checkpoint_ms: 60_000,
            snapshot_every: 10_000,
            track_interval_ms: 3_000,
            search_timeout_ms: 500,
            notify_timeout_ms: 2_000,
            append_timeout_ms: 10_000,
            answer_timeout_ms: 30_000,
            commands_max: 8_192,
            watches_max: 100_000,
            subscriptions_max: 1_000,
            quote_valid_ms: 30_000,
            quotes_max: 256,
            markets: Vec::new(),
        }
    }
}

impl Options {
    /// Checks the values. The error names the first wrong one.
    pub fn validate(&self) -> Result<(), FieldError> {
        self.check_positive()?;
        between("window_min_ms", self.window_min_ms, 1, self.window_max_ms)?;
        between("wait_max_ms", self.wait_max_ms, WAIT_MIN_MS, WAIT_MAX_MS)?;
        between("wait_default_ms", self.wait_default_ms, WAIT_MIN_MS, self.wait_max_ms)?;
        between("solver_threads", self.solver_threads, 1, SOLVER_THREADS_MAX)?;
        between("candidates_max", self.candidates_max, 1, kerb_types::limits::NEIGHBORS_MAX)?;
        between("candidates_min", self.candidates_min, 1, self.candidates_max)?;
        between("keys_kept_ms", self.keys_kept_ms, self.ended_kept_ms, u32::MAX)?;
        between("pickup_max_s", self.pickup_max_s, 1, PENALTY_MAX)?;
        between("pickup_start_s", self.pickup_start_s, 1, PENALTY_MAX)?;
        between("pickup_rise_s", self.pickup_rise_s, 0, WAIT_MAX_MS / 1_000)?;
        real_between("wait_credit", self.wait_credit, 0.0, WAIT_CREDIT_MAX)?;
        between("reoptimize_gain_s", self.reoptimize_gain_s, 1, PENALTY_MAX)?;
        between("reoptimize_keep_s", self.reoptimize_keep_s, 0, PENALTY_MAX)?;
        real_between("speed_kmh", self.speed_kmh, 1.0, 300.0)?;
        real_between("detour", self.detour, 1.0, 10.0)?;
        MarketAreas::new(&self.markets).map(drop)
    }

    fn check_positive(&self) -> Result<(), FieldError> {
        let positive = [
            ("window_max_ms", self.window_max_ms),
            ("window_requests_max", self.window_requests_max),
            ("offer_ms", self.offer_ms),
            ("silence_ms", self.silence_ms),
            ("reconnect_grace_ms", self.reconnect_grace_ms),
            ("on_trip_grace_ms", self.on_trip_grace_ms),
            ("stale_after_ms", self.stale_after_ms),
            ("vehicle_speed_max_kmh", self.vehicle_speed_max_kmh),
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
            ("subscriptions_max", self.subscriptions_max),
            ("quote_valid_ms", self.quote_valid_ms),
            ("quotes_max", self.quotes_max),
        ];
        match positive.into_iter().find(|(_, value)| *value == 0) {
            Some((field, _)) => Err(FieldError::new(field, "0, must be 1 or more")),
            None => Ok(()),
        }
    }

    /// Returns the radius of the candidate search, in meters: the distance at the straight-line speed in `pickup_max_s`,
    /// without a detour.
    pub fn pickup_radius_m(&self) -> f64 {
        f64::from(self.pickup_max_s) * self.speed_kmh / 3.6
    }
}

/// Converts an option in milliseconds.
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
    // A range contains no NaN.
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(FieldError::new(field, format!("{value}, must be {min} to {max}")))
}
