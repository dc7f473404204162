//! The measures that are compared, with name, unit and definition. Tables and differences are generated from them.

use super::{Distribution, Metrics};

/// The direction in which a measure improves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// A higher value is better.
    Higher,
    /// A lower value is better.
    Lower,
    /// Neither direction is better by itself.
    Neither,
}

/// The unit of a measure, and its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A share from 0 to 1, formatted as percent.
    Share,
    /// A time in seconds.
    Seconds,
    /// A distance in meters.
    Meters,
    /// A number without a unit, with two decimals.
    Plain,
    /// A number of items.
    Count,
}

/// A measure of a run.
pub struct Measure {
    /// Name in JSON.
    pub name: &'static str,
    /// Name in tables.
    pub label: &'static str,
    /// Direction of improvement.
    pub better: Better,
    /// Unit and format.
    pub unit: Unit,
    /// Definition, without a period.
    pub meaning: &'static str,
    /// Reads the measure from the metrics of a run.
    pub of: fn(&Metrics) -> Option<f64>,
}

impl std::fmt::Debug for Measure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

fn wait(metrics: &Metrics, of: fn(&Distribution) -> f64) -> Option<f64> {
    metrics.wait_s.as_ref().map(of)
}

/// Creates an element of [`MEASURES`].
const fn measure(
    name: &'static str,
    label: &'static str,
    (better, unit): (Better, Unit),
    of: fn(&Metrics) -> Option<f64>,
    meaning: &'static str,
) -> Measure {
    Measure { name, label, better, unit, meaning, of }
}

const HIGHER_SHARE: (Better, Unit) = (Better::Higher, Unit::Share);
const LOWER_SHARE: (Better, Unit) = (Better::Lower, Unit::Share);
const LOWER_S: (Better, Unit) = (Better::Lower, Unit::Seconds);
const LOWER_COUNT: (Better, Unit) = (Better::Lower, Unit::Count);

/// All measures, in the order of tables.
pub const MEASURES: [Measure; 25] = [
    measure(
        "service_rate",
        "service rate",
        HIGHER_SHARE,
        |m| m.service_rate,
        "share of served requests among those that ended; requests that are open at the end do not count",
    ),
    measure(
        "served_share",
        "served of all requests",
        HIGHER_SHARE,
        |m| m.served_share,
        "share of served requests among all; requests that are open at the end count as not served",
    ),
    measure(
        "wait_mean_s",
        "wait to boarding, mean",
        LOWER_S,
        |m| wait(m, |w| w.mean),
        "time from the request until the rider is on board; requests without a pickup have no wait (see censored)",
    ),
    measure(
        "wait_p50_s",
        "wait to boarding, median",
        LOWER_S,
        |m| wait(m, |w| w.p50),
        "median of these waits",
    ),
    measure(
        "wait_p90_s",
        "wait to boarding, 90 of 100",
        LOWER_S,
        |m| wait(m, |w| w.p90),
        "90th percentile of these waits",
    ),
    measure(
        "wait_p95_s",
        "wait to boarding, 95 of 100",
        LOWER_S,
        |m| wait(m, |w| w.p95),
        "95th percentile of these waits",
    ),
    measure(
        "arrival_wait_mean_s",
        "wait to arrival, mean",
        LOWER_S,
        |m| m.arrival_wait_s.map(|w| w.mean),
        "time from the request until the driver is at the pickup, of requests with a pickup",
    ),
    measure(
        "arrival_wait_p50_s",
        "wait to arrival, median",
        LOWER_S,
        |m| m.arrival_wait_s.map(|w| w.p50),
        "median of the waits to the arrival",
    ),
    measure(
        "arrival_wait_p95_s",
        "wait to arrival, 95 of 100",
        LOWER_S,
        |m| m.arrival_wait_s.map(|w| w.p95),
        "95th percentile of the waits to the arrival",
    ),
    measure(
        "censored_share",
        "censored",
        LOWER_SHARE,
        |m| m.censored_share,
        "share of requests without a pickup; the figures of waits do not contain them, so a policy that serves fewer requests \
         may look faster",
    ),
    measure(
        "pickup_mean_m",
        "distance to the pickup, mean",
        (Better::Lower, Unit::Meters),
        |m| m.pickup_m.map(|p| p.mean),
        "meters that the driver drove from the acceptance to the pickup",
    ),
    measure(
        "deadheading_share",
        "deadheading",
        LOWER_SHARE,
        |m| m.deadheading_share,
        "share of the distance without a rider, of drivers on shift",
    ),
    measure(
        "repositioning_share",
        "repositioning",
        (Better::Neither, Unit::Share),
        |m| m.repositioning_share,
        "share of the distance of repositioning to where riders are expected, of drivers on shift; a part of deadheading",
    ),
    measure(
        "utilization",
        "utilization",
        HIGHER_SHARE,
        |m| m.utilization,
        "share of the drivers' time with a rider, of their time on shift with breaks",
    ),
    measure(
        "busy_share",
        "busy",
        (Better::Neither, Unit::Share),
        |m| m.busy_share,
        "share of the drivers' time from an acceptance to the drop-off, of their time on shift",
    ),
    measure(
        "trips_per_driver_hour",
        "trips per driver-hour",
        (Better::Higher, Unit::Plain),
        |m| m.trips_per_driver_hour,
        "completed trips per hour on shift, of all drivers together",
    ),
    measure(
        "trips_gini",
        "spread between drivers (Gini)",
        (Better::Lower, Unit::Plain),
        |m| m.trips_gini,
        "inequality of trips per hour: 0 when all drivers have the same number, near 1 when few drivers have all trips",
    ),
    measure(
        "declined_per_trip",
        "declined offers per trip",
        (Better::Lower, Unit::Plain),
        |m| m.declined_per_trip,
        "offers that drivers declined or let time out, per served request",
    ),
    measure(
        "cancelled_waiting",
        "cancelled, waiting",
        LOWER_COUNT,
        |m| Some(m.outcomes.cancelled_waiting.into()),
        "requests that riders cancelled before a driver accepted",
    ),
    measure(
        "cancelled_en_route",
        "cancelled, driver en route",
        LOWER_COUNT,
        |m| Some(m.outcomes.cancelled_en_route.into()),
        "requests that riders cancelled while a driver was en route",
    ),
    measure(
        "expired",
        "expired",
        LOWER_COUNT,
        |m| Some(m.outcomes.expired.into()),
        "requests for which the service found no driver within the rider's patience",
    ),
    measure(
        "refused",
        "refused",
        LOWER_COUNT,
        |m| Some(m.outcomes.refused.into()),
        "requests that the service rejected",
    ),
    measure(
        "open",
        "open at the end",
        (Better::Neither, Unit::Count),
        |m| Some(m.outcomes.open.into()),
        "requests that had not ended when the run did",
    ),
    measure(
        "eta_error_mean_s",
        "lateness, mean",
        (Better::Neither, Unit::Seconds),
        |m| m.eta_error_s.map(|e| e.mean),
        "time from the acceptance to the arrival minus the quoted time: a positive value is late",
    ),
    measure(
        "eta_abs_error_mean_s",
        "error of the quoted time, mean",
        LOWER_S,
        |m| m.eta_abs_error_s.map(|e| e.mean),
        "mean absolute value of the lateness",
    ),
];
