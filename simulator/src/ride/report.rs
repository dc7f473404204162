//! What a city with matching came to, as text and as one JSON object.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::book::Counts;
use super::promises::Verdict;
use super::tally::Tally;
use crate::report::{Percentiles, counts};

/// The result of a city with matching.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RidesReport {
    /// What was counted and measured.
    #[serde(flatten)]
    pub figures: Figures,
    /// How it was run.
    #[serde(flatten)]
    pub run: Run,
}

/// How a city was run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Run {
    /// The city's time over real time.
    pub time_scale: f64,
    /// Time that passed in the city, seconds of its own.
    pub city_s: f64,
    /// Real time it took, seconds, with the drivers' going on duty.
    pub elapsed_s: f64,
    /// Ended before its time, by a signal.
    pub interrupted: bool,
    /// Of all randomness.
    pub seed: u64,
    /// All settings of the run.
    pub settings: serde_json::Value,
}

/// What was counted and measured in a city.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Figures {
    /// Drivers of the run.
    pub drivers: u64,
    /// Requests that were taken.
    pub requests: u64,
    /// Requests that were not, by code.
    pub requests_refused: BTreeMap<String, u64>,
    /// Riders who were brought to where they wanted.
    pub served: u64,
    /// Requests for which nobody was found in time.
    pub expired: u64,
    /// Trips that were called off.
    pub cancelled: u64,
    /// Trips that had not ended when the city's time did.
    pub under_way: u64,
    /// Offers made.
    pub offers: u64,
    /// Offers over requests.
    pub offers_per_trip: f64,
    /// Seconds of the city's time from a request until a driver stands at the pickup.
    pub pickup_s: Percentiles,
    /// Seconds of the city's time from an acceptance until the driver stands at the pickup.
    pub approach_s: Percentiles,
    /// Milliseconds of real time from a request to its first offer, by the server's clock.
    pub offer_after_ms: Percentiles,
    /// Promises that were given twice: a driver on two live trips, or a trip with two drivers. Must be 0.
    pub double_promises: u64,
    /// What they are, the first of them.
    pub clashes: Vec<String>,
    /// Accepts that no watch has shown by the end.
    pub accepts_unseen: u64,
    /// Changes that a watch left out or told twice. Must be 0.
    pub watch_gaps: u64,
    /// Watches opened anew after they broke.
    pub watches_reopened: u64,
    /// What drivers said and was refused, by action: offers that lapsed or were withdrawn meanwhile.
    pub actions_refused: BTreeMap<String, u64>,
    /// Positions of drivers that were dropped.
    pub driver_updates_dropped: u64,
    /// Driver streams opened anew after they broke.
    pub driver_reconnects: u64,
}

/// So many double promises are told in full.
const CLASHES_MAX: usize = 10;

impl Figures {
    pub(super) fn new(tally: &Tally, verdict: &Verdict, seen: &Counts, drivers: u64) -> Self {
        Self {
            drivers,
            requests: tally.trips,
            requests_refused: seen.requests_refused.clone(),
            served: tally.completed,
            expired: tally.expired,
            cancelled: tally.cancelled,
            under_way: tally.under_way(),
            offers: tally.offers,
            offers_per_trip: tally.offers as f64 / tally.trips.max(1) as f64,
            pickup_s: tally.pickup_s.summary(),
            approach_s: tally.approach_s.summary(),
            offer_after_ms: tally.offer_ms.summary(),
            double_promises: verdict.clashes.len() as u64,
            clashes: verdict.clashes.iter().take(CLASHES_MAX).map(ToString::to_string).collect(),
            accepts_unseen: verdict.unseen,
            watch_gaps: seen.watch_gaps,
            watches_reopened: seen.watches_reopened,
            actions_refused: seen.actions_refused.clone(),
            driver_updates_dropped: seen.updates_dropped,
            driver_reconnects: seen.reconnects,
        }
    }

    /// Every promise was kept, as far as anybody saw.
    pub fn is_right(&self) -> bool {
        self.double_promises == 0 && self.watch_gaps == 0
    }
}

impl fmt::Display for RidesReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self { figures, run }, cut) = (self, if self.run.interrupted { ", interrupted" } else { "" });
        writeln!(
            f,
            "{:.0} s of a city with {} drivers in {:.1} s{cut}: its time runs {} times as fast",
            run.city_s, figures.drivers, run.elapsed_s, run.time_scale
        )?;
        write!(f, "{figures}")
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  requests            {}", self.requests)?;
        writeln!(f, "  requests refused    {}", counts(&self.requests_refused))?;
        writeln!(f, "  served (completed)  {}", self.served)?;
        writeln!(f, "  expired             {}", self.expired)?;
        writeln!(f, "  cancelled           {}", self.cancelled)?;
        writeln!(f, "  still under way     {}", self.under_way)?;
        writeln!(f, "  request to pickup   {}, city seconds", self.pickup_s)?;
        writeln!(f, "    of it driving     {}, city seconds", self.approach_s)?;
        writeln!(f, "  offers per trip     {:.2}", self.offers_per_trip)?;
        writeln!(f, "  request to offer    {}, real ms", self.offer_after_ms)?;
        writeln!(f, "  actions refused     {}", counts(&self.actions_refused))?;
        write!(f, "  double promises     {}", self.double_promises)?;
        for clash in &self.clashes {
            write!(f, "\n    {clash}")?;
        }
        if self.watch_gaps + self.watches_reopened + self.driver_reconnects + self.driver_updates_dropped > 0
        {
            write!(
                f,
                "\n  streams             {} gaps in watches, {} watches reopened, {} drivers reconnected, {} updates \
                 dropped",
                self.watch_gaps, self.watches_reopened, self.driver_reconnects, self.driver_updates_dropped
            )?;
        }
        Ok(())
    }
}
