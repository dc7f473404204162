//! The metrics of a run, as dispatch research defines them, computed from a [`RunRecord`].
//!
//! A metric without data is `None`, not 0.

mod measure;
pub mod record;
pub mod summary;

use serde::{Deserialize, Serialize};

pub use measure::{Better, MEASURES, Measure, Unit};

use crate::metrics::record::{Activity, DriverRecord, Latency, RequestOutcome, RequestRecord, RunRecord};

const HOUR_MS: f64 = 3_600_000.0;

/// Activities in which a driver drives without a rider.
const EMPTY: [Activity; 5] =
    [Activity::Idle, Activity::Repositioning, Activity::Break, Activity::ToPickup, Activity::Boarding];
/// Activities of a driver who has a trip.
const WITH_TRIP: [Activity; 3] = [Activity::ToPickup, Activity::Boarding, Activity::OnTrip];

/// The number of requests by outcome. The sum is the number of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcomes {
    /// The driver dropped the rider off.
    pub served: u32,
    /// The rider cancelled before a driver accepted.
    pub cancelled_waiting: u32,
    /// The rider cancelled while a driver was en route.
    pub cancelled_en_route: u32,
    /// The service found no driver in time.
    pub expired: u32,
    /// The service rejected the request.
    pub refused: u32,
    /// The run ended before the request did.
    pub open: u32,
}

/// The mean and the percentiles of a set of values. A percentile is a value of the set (nearest rank).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Number of values.
    pub count: usize,
    /// The arithmetic mean of the values.
    pub mean: f64,
    /// The median of the values.
    pub p50: f64,
    /// The 90th percentile of the values.
    pub p90: f64,
    /// The 95th percentile of the values.
    pub p95: f64,
    /// The largest of the values.
    pub max: f64,
}

/// The metrics of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Requests by outcome.
    pub outcomes: Outcomes,
    /// Share of served requests among those that ended. Open requests do not count.
    pub service_rate: Option<f64>,
    /// Share of served requests among all. Open requests count as not served.
    #[serde(default)]
    pub served_share: Option<f64>,
    /// Time from the request until the rider is on board, seconds. Requests without a pickup have no wait: they are censored,
    /// and `censored_share` is their share. A policy that serves fewer requests may look faster.
    pub wait_s: Option<Distribution>,
    /// Time from the request until the driver is at the pickup, seconds, of requests with a pickup.
    #[serde(default)]
    pub arrival_wait_s: Option<Distribution>,
    /// Share of requests without a pickup.
    pub censored_share: Option<f64>,
    /// Distance that drivers drove from the acceptance to the pickup, meters, of requests with a pickup.
    pub pickup_m: Option<Distribution>,
    /// Share of the distance without a rider, of drivers on shift.
    pub deadheading_share: Option<f64>,
    /// Share of the distance of repositioning, of drivers on shift.
    pub repositioning_share: Option<f64>,
    /// Share of the time with a rider, of drivers on shift. Breaks are a part of the shift.
    pub utilization: Option<f64>,
    /// Share of the time from an acceptance to the drop-off, of drivers on shift.
    pub busy_share: Option<f64>,
    /// Completed trips per hour on shift, of all drivers together.
    pub trips_per_driver_hour: Option<f64>,
    /// Gini coefficient of the drivers' trips per hour: 0 for equal numbers, near 1 when few drivers have all trips.
    pub trips_gini: Option<f64>,
    /// Offers that were declined or timed out, per served request.
    pub declined_per_trip: Option<f64>,
    /// Time from acceptance to arrival minus the quoted time, seconds: a positive error is late.
    pub eta_error_s: Option<Distribution>,
    /// Absolute value of this error, seconds.
    pub eta_abs_error_s: Option<Distribution>,
    /// Latencies of the service.
    pub latencies: Vec<Latency>,
}

impl Metrics {
    /// Computes the metrics of a run, of its measured time.
    pub fn of(run: &RunRecord) -> Self {
        let latencies = run.system.latencies.clone();
        Self { latencies, ..Self::of_agents(run.measured_requests(), &run.drivers) }
    }

    /// Computes the metrics of some requests and drivers, without latencies.
    pub fn of_agents(requests: &[RequestRecord], drivers: &[DriverRecord]) -> Self {
        let outcomes = Outcomes::of(requests);
        let lost =
            outcomes.cancelled_waiting + outcomes.cancelled_en_route + outcomes.expired + outcomes.refused;
        let waits: Vec<f64> = requests.iter().filter_map(wait_s).collect();
        let censored = requests.len() - waits.len();
        let errors: Vec<f64> = requests.iter().filter_map(eta_error_s).collect();
        let declined: u32 = requests.iter().map(|request| request.declined).sum();
        let picked_up = requests.iter().filter(|request| request.picked_up_ms.is_some());
        let drivers = DriverRecords(drivers);
        Self {
            outcomes,
            service_rate: share(outcomes.served, outcomes.served + lost),
            served_share: share(outcomes.served, requests.len() as u32),
            wait_s: Distribution::of(waits),
            arrival_wait_s: Distribution::of(requests.iter().filter_map(arrival_wait_s).collect()),
            censored_share: share(censored as u32, requests.len() as u32),
            pickup_m: Distribution::of(picked_up.filter_map(|request| request.pickup_m).collect()),
            deadheading_share: drivers.distance_share(&EMPTY),
            repositioning_share: drivers.distance_share(&[Activity::Repositioning]),
            utilization: drivers.time_share(&[Activity::OnTrip]),
            busy_share: drivers.time_share(&WITH_TRIP),
            trips_per_driver_hour: drivers.trips_per_hour(),
            trips_gini: drivers.gini(),
            declined_per_trip: share(declined, outcomes.served),
            eta_abs_error_s: Distribution::of(errors.iter().map(|error| error.abs()).collect()),
            eta_error_s: Distribution::of(errors),
            latencies: Vec::new(),
        }
    }
}

