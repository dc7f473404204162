//! A run in a few lines.

use std::fmt;

use serde::Serialize;

use super::record::{Activity, RequestOutcome, RunRecord, SystemRecord};
use crate::report::{Percentiles, Values};

/// What a run came to, in short.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The scenario's name.
    pub scenario: String,
    /// How trips were given to drivers.
    pub policy: String,
    /// Of all randomness.
    pub seed: u64,
    /// Of the city.
    pub hours: f64,
    /// Stopped before its end.
    pub stopped: bool,
    /// Riders who asked.
    pub requests: u64,
    /// Of these, dropped off.
    pub served: u64,
    /// Cancelled by the rider, before and after a driver had accepted.
    pub cancelled: u64,
    /// Nobody took it in time.
    pub expired: u64,
    /// Not taken by the service.
    pub refused: u64,
    /// Not ended when the city did.
    pub open: u64,
    /// From the request until the driver is there, seconds.
    pub pickup_s: Percentiles,
    /// The mean of these.
    pub pickup_mean_s: f64,
    /// Metres of the drivers' ways to the pickups, on average.
    pub approach_mean_m: f64,
    /// Drivers of the fleet.
    pub drivers: usize,
    /// Hundredths of their time at work that they had a rider.
    pub busy_percent: f64,
    /// How the service did.
    pub system: SystemRecord,
    /// See [`RunRecord::trace_hash`].
    pub trace_hash: String,
}

impl Summary {
    /// Of this run.
    pub fn of(record: &RunRecord) -> Self {
        let count = |outcomes: &[RequestOutcome]| {
            record.requests.iter().filter(|request| outcomes.contains(&request.outcome)).count() as u64
        };
        let waits = record.requests.iter().filter_map(|r| r.arrived_ms.map(|at_ms| at_ms - r.requested_ms));
        let waits: Vec<_> = waits.map(|ms| ms as f64 / 1_000.0).collect();
        let mut pickup_s = Values::default();
        for wait_s in &waits {
            pickup_s.add(*wait_s as u64);
        }
        let approaches: Vec<_> = record.requests.iter().filter_map(|request| request.pickup_m).collect();
        Self {
            scenario: record.scenario.clone(),
            policy: record.policy.clone(),
            seed: record.seed,
            hours: (record.to_ms - record.from_ms) as f64 / 3.6e6,
            stopped: record.stopped,
            requests: record.requests.len() as u64,
            served: count(&[RequestOutcome::Served]),
            cancelled: count(&[RequestOutcome::CancelledWaiting, RequestOutcome::CancelledEnRoute]),
            expired: count(&[RequestOutcome::Expired]),
            refused: count(&[RequestOutcome::Refused]),
            open: count(&[RequestOutcome::Open]),
            pickup_s: pickup_s.summary(),
            pickup_mean_s: mean(&waits),
            approach_mean_m: mean(&approaches),
            drivers: record.drivers.len(),
            busy_percent: busy_percent(record),
            system: record.system.clone(),
            trace_hash: record.trace_hash.clone(),
        }
    }

    /// No judge found anything.
    pub fn is_right(&self) -> bool {
        self.system.faults.is_empty()
    }
}

fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

fn busy_percent(record: &RunRecord) -> f64 {
    let time = |wanted: &dyn Fn(Activity) -> bool| -> i64 {
        let drivers = record.drivers.iter();
        drivers
            .map(|d| {
                Activity::ALL.iter().zip(d.ms).filter(|(a, _)| wanted(**a)).map(|(_, ms)| ms).sum::<i64>()
            })
            .sum()
    };
    let at_work_ms = time(&|activity| activity != Activity::OffShift);
    let busy_ms = time(&|activity| activity == Activity::OnTrip);
    if at_work_ms == 0 { 0.0 } else { 100.0 * busy_ms as f64 / at_work_ms as f64 }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, policy, seed, hours, drivers, requests, .. } = self;
        let stopped = if self.stopped { ", stopped before its end" } else { "" };
        writeln!(f, "{scenario}, policy {policy}, seed {seed}: {hours:.2} h{stopped}")?;
        writeln!(f, "  {requests} requests, {drivers} drivers")?;
        writeln!(
            f,
            "  {} served, {} cancelled, {} expired, {} refused, {} open at the end",
            self.served, self.cancelled, self.expired, self.refused, self.open
        )?;
        let Percentiles { p50, p90, p99, .. } = self.pickup_s;
        let (mean_s, mean_m) = (self.pickup_mean_s, self.approach_mean_m);
        writeln!(
            f,
            "  request to pickup: mean {mean_s:.1} s, half within {p50} s, 90 % {p90} s, 99 % {p99} s"
        )?;
        writeln!(
            f,
            "  drivers: {mean_m:.0} m to a pickup, {:.1} % of their time with a rider",
            self.busy_percent
        )?;
        let SystemRecord { wall_s, updates, updates_failed, latencies, faults } = &self.system;
        writeln!(f, "  {updates} position updates, {updates_failed} failed; {wall_s:.1} s on this machine")?;
        for latency in latencies {
            let of = (&latency.name, latency.count, latency.p50_us, latency.p99_us, latency.max_us);
            writeln!(
                f,
                "  {:<18} {:>9} times, half within {:>6} us, 99 % {:>7} us, all {:>8} us",
                of.0, of.1, of.2, of.3, of.4
            )?;
        }
        writeln!(f, "  trace {}", self.trace_hash)?;
        match faults.len() {
            0 => write!(f, "  no promise was given twice, no request lost, every judged answer right"),
            count => {
                writeln!(f, "  {count} FAULTS")?;
                write!(f, "    {}", faults.join("\n    "))
            }
        }
    }
}
