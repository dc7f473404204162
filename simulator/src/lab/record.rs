//! What one run of a city came to: every request's and every driver's story, from which all metrics are computed.
//!
//! Times are milliseconds since the Unix epoch, of the city's day.

use kerb_geometry::LatLng;
use serde::{Deserialize, Serialize};

use super::switchback::Schedule;
use kerb_loadgen::report::Percentiles;

/// A run, whole: enough to compute every metric, and to run it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The scenario's name.
    pub scenario: String,
    /// The scenario as TOML, as it was run: reading it and the seed gives the same run.
    pub scenario_toml: String,
    /// Of all randomness.
    pub seed: u64,
    /// How trips were given to drivers: `nearest`, `batch`, …, or the name of a switchback.
    pub policy: String,
    /// By what the policy changed meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switchback: Option<Schedule>,
    /// When the city began.
    pub from_ms: i64,
    /// When it ended: before its planned end if it was stopped.
    pub to_ms: i64,
    /// Whether it was stopped before its end.
    pub stopped: bool,
    /// In the order in which they were made.
    pub requests: Vec<RequestRecord>,
    /// By number.
    pub drivers: Vec<DriverRecord>,
    /// The fleet over time.
    pub samples: Vec<FleetSample>,
    /// How the service did.
    pub system: SystemRecord,
    /// Hash of all that was said and heard, in order; the same for the same scenario and seed in the lab. Hexadecimal.
    pub trace_hash: String,
}

/// One rider's request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestRecord {
    /// When the rider asked.
    pub requested_ms: i64,
    /// From where.
    pub pickup: LatLng,
    /// To where.
    pub dropoff: LatLng,
    /// How it ended.
    pub outcome: RequestOutcome,
    /// Offers that drivers got for it.
    pub offers: u32,
    /// Offers that drivers declined or let lapse.
    pub declined: u32,
    /// When the driver accepted who came last.
    pub accepted_ms: Option<i64>,
    /// When that driver was at the pickup.
    pub arrived_ms: Option<i64>,
    /// When the rider was on board.
    pub picked_up_ms: Option<i64>,
    /// When the rider was at the drop-off.
    pub dropped_off_ms: Option<i64>,
    /// The driver who served it, or was on the way at its end.
    pub driver: Option<u32>,
    /// Meters that this driver drove to the pickup, from the acceptance.
    pub pickup_m: Option<f64>,
    /// Meters of the ride.
    pub ride_m: Option<f64>,
    /// Seconds to the pickup that the rider was told when the driver accepted.
    pub promised_eta_s: Option<u32>,
    /// Stars that the rider gave, 1 to 5.
    pub stars: Option<u8>,
}

impl RequestRecord {
    /// A request of which nothing has come yet.
    pub fn asked(requested_ms: i64, pickup: LatLng, dropoff: LatLng) -> Self {
        Self {
            requested_ms,
            pickup,
            dropoff,
            outcome: RequestOutcome::Open,
            offers: 0,
            declined: 0,
            accepted_ms: None,
            arrived_ms: None,
            picked_up_ms: None,
            dropped_off_ms: None,
            driver: None,
            pickup_m: None,
            ride_m: None,
            promised_eta_s: None,
            stars: None,
        }
    }
}

/// How a request ended. Each request has exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestOutcome {
    /// Dropped off.
    Served,
    /// The rider cancelled while nobody had accepted.
    CancelledWaiting,
    /// The rider cancelled while a driver was on the way.
    CancelledEnRoute,
    /// Nobody took it in the time that the rider waits.
    Expired,
    /// The service did not take it.
    Refused,
    /// The city ended before it did.
    Open,
}

/// What a driver is doing; at each moment exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// Not at work.
    OffShift,
    /// At work, without a trip, standing or drifting.
    Idle,
    /// At work, without a trip, on the way to where requests are expected.
    Repositioning,
    /// On a break.
    Break,
    /// On the way to a rider.
    ToPickup,
    /// Waits for the rider to board.
    Boarding,
    /// With a rider.
    OnTrip,
}

impl Activity {
    /// All of them, in the order of [`DriverRecord`]'s and [`FleetSample`]'s arrays.
    pub const ALL: [Self; 7] = [
        Self::OffShift,
        Self::Idle,
        Self::Repositioning,
        Self::Break,
        Self::ToPickup,
        Self::Boarding,
        Self::OnTrip,
    ];
}

/// One driver's time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DriverRecord {
    /// Milliseconds in each activity of [`Activity::ALL`]; their sum is the length of the run.
    pub ms: [i64; 7],
    /// Meters driven in each.
    pub meters: [f64; 7],
    /// Trips that were completed.
    pub trips: u32,
    /// Offers heard.
    pub offers: u32,
    /// Offers declined.
    pub declined: u32,
    /// Offers left unanswered.
    pub lapsed: u32,
}

/// The city at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FleetSample {
    /// When.
    pub at_ms: i64,
    /// Drivers in each activity of [`Activity::ALL`].
    pub drivers: [u32; 7],
    /// Requests that wait for a driver.
    pub waiting: u32,
}

/// How the service did, in the machine's own time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SystemRecord {
    /// Seconds that the run took.
    pub wall_s: f64,
    /// Position updates sent.
    pub updates: u64,
    /// Of them, lost or refused by the service; not those that the scenario drops.
    pub updates_failed: u64,
    /// From a message to its answer, by kind (`request`, `action`, `window`, …): microseconds.
    pub latencies: Vec<Latency>,
    /// Offers made.
    #[serde(default)]
    pub offers: u64,
    /// From a request to its first offer, milliseconds by the service's clock.
    #[serde(default)]
    pub first_offer_ms: Percentiles,
    /// Promises that were given twice: a driver on two live trips, or a trip with two drivers. Must be 0.
    #[serde(default)]
    pub double_promises: u64,
    /// Faults that the judges found; empty is as it should be.
    pub faults: Vec<String>,
}

/// One kind of latency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Of what.
    pub name: String,
    /// How many.
    pub count: u64,
    /// Microseconds that half of them took at most.
    pub p50_us: u64,
    /// 90 of 100.
    pub p90_us: u64,
    /// 99 of 100.
    pub p99_us: u64,
    /// The longest.
    pub max_us: u64,
}
