//! The summary of a run in a few lines.

use std::fmt;

use serde::Serialize;

use crate::metrics::record::{RunRecord, SystemRecord};
use crate::metrics::{Distribution, Metrics};

/// The main figures of a run.
#[derive(Clone, Debug, Serialize)]
pub struct RunSummary {
    /// Name of the scenario.
    pub scenario: String,
    /// Name of the assignment policy.
    pub policy: String,
    /// Seed of all random streams.
    pub seed: u64,
    /// Length of the run in the city's time, hours.
    pub hours: f64,
    /// True if the run was stopped before its planned end.
    pub stopped: bool,
    /// The metrics of the run.
    pub metrics: Metrics,
    /// Number of requests.
    pub requests: usize,
    /// Number of requests in the measured time, which the metrics count.
    pub measured_requests: usize,
    /// Number of drivers.
    pub drivers: usize,
    /// Figures of the service.
    pub system: SystemRecord,
    /// Hash of all messages: see [`RunRecord::run_hash`].
    pub run_hash: String,
}

impl RunSummary {
    /// Computes the summary of a run.
    pub fn new(record: &RunRecord) -> Self {
        Self {
            scenario: record.scenario.clone(),
            policy: record.policy.clone(),
            seed: record.seed,
            hours: (record.to_ms - record.from_ms) as f64 / 3.6e6,
            stopped: record.stopped,
            metrics: Metrics::of(record),
            requests: record.requests.len(),
            measured_requests: record.measured_requests().len(),
            drivers: record.drivers.len(),
            system: record.system.clone(),
            run_hash: record.run_hash.clone(),
        }
    }

    /// Returns true if the checkers found no fault.
    pub fn is_correct(&self) -> bool {
        self.system.faults.is_empty()
    }
}

impl fmt::Display for RunSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, policy, seed, hours, drivers, requests, measured_requests, .. } = self;
        let stopped = if self.stopped { ", stopped before its end" } else { "" };
        writeln!(f, "{scenario}, policy {policy}, seed {seed}: {hours:.2} h{stopped}")?;
        writeln!(
            f,
            "  {requests} requests, {drivers} drivers; measured after the warm-up: {measured_requests} requests"
        )?;
        let Metrics { outcomes, wait_s, arrival_wait_s, pickup_m, utilization, .. } = &self.metrics;
        writeln!(
            f,
            "  {} served, {} cancelled, {} expired, {} refused, {} open at the end",
            outcomes.served,
            outcomes.cancelled_waiting + outcomes.cancelled_en_route,
            outcomes.expired,
            outcomes.refused,
            outcomes.open
        )?;
        if let (Some(rate), Some(share)) = (self.metrics.service_rate, self.metrics.served_share) {
            let (rate, share) = (rate * 100.0, share * 100.0);
            writeln!(f, "  served: {share:.1} % of all requests, {rate:.1} % of those that ended")?;
        }
        for (name, wait_s) in [("arrival", arrival_wait_s), ("boarding", wait_s)] {
            if let Some(Distribution { mean, p50, p90, p95, .. }) = wait_s {
                writeln!(
                    f,
                    "  request to {name}: mean {mean:.1} s, half within {p50:.0} s, 90 % {p90:.0} s, 95 % {p95:.0} s"
                )?;
            }
        }
        if let (Some(way), Some(share)) = (pickup_m, utilization) {
            let (mean_m, percent) = (way.mean, share * 100.0);
            writeln!(f, "  drivers: {mean_m:.0} m to a pickup, {percent:.1} % of their time with a rider")?;
        }
        let SystemRecord { wall_s, updates, updates_failed, latencies, faults, .. } = &self.system;
        let SystemRecord { offers, first_offer_ms, .. } = &self.system;
        let each = *offers as f64 / (*requests).max(1) as f64;
        writeln!(
            f,
            "  {each:.2} offers a request; from a request to the first {first_offer_ms}, ms of the service"
        )?;
        writeln!(f, "  {updates} position updates, {updates_failed} failed; {wall_s:.1} s on this machine")?;
        for latency in latencies {
            let of = (&latency.name, latency.count, latency.p50_us, latency.p99_us, latency.max_us);
            writeln!(
                f,
                "  {:<18} {:>9} times, half within {:>6} us, 99 % {:>7} us, all {:>8} us",
                of.0, of.1, of.2, of.3, of.4
            )?;
        }
        writeln!(f, "  run hash {}", self.run_hash)?;
        match faults.len() {
            0 => write!(f, "  no double assignment, no lost request, no wrong answer"),
            count => {
                writeln!(f, "  {count} FAULTS")?;
                write!(f, "    {}", faults.join("\n    "))
            }
        }
    }
}
