//! What a run came to, in the figures that the field of dispatch research uses. Pure: a [`RunRecord`] in, numbers out.
//!
//! A figure that has nothing to be computed from is `None`, not 0.

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

/// How many requests ended how. Their sum is the number of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcomes {
    /// DroppedTrips off.
    pub served: u32,
    /// The rider cancelled before a driver had accepted.
    pub cancelled_waiting: u32,
    /// The rider cancelled while a driver was on the way.
    pub cancelled_en_route: u32,
    /// Nobody took it in time.
    pub expired: u32,
    /// The service did not take it.
    pub refused: u32,
    /// Neither served nor lost when the run ended.
    pub open: u32,
}

/// A set of values by its mean and percentiles (nearest rank: the smallest value that so many are at most).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// How many values.
    pub count: usize,
    /// Mean.
    pub mean: f64,
    /// Half are at most this.
    pub p50: f64,
    /// 90 of 100.
    pub p90: f64,
    /// 95 of 100.
    pub p95: f64,
    /// The greatest.
    pub max: f64,
}

/// All figures of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// How requests ended.
    pub outcomes: Outcomes,
    /// Served requests over those that ended: open ones count on neither side.
    pub service_rate: Option<f64>,
    /// Seconds from request to pickup, of riders who were picked up. Who was never picked up has no wait, however
    /// long it was: it is censored, and `censored_share` says how much. A policy that serves fewer may look faster.
    pub wait_s: Option<Distribution>,
    /// Requests without a pickup over all requests.
    pub censored_share: Option<f64>,
    /// Meters that drivers drove to a pickup from the acceptance, of riders who were picked up.
    pub pickup_m: Option<Distribution>,
    /// Meters without a rider over all meters, of drivers on shift.
    pub deadheading_share: Option<f64>,
    /// Meters toward where riders are expected over all meters, of drivers on shift.
    pub repositioning_share: Option<f64>,
    /// Time with a rider over time on shift; breaks are on shift.
    pub utilization: Option<f64>,
    /// Time with a trip, from the acceptance to the drop-off, over time on shift.
    pub busy_share: Option<f64>,
    /// Completed trips over hours on shift, of all drivers together.
    pub trips_per_driver_hour: Option<f64>,
    /// Gini coefficient of the drivers' own trips per hour: 0 when all have the same, toward 1 when few have all.
    pub trips_gini: Option<f64>,
    /// Offers that were declined or unanswered over served requests.
    pub declined_per_trip: Option<f64>,
    /// Seconds from acceptance to arrival at the pickup, less those promised: above 0 is late.
    pub eta_error_s: Option<Distribution>,
    /// The same without its sign.
    pub eta_abs_error_s: Option<Distribution>,
    /// The system's own latencies.
    pub latencies: Vec<Latency>,
}

impl Metrics {
    /// Of a run.
    pub fn of(run: &RunRecord) -> Self {
        Self { latencies: run.system.latencies.clone(), ..Self::of_people(&run.requests, &run.drivers) }
    }

    /// Of some riders and drivers alone.
    pub fn of_people(requests: &[RequestRecord], drivers: &[DriverRecord]) -> Self {
        let outcomes = Outcomes::of(requests);
        let lost =
            outcomes.cancelled_waiting + outcomes.cancelled_en_route + outcomes.expired + outcomes.refused;
        let waits: Vec<f64> = requests.iter().filter_map(wait_s).collect();
        let censored = requests.len() - waits.len();
        let errors: Vec<f64> = requests.iter().filter_map(eta_error_s).collect();
        let declined: u32 = requests.iter().map(|request| request.declined).sum();
        let picked_up = requests.iter().filter(|request| request.picked_up_ms.is_some());
        let drivers = Drivers(drivers);
        Self {
            outcomes,
            service_rate: share(outcomes.served, outcomes.served + lost),
            wait_s: Distribution::of(waits),
            censored_share: share(censored as u32, requests.len() as u32),
            pickup_m: Distribution::of(picked_up.filter_map(|request| request.pickup_m).collect()),
            deadheading_share: drivers.way_share(&EMPTY),
            repositioning_share: drivers.way_share(&[Activity::Repositioning]),
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

/// Seconds from request to pickup; `None` for who was not picked up.
pub fn wait_s(request: &RequestRecord) -> Option<f64> {
    request.picked_up_ms.map(|at_ms| (at_ms - request.requested_ms) as f64 / 1_000.0)
}

/// Seconds by which the driver came later than promised.
fn eta_error_s(request: &RequestRecord) -> Option<f64> {
    let took_s = (request.arrived_ms? - request.accepted_ms?) as f64 / 1_000.0;
    Some(took_s - f64::from(request.quoted_eta_s?))
}

/// Part over whole; nothing of nothing.
fn share(part: u32, whole: u32) -> Option<f64> {
    (whole > 0).then(|| f64::from(part) / f64::from(whole))
}

impl Outcomes {
    /// Counts.
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
    /// Of values in any order; `None` of none.
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_unstable_by(f64::total_cmp);
        let count = values.len();
        let at = |hundredths: usize| values[(count * hundredths).div_ceil(100) - 1];
        let max = *values.last()?;
        let mean = values.iter().sum::<f64>() / count as f64;
        Some(Self { count, mean, p50: at(50), p90: at(90), p95: at(95), max })
    }
}

struct Drivers<'a>(&'a [DriverRecord]);

impl Drivers<'_> {
    fn way_share(&self, part: &[Activity]) -> Option<f64> {
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

/// The place of an activity in the arrays of records.
pub fn index(activity: Activity) -> usize {
    activity as usize
}

/// Half of the mean difference of all pairs over the mean (Gini 1912), by ranks: `Σ (2i - n - 1) x_i / (n Σ x)` with
/// `x` ascending and `i` from 1. `None` when nobody has anything.
pub fn gini(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let (n, sum) = (values.len() as f64, values.iter().sum::<f64>());
    let ranked = (1..).zip(&values).map(|(rank, value)| (2.0 * f64::from(rank) - n - 1.0) * value);
    (sum > 0.0).then(|| ranked.sum::<f64>() / (n * sum))
}

#[cfg(test)]
mod tests;