/// Returns the seconds from the request until the rider is on board; `None` without a pickup.
pub fn wait_s(request: &RequestRecord) -> Option<f64> {
    request.picked_up_ms.map(|at_ms| (at_ms - request.requested_ms) as f64 / 1_000.0)
}

/// Returns the seconds from the request until the driver is at the pickup; `None` without a pickup.
pub fn arrival_wait_s(request: &RequestRecord) -> Option<f64> {
    // A driver may arrive and leave without the rider; then no wait to boarding exists to compare with.
    request.picked_up_ms?;
    request.arrived_ms.map(|at_ms| (at_ms - request.requested_ms) as f64 / 1_000.0)
}

/// Returns the seconds by which the driver arrived after the quoted time.
fn eta_error_s(request: &RequestRecord) -> Option<f64> {
    let took_s = (request.arrived_ms? - request.accepted_ms?) as f64 / 1_000.0;
    Some(took_s - f64::from(request.quoted_eta_s?))
}

/// Returns `part / whole`; `None` if `whole` is 0.
fn share(part: u32, whole: u32) -> Option<f64> {
    (whole > 0).then(|| f64::from(part) / f64::from(whole))
}

impl Outcomes {
    /// Counts requests by outcome.
    pub fn of(requests: &[RequestRecord]) -> Self {
        let mut outcomes = Self::default();
        for request in requests {
            *match request.outcome {
                RequestOutcome::Served => &mut outcomes.served,
                RequestOutcome::CancelledWaiting => &mut outcomes.cancelled_waiting,
                RequestOutcome::CancelledEnRoute => &mut outcomes.cancelled_en_route,
                RequestOutcome::Expired => &mut outcomes.expired,
                RequestOutcome::Refused => &mut outcomes.refused,
                RequestOutcome::Open => &mut outcomes.open,
            } += 1;
        }
        outcomes
    }
}

impl Distribution {
    /// Computes the distribution of values in any order; `None` without values.
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_unstable_by(f64::total_cmp);
        let count = values.len();
        let at = |hundredths: usize| values[(count * hundredths).div_ceil(100) - 1];
        let max = *values.last()?;
        let mean = values.iter().sum::<f64>() / count as f64;
        Some(Self { count, mean, p50: at(50), p90: at(90), p95: at(95), max })
    }
}

struct DriverRecords<'a>(&'a [DriverRecord]);

impl DriverRecords<'_> {
    fn distance_share(&self, part: &[Activity]) -> Option<f64> {
        let meters = |activities: &[Activity]| -> f64 {
            self.0.iter().map(|driver| activities.iter().map(|a| driver.meters[index(*a)]).sum::<f64>()).sum()
        };
        let (empty, full) = (meters(&EMPTY), meters(&[Activity::OnTrip]));
        (empty + full > 0.0).then(|| meters(part) / (empty + full))
    }

    fn time_share(&self, activities: &[Activity]) -> Option<f64> {
        let ms: i64 = self.0.iter().flat_map(|driver| activities.iter().map(|a| driver.ms[index(*a)])).sum();
        let on_shift_ms: i64 = self.0.iter().map(on_shift_ms).sum();
        (on_shift_ms > 0).then(|| ms as f64 / on_shift_ms as f64)
    }

    fn trips_per_hour(&self) -> Option<f64> {
        let trips: u32 = self.0.iter().map(|driver| driver.trips).sum();
        let on_shift_ms: i64 = self.0.iter().map(on_shift_ms).sum();
        (on_shift_ms > 0).then(|| f64::from(trips) * HOUR_MS / on_shift_ms as f64)
    }

    fn gini(&self) -> Option<f64> {
        let worked = self.0.iter().filter(|driver| on_shift_ms(driver) > 0);
        gini(worked.map(|driver| f64::from(driver.trips) * HOUR_MS / on_shift_ms(driver) as f64).collect())
    }
}

fn on_shift_ms(driver: &DriverRecord) -> i64 {
    driver.ms.iter().sum::<i64>() - driver.ms[index(Activity::OffShift)]
}

/// Returns the index of an activity in the arrays of records.
pub fn index(activity: Activity) -> usize {
    activity as usize
}

/// Computes the Gini coefficient (Gini 1912): half of the mean difference of all pairs over the mean. By ranks it is
/// `Σ (2i - n - 1) x_i / (n Σ x)` with `x` ascending and `i` from 1. `None` if the sum is 0.
pub fn gini(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let (n, sum) = (values.len() as f64, values.iter().sum::<f64>());
    let ranked = (1..).zip(&values).map(|(rank, value)| (2.0 * f64::from(rank) - n - 1.0) * value);
    (sum > 0.0).then(|| ranked.sum::<f64>() / (n * sum))
}

#[cfg(test)]
mod tests;
