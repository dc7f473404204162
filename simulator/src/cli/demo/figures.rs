//! The figures of the demo's rides, as text and as JSON.

use std::fmt;

use kerb_loadgen::report::{Percentiles, Values};
use serde::Serialize;

use crate::metrics::Outcomes;
use crate::metrics::record::{RequestRecord, RunRecord};

/// Counts and times of the rides.
#[derive(Clone, Debug, Serialize)]
pub struct RideReport {
    /// Number of drivers.
    pub drivers: usize,
    /// Number of requests.
    pub requests: usize,
    /// Requests that the service rejected.
    pub requests_refused: u32,
    /// Requests whose riders were dropped off.
    pub served: u32,
    /// Requests for which the service found no driver in time.
    pub expired: u32,
    /// Requests that riders cancelled.
    pub cancelled: u32,
    /// Trips that were still live when the city's time was over.
    pub in_flight: u32,
    /// Ratio of offers to requests.
    pub offers_per_trip: f64,
    /// Time from a request until a driver is at the pickup, seconds of the city's time.
    pub pickup_s: Percentiles,
    /// Time from an acceptance until the driver is at the pickup, seconds of the city's time.
    pub approach_s: Percentiles,
    /// Time from a request to its first offer by the server's clock, milliseconds of real time.
    pub offer_after_ms: Percentiles,
    /// Position updates of drivers.
    pub driver_updates: u64,
    /// Updates that the service dropped or rejected.
    pub driver_updates_failed: u64,
    /// Drivers on two live trips, and trips with two drivers. Must be 0.
    pub double_assignments: u64,
    /// Faults of the checkers: double assignments, lost requests, wrong search answers. Must be empty.
    pub ride_faults: Vec<String>,
    /// Simulated time, seconds of the city's time.
    pub city_s: f64,
    /// Duration of the run, seconds of real time.
    pub city_took_s: f64,
    /// True if the run was stopped before its planned end.
    pub city_stopped: bool,
}

impl RideReport {
    /// Computes the figures of a run.
    pub(super) fn new(run: &RunRecord) -> Self {
        let outcomes = Outcomes::of(&run.requests);
        let seconds = |of: &dyn Fn(&RequestRecord) -> Option<i64>| {
            let mut values = Values::default();
            for ms in run.requests.iter().filter_map(of) {
                values.add((ms.max(0) as f64 / 1_000.0).round() as u64);
            }
            values.summary()
        };
        Self {
            drivers: run.drivers.len(),
            requests: run.requests.len(),
            requests_refused: outcomes.refused,
            served: outcomes.served,
            expired: outcomes.expired,
            cancelled: outcomes.cancelled_waiting + outcomes.cancelled_en_route,
            in_flight: outcomes.open,
            offers_per_trip: run.system.offers as f64 / run.requests.len().max(1) as f64,
            pickup_s: seconds(&|request| Some(request.arrived_ms? - request.requested_ms)),
            approach_s: seconds(&|request| Some(request.arrived_ms? - request.accepted_ms?)),
            offer_after_ms: run.system.first_offer_ms,
            driver_updates: run.system.updates,
            driver_updates_failed: run.system.updates_failed,
            double_assignments: run.system.double_assignments,
            ride_faults: run.system.faults.clone(),
            city_s: (run.to_ms - run.from_ms) as f64 / 1_000.0,
            city_took_s: run.system.wall_s,
            city_stopped: run.stopped,
        }
    }

    /// Returns true if the checkers found no fault.
    pub fn is_correct(&self) -> bool {
        self.ride_faults.is_empty()
    }
}

impl fmt::Display for RideReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cut = if self.city_stopped { ", interrupted" } else { "" };
        writeln!(
            f,
            "{:.0} s of a city with {} drivers in {:.1} s{cut}",
            self.city_s, self.drivers, self.city_took_s
        )?;
        writeln!(f, "  requests            {}", self.requests)?;
        writeln!(f, "  requests refused    {}", self.requests_refused)?;
        writeln!(f, "  served (completed)  {}", self.served)?;
        writeln!(f, "  expired             {}", self.expired)?;
        writeln!(f, "  cancelled           {}", self.cancelled)?;
        writeln!(f, "  still in flight     {}", self.in_flight)?;
        writeln!(f, "  request to pickup   {}, city seconds", self.pickup_s)?;
        writeln!(f, "    of it driving     {}, city seconds", self.approach_s)?;
        writeln!(f, "  offers per trip     {:.2}", self.offers_per_trip)?;
        writeln!(f, "  request to offer    {}, real ms", self.offer_after_ms)?;
        writeln!(f, "  driver updates      {}, {} failed", self.driver_updates, self.driver_updates_failed)?;
        write!(f, "  double assignments  {}", self.double_assignments)?;
        for fault in &self.ride_faults {
            write!(f, "\n    FAULT {fault}")?;
        }
        Ok(())
    }
}
