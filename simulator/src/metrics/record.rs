//! The record of one run: every request and every driver, from which all metrics are computed.
//!
//! Times are milliseconds since the Unix epoch, of the city's day.

use std::fmt;
use std::ops::Range;

use kerb_geometry::LatLng;
use kerb_loadgen::report::Percentiles;
use serde::{Deserialize, Serialize};

use crate::scenario::switchback::Schedule;

/// The number of a driver: its index in [`RunRecord::drivers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DriverNumber(pub u32);

/// The number of a request: its index in [`RunRecord::requests`]. Each rider makes one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestNumber(pub u32);

impl DriverNumber {
    /// Returns the number as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl RequestNumber {
    /// Returns the number as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for DriverNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for RequestNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The complete record of a run. It is enough to compute every metric and to repeat the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Name of the scenario.
    pub scenario: String,
    /// The scenario as TOML, with the overrides of this run. With the seed it reproduces the run.
    pub scenario_toml: String,
    /// Seed of all random streams.
    pub seed: u64,
    /// Name of the assignment policy, `nearest` or `batch`, or the label of a switchback.
    pub policy: String,
    /// The schedule of a switchback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switchback: Option<Schedule>,
    /// Beginning of the run.
    pub from_ms: i64,
    /// End of the time in which riders request, or of the run if it was stopped earlier.
    pub to_ms: i64,
    /// The measured time: metrics only count requests that begin in it, and drivers' time within it. Empty in a record of an
    /// older release, which measured everything.
    #[serde(default = "unmeasured")]
    pub measured_ms: Range<i64>,
    /// True if the run was stopped before its planned end.
    pub stopped: bool,
    /// Requests by time.
    pub requests: Vec<RequestRecord>,
    /// Drivers in the order of their numbers.
    pub drivers: Vec<DriverRecord>,
    /// Samples of the fleet over time.
    pub samples: Vec<FleetSample>,
    /// Figures of the service.
    pub system: SystemRecord,
    /// Hash of all messages in order, hexadecimal; equal for two runs of one scenario and seed under virtual time.
    #[serde(alias = "trace_hash")]
    pub run_hash: String,
}

impl RunRecord {
    /// Returns the requests that metrics count. Requests are sorted by time.
    pub fn measured_requests(&self) -> &[RequestRecord] {
        if self.measured_ms.is_empty() {
            return &self.requests;
        }
        let before = |ms: i64| self.requests.partition_point(|request| request.requested_ms < ms);
        &self.requests[before(self.measured_ms.start)..before(self.measured_ms.end)]
    }
}

fn unmeasured() -> Range<i64> {
    0..0
}

/// The record of one request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestRecord {
    /// Time of the request.
    pub requested_ms: i64,
    /// Position of the rider.
    pub pickup: LatLng,
    /// Destination of the rider.
    pub dropoff: LatLng,
    /// How the request ended.
    pub outcome: RequestOutcome,
    /// Number of offers to drivers.
    pub offers: u32,
    /// Number of offers that drivers declined or let time out.
    pub declined: u32,
    /// Time at which the last driver accepted.
    pub accepted_ms: Option<i64>,
    /// Time at which this driver arrived at the pickup.
    pub arrived_ms: Option<i64>,
    /// Time at which the rider was on board.
    pub picked_up_ms: Option<i64>,
    /// Time at which the rider was at the drop-off.
    pub dropped_off_ms: Option<i64>,
    /// The last driver: the one who served the request, or who was en route at its end.
    pub driver: Option<DriverNumber>,
    /// Meters that this driver drove from its acceptance to the pickup.
    pub pickup_m: Option<f64>,
    /// Length of the ride, meters.
    pub ride_m: Option<f64>,
    /// Seconds to the pickup, as quoted to the rider at the acceptance.
    #[serde(alias = "promised_eta_s")]
    pub quoted_eta_s: Option<u32>,
    /// The rider's rating, 1 to 5 stars.
    pub stars: Option<u8>,
}

impl RequestRecord {
    /// Creates the record of a new request.
    pub fn open(requested_ms: i64, pickup: LatLng, dropoff: LatLng) -> Self {
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
            quoted_eta_s: None,
            stars: None,
        }
    }
}

/// How a request ended. Each request has exactly one outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestOutcome {
    /// The driver dropped the rider off.
    Served,
    /// The rider cancelled before a driver accepted.
    CancelledWaiting,
    /// The rider cancelled while a driver was en route.
    CancelledEnRoute,
    /// The service found no driver in time.
    Expired,
    /// The service rejected the request.
    Refused,
    /// The run ended before the request did.
    Open,
}

/// The activity of a driver. A driver has exactly one at each moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// The driver does not work.
    OffShift,
    /// The driver works and has no trip; it stands or cruises.
    Idle,
    /// The driver has no trip and drives to where requests are expected.
    Repositioning,
    /// The driver rests during its shift.
    Break,
    /// The driver is en route to a rider.
    ToPickup,
    /// The driver waits at the pickup until the rider is on board.
    Boarding,
    /// The driver drives a rider.
    OnTrip,
}

impl Activity {
    /// All activities, in the order of the arrays of [`DriverRecord`] and [`FleetSample`].
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

/// The record of one driver.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DriverRecord {
    /// Milliseconds in each activity of [`Activity::ALL`]; the sum is the length of the measured time.
    pub ms: [i64; 7],
    /// Meters driven in each activity in the measured time.
    pub meters: [f64; 7],
    /// The number of trips that were completed in the measured time.
    pub trips: u32,
    /// Offers that reached the driver.
    pub offers: u32,
    /// Offers that the driver declined.
    pub declined: u32,
    /// Offers that the driver let time out.
    #[serde(alias = "lapsed")]
    pub unanswered: u32,
}

/// The state of the fleet at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FleetSample {
    /// Time of the sample.
    pub at_ms: i64,
    /// Drivers in each activity of [`Activity::ALL`].
    pub drivers: [u32; 7],
    /// Requests without a driver.
    pub waiting: u32,
}

/// Figures of the service, in the machine's own time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SystemRecord {
    /// Duration of the run, seconds.
    pub wall_s: f64,
    /// Position updates sent to the service.
    pub updates: u64,
    /// Updates that the service lost or rejected, without those that the scenario drops.
    pub updates_failed: u64,
    /// Time from a message to its answer, by kind (`request`, `action`, `window`, …).
    pub latencies: Vec<Latency>,
    /// Number of offers to drivers.
    #[serde(default)]
    pub offers: u64,
    /// Time from a request to its first offer, milliseconds of the service's clock.
    #[serde(default)]
    pub first_offer_ms: Percentiles,
    /// Drivers on two live trips, and trips with two drivers. Must be 0.
    #[serde(default, alias = "double_promises")]
    pub double_assignments: u64,
    /// Faults that the checkers found. Must be empty.
    pub faults: Vec<String>,
}

/// The latency of one kind of call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Name of the kind.
    pub name: String,
    /// Number of calls.
    pub count: u64,
    /// Median, microseconds.
    pub p50_us: u64,
    /// 90th percentile, microseconds.
    pub p90_us: u64,
    /// 99th percentile, microseconds.
    pub p99_us: u64,
    /// Maximum, microseconds.
    pub max_us: u64,
}
