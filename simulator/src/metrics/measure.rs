//! The figures that are compared, each with its name, unit and meaning: what tables, differences and definitions are
//! made from.

use super::{Distribution, Metrics};

/// Which way a figure is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
    /// Neither by itself.
    Neither,
}

/// How a figure is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A share from 0 to 1, written in hundredths.
    Share,
    /// Seconds.
    Seconds,
    /// Meters.
    Meters,
    /// A number with two decimals.
    Plain,
    /// How many.
    Count,
}

/// One figure.
pub struct Measure {
    /// Its name in JSON.
    pub name: &'static str,
    /// Its name for readers.
    pub label: &'static str,
    /// Which way is better.
    pub better: Better,
    /// How it is written.
    pub unit: Unit,
    /// What it is, in a sentence.
    pub meaning: &'static str,
    /// The figure of a run.
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

/// A line of [`MEASURES`].
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

/// All of them, in the order of tables.
pub const MEASURES: [Measure; 21] = [
    measure(
        "service_rate",
        "service rate",
        HIGHER_SHARE,
        |m| m.service_rate,
        "requests that were served, over those that ended; requests still open at the end count on neither side",
    ),
    measure(
        "wait_mean_s",
        "wait, mean",
        LOWER_S,
        |m| wait(m, |w| w.mean),
        "time from the request to the pickup, of riders who were picked up; who never was has no wait (see censored)",
    ),
    measure(
        "wait_p50_s",
        "wait, median",
        LOWER_S,
        |m| wait(m, |w| w.p50),
        "half of the waits are at most this",
    ),
    measure(
        "wait_p90_s",
        "wait, 90 of 100",
        LOWER_S,
        |m| wait(m, |w| w.p90),
        "90 of 100 waits are at most this",
    ),
    measure(
        "wait_p95_s",
        "wait, 95 of 100",
        LOWER_S,
        |m| wait(m, |w| w.p95),
        "95 of 100 waits are at most this",
    ),
    measure(
        "censored_share",
        "censored",
        LOWER_SHARE,
        |m| m.censored_share,
        "requests without a pickup, over all: their waits are unknown and stand in no figure of waits, so a policy that \
         serves fewer may look faster",
    ),
    measure(
        "pickup_mean_m",
        "way to the pickup, mean",
        (Better::Lower, Unit::Meters),
        |m| m.pickup_m.map(|p| p.mean),
        "meters that the driver drove from accepting to the rider",
    ),
    measure(
        "deadheading_share",
        "deadheading",
        LOWER_SHARE,
        |m| m.deadheading_share,
        "meters driven without a rider, over all meters of drivers on shift",
    ),
    measure(
        "repositioning_share",
        "repositioning",
        (Better::Neither, Unit::Share),
        |m| m.repositioning_share,
        "meters driven without a trip toward where riders are expected, over all meters of drivers on shift; part of \
         deadheading",
    ),
    measure(
        "utilization",
        "utilization",
        HIGHER_SHARE,
        |m| m.utilization,
        "drivers' time with a rider, over their time on shift, breaks included",
    ),
    measure(
        "busy_share",
        "busy",
        (Better::Neither, Unit::Share),
        |m| m.busy_share,
        "drivers' time with a trip, from accepting to the drop-off, over their time on shift",
    ),
    measure(
        "trips_per_driver_hour",
        "trips per driver-hour",
        (Better::Higher, Unit::Plain),
        |m| m.trips_per_driver_hour,
        "completed trips over all drivers' hours on shift",
    ),
    measure(
        "trips_gini",
        "spread between drivers (Gini)",
        (Better::Lower, Unit::Plain),
        |m| m.trips_gini,
        "how unevenly trips per hour are spread: 0 when all drivers have the same, toward 1 when few have all",
    ),
    measure(
        "declined_per_trip",
        "declined offers per trip",
        (Better::Lower, Unit::Plain),
        |m| m.declined_per_trip,
        "offers that drivers declined or let offer_timeout_rate, over served requests",
    ),
    measure(
        "cancelled_waiting",
        "cancelled, waiting",
        LOWER_COUNT,
        |m| Some(m.outcomes.cancelled_waiting.into()),
        "riders who gave up before a driver had accepted",
    ),
    measure(
        "cancelled_en_route",
        "cancelled, driver on the way",
        LOWER_COUNT,
        |m| Some(m.outcomes.cancelled_en_route.into()),
        "riders who gave up while a driver was on the way",
    ),
    measure(
        "expired",
        "expired",
        LOWER_COUNT,
        |m| Some(m.outcomes.expired.into()),
        "requests that nobody took in the time that the rider waits",
    ),
    measure(
        "refused",
        "refused",
        LOWER_COUNT,
        |m| Some(m.outcomes.refused.into()),
        "requests that the service did not take",
    ),
    measure(
        "open",
        "open at the end",
        (Better::Neither, Unit::Count),
        |m| Some(m.outcomes.open.into()),
        "requests that were neither served nor lost when the run ended",
    ),
    measure(
        "eta_error_mean_s",
        "lateness, mean",
        (Better::Neither, Unit::Seconds),
        |m| m.eta_error_s.map(|e| e.mean),
        "time from accepting to arriving, less what the rider was promised: above 0 is late",
    ),
    measure(
        "eta_abs_error_mean_s",
        "error of the promise, mean",
        LOWER_S,
        |m| m.eta_abs_error_s.map(|e| e.mean),
        "the same without its sign: how far promises are off",
    ),
];
