//! The reservations of drivers in all markets, compared by time.

use std::collections::HashMap;

use super::violation::ViolationKind;
use super::{Findings, RecordPosition};
use crate::id::TripId;
use crate::record::Version;
use kerb_types::{DriverId, Millis, Timestamp};

/// Every reservation of each driver.
#[derive(Debug, Default)]
pub(super) struct Reservations {
    of_driver: HashMap<DriverId, Vec<Reservation>>,
}

/// A driver's tie to one trip for a span of time.
#[derive(Debug)]
struct Reservation {
    trip: TripId,
    version: Version,
    from_ms: Timestamp,
    /// [`Timestamp::MAX`] while the reservation lasts.
    until_ms: Timestamp,
}

impl Reservations {
    pub(super) fn begin(&mut self, driver: &DriverId, trip: &TripId, position: RecordPosition<'_>) {
        let reservation = Reservation {
            trip: trip.clone(),
            version: position.version,
            from_ms: position.at_ms,
            until_ms: Timestamp::MAX,
        };
        self.of_driver.entry(driver.clone()).or_default().push(reservation);
    }

    pub(super) fn end(&mut self, driver: &DriverId, trip: &TripId, at_ms: Timestamp) {
        let newest_first = self.of_driver.get_mut(driver).into_iter().flatten().rev();
        if let Some(reservation) = { newest_first }.find(|reservation| reservation.trip == *trip) {
            reservation.until_ms = at_ms;
        }
    }

    /// Finds drivers with reservations in two markets at one time. [`MarketAudit`](super::MarketAudit) checks those within
    /// one market.
    pub(super) fn compare(self, findings: &mut Findings) {
        let mut drivers: Vec<_> = self.of_driver.into_iter().collect();
        drivers.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (driver, mut reservations) in drivers {
            reservations.sort_by(|a, b| (a.from_ms, &a.trip).cmp(&(b.from_ms, &b.trip)));
            compare_of_driver(&driver, &reservations, findings);
        }
    }
}

/// Compares the reservations of one driver. They are sorted by their start, so one overlaps an earlier one that ends after
/// this start.
fn compare_of_driver(driver: &DriverId, reservations: &[Reservation], findings: &mut Findings) {
    let mut open: Vec<&Reservation> = Vec::new();
    for later in reservations {
        open.retain(|earlier| earlier.until_ms > later.from_ms);
        for earlier in open.iter().filter(|earlier| earlier.trip.market != later.trip.market) {
            let until_ms = earlier.until_ms.min(later.until_ms);
            let overlap_ms = if until_ms == Timestamp::MAX { Millis::MAX } else { until_ms - later.from_ms };
            if overlap_ms > Millis::ZERO {
                let (driver, other) = (driver.clone(), earlier.trip.clone());
                let kind = ViolationKind::OneDriverTwoMarkets { driver, other, overlap_ms };
                findings.add(&later.trip.market, later.version, Some(&later.trip), kind);
            }
        }
        open.push(later);
    }
}
