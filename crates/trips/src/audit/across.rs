//! Drivers' promises of all markets, by time.

use std::collections::HashMap;

use super::violation::Wrong;
use super::{Findings, Place};
use crate::id::TripId;
use crate::record::Version;
use kerb_types::DriverId;

/// From when to when each driver was promised to which trip.
#[derive(Debug, Default)]
pub(super) struct Promises {
    of_driver: HashMap<DriverId, Vec<Promise>>,
}

#[derive(Debug)]
struct Promise {
    trip: TripId,
    version: Version,
    from_ms: i64,
    /// [`i64::MAX`]: it goes on.
    until_ms: i64,
}

impl Promises {
    pub(super) fn begin(&mut self, driver: &DriverId, trip: &TripId, place: Place<'_>) {
        let promise =
            Promise { trip: trip.clone(), version: place.version, from_ms: place.at_ms, until_ms: i64::MAX };
        self.of_driver.entry(driver.clone()).or_default().push(promise);
    }

    pub(super) fn end(&mut self, driver: &DriverId, trip: &TripId, at_ms: i64) {
        let promises = self.of_driver.get_mut(driver).into_iter().flatten().rev();
        if let Some(promise) = { promises }.find(|promise| promise.trip == *trip) {
            promise.until_ms = at_ms;
        }
    }

    /// Finds drivers who were promised in two markets at one time. Within a market the order of its journal has judged.
    pub(super) fn compare(self, findings: &mut Findings) {
        let mut drivers: Vec<_> = self.of_driver.into_iter().collect();
        drivers.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (driver, mut promises) in drivers {
            promises.sort_by(|a, b| (a.from_ms, &a.trip).cmp(&(b.from_ms, &b.trip)));
            compare_of_driver(&driver, &promises, findings);
        }
    }
}

/// Sorted by their beginnings, so a promise meets an earlier one when that ends later than this begins.
fn compare_of_driver(driver: &DriverId, promises: &[Promise], findings: &mut Findings) {
    let mut open: Vec<&Promise> = Vec::new();
    for later in promises {
        open.retain(|earlier| earlier.until_ms > later.from_ms);
        for earlier in open.iter().filter(|earlier| earlier.trip.market != later.trip.market) {
            let until_ms = earlier.until_ms.min(later.until_ms);
            let overlap_ms =
                if until_ms == i64::MAX { i64::MAX } else { until_ms.saturating_sub(later.from_ms) };
            if overlap_ms > 0 {
                let (driver, other) = (driver.clone(), earlier.trip.clone());
                let wrong = Wrong::OneDriverTwoMarkets { driver, other, overlap_ms };
                findings.add(&later.trip.market, later.version, Some(&later.trip), wrong);
            }
        }
        open.push(later);
    }
}
