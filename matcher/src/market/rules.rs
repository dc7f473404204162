//! The options of a market's core.

use kerb_types::Millis;
use kerb_types::path_filter::SPEED_MAX_KMH;

use crate::options::Options;

/// The rules of a market. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Name of the matcher in the records.
    pub matcher: String,
    /// Time in which a driver may accept an offer.
    pub offer_ms: Millis,
    /// Time in which a trip is not offered again to a driver who let an offer of it expire.
    pub silence_ms: Millis,
    /// Time in which a disconnected driver keeps an accepted trip.
    pub reconnect_grace_ms: Millis,
    /// Time in which a disconnected driver with the rider in the vehicle keeps the trip.
    pub on_trip_grace_ms: Millis,
    /// Minimum wait for another driver after the first one is lost, at least one window and one offer. It overrides a
    /// shorter wait of the request.
    pub lost_wait_min_ms: Millis,
    /// Time in which an ended trip can be read.
    pub ended_kept_ms: Millis,
    /// Time after the end of a trip in which its key makes no second trip.
    pub keys_kept_ms: Millis,
    /// Maximum number of requests without a driver.
    pub waiting_max: usize,
    /// Maximum number of live trips of a rider.
    pub rider_live_max: usize,
    /// Number of candidates of a new request.
    pub k_min: u32,
    /// Maximum number of candidates of a request that stays unmatched.
    pub k_max: u32,
    /// Maximum number of reassignments of a trip.
    pub reassigned_max: usize,
    /// Time in which a driver who lost a trip to a nearer driver loses no other.
    pub reassignment_cooldown_ms: Millis,
    /// Highest plausible speed of a vehicle, in kilometers per hour.
    pub vehicle_speed_max_kmh: u32,
    /// Interval of the meter's checkpoints. After a crash, the distance since the last one is a straight line.
    pub meter_checkpoint_ms: Millis,
}

impl Rules {
    /// Derives the rules from `options`. `matcher` is the name in the records.
    pub(crate) fn new(options: &Options, matcher: &str) -> Self {
        Self {
            matcher: matcher.to_owned(),
            offer_ms: Millis::from(options.offer_ms),
            silence_ms: Millis::from(options.silence_ms),
            reconnect_grace_ms: Millis::from(options.reconnect_grace_ms),
            on_trip_grace_ms: Millis::from(options.on_trip_grace_ms),
            lost_wait_min_ms: Millis::from(options.window_max_ms) + Millis::from(options.offer_ms),
            ended_kept_ms: Millis::from(options.ended_kept_ms),
            keys_kept_ms: Millis::from(options.keys_kept_ms),
            waiting_max: options.waiting_max as usize,
            rider_live_max: options.rider_live_max as usize,
            k_min: options.candidates_min,
            k_max: options.candidates_max,
            reassigned_max: options.reoptimize_trip_max as usize,
            reassignment_cooldown_ms: Millis::from_secs(i64::from(options.reoptimize_cooldown_s)),
            vehicle_speed_max_kmh: options.vehicle_speed_max_kmh,
            meter_checkpoint_ms: Millis::from(options.meter_checkpoint_ms),
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            matcher: "matcher".to_owned(),
            offer_ms: Millis::new(15_000),
            silence_ms: Millis::new(60_000),
            reconnect_grace_ms: Millis::new(120_000),
            on_trip_grace_ms: Millis::new(1_800_000),
            lost_wait_min_ms: Millis::new(20_000),
            ended_kept_ms: Millis::new(3_600_000),
            keys_kept_ms: Millis::new(86_400_000),
            waiting_max: 100_000,
            rider_live_max: 3,
            k_min: 10,
            k_max: 64,
            reassigned_max: 1,
            reassignment_cooldown_ms: Millis::new(600_000),
            vehicle_speed_max_kmh: SPEED_MAX_KMH,
            meter_checkpoint_ms: Millis::new(60_000),
        }
    }
}
