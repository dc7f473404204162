//! What the riders' part of a demo came to, as text and as JSON.

use std::fmt;

use serde::Serialize;

use crate::lab::metrics::Outcomes;
use crate::lab::record::{RequestRecord, RunRecord};
use kerb_loadgen::report::{Percentiles, Values};

/// What was counted and measured in the city.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Drivers of the run.
    pub drivers: usize,
    /// Requests that were made.
    pub requests: usize,
    /// Requests that were not taken.
    pub requests_refused: u32,
    /// Riders who were brought to where they wanted.
    pub served: u32,
    /// Requests for which nobody was found in time.
    pub expired: u32,
    /// Trips that were called off.
    pub cancelled: u32,
    /// Trips that had not ended when the city's time did.
    pub under_way: u32,
    /// Offers over requests.
    pub offers_per_trip: f64,
    /// Seconds of the city's time from a request until a driver stands at the pickup.
    pub pickup_s: Percentiles,
    /// Seconds of the city's time from an acceptance until the driver stands at the pickup.
    pub approach_s: Percentiles,
    /// Milliseconds of real time from a request to its first offer, by the server's clock.
    pub offer_after_ms: Percentiles,
    /// Position updates of drivers.
    pub driver_updates: u64,
    /// Of them, dropped or refused.
    pub driver_updates_failed: u64,
    /// Promises that were given twice: a driver on two live trips, or a trip with two drivers. Must be 0.
    pub double_promises: u64,
    /// All that the judges found: promises, lost requests, wrong answers to searches. Must be empty.
    pub ride_faults: Vec<String>,
    /// Time that passed in the city, seconds of its own.
    pub city_s: f64,
    /// Real time that it took, seconds.
    pub city_took_s: f64,
    /// The run's city was stopped before its time.
    pub city_stopped: bool,
}

impl Figures {
    /// Of a run.
    pub(super) fn of(run: &RunRecord) -> Self {
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
            under_way: outcomes.open,
            offers_per_trip: run.system.offers as f64 / run.requests.len().max(1) as f64,
            pickup_s: seconds(&|request| Some(request.arrived_ms? - request.requested_ms)),
            approach_s: seconds(&|request| Some(request.arrived_ms? - request.accepted_ms?)),
            offer_after_ms: run.system.first_offer_ms,
            driver_updates: run.system.updates,
            driver_updates_failed: run.system.updates_failed,
            double_promises: run.system.double_promises,
            ride_faults: run.system.faults.clone(),
            city_s: (run.to_ms - run.from_ms) as f64 / 1_000.0,
            city_took_s: run.system.wall_s,
            city_stopped: run.stopped,
        }
    }

    /// Every promise was kept, as far as anybody saw.
    pub fn is_right(&self) -> bool {
        self.ride_faults.is_empty()
    }
}

impl fmt::Display for Figures {
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
        writeln!(f, "  still under way     {}", self.under_way)?;
        writeln!(f, "  request to pickup   {}, city seconds", self.pickup_s)?;
        writeln!(f, "    of it driving     {}, city seconds", self.approach_s)?;
        writeln!(f, "  offers per trip     {:.2}", self.offers_per_trip)?;
        writeln!(f, "  request to offer    {}, real ms", self.offer_after_ms)?;
        writeln!(f, "  driver updates      {}, {} failed", self.driver_updates, self.driver_updates_failed)?;
        write!(f, "  double promises     {}", self.double_promises)?;
        for fault in &self.ride_faults {
            write!(f, "\n    FAULT {fault}")?;
        }
        Ok(())
    }
}
