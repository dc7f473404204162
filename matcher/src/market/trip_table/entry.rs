//! A trip with its volatile state.

use kerb_geometry::LatLng;
use kerb_trips::{ReturnReason, Trip, TripEvent};
use kerb_types::{DriverId, Millis, Timestamp};

use crate::market::trip_table::meter::RunningMeter;

/// A trip, and the state of it that no record holds: a restart begins it anew.
pub(in crate::market) struct TripEntry {
    pub(super) trip: Trip,
    /// Number of candidates in the next window.
    pub(super) k: u32,
    /// Time of its timer, which is its key in `TripTable::due`; `None` without a timer.
    pub(super) due_ms: Option<Timestamp>,
    /// Since when the trip's own driver has no stream; `None` while it has one.
    pub(super) disconnected_since_ms: Option<Timestamp>,
    /// Last position of the driver on the way to the pickup, with the time of its measurement.
    pub(super) driver_position: Option<(LatLng, Timestamp)>,
    /// Time of the window that deferred the request first.
    pub(super) deferred_since_ms: Option<Timestamp>,
    /// Drivers whose offer ended without a decline, and until when they get no other one: at once for those who lost their
    /// stream, and later for those who let the offer expire.
    pub(super) undecided: Vec<(DriverId, Timestamp)>,
    pub(super) meter: RunningMeter,
}

impl TripEntry {
    pub(super) fn new(trip: Trip, k: u32) -> Self {
        let meter = RunningMeter::of(&trip);
        Self {
            trip,
            k,
            due_ms: None,
            disconnected_since_ms: None,
            driver_position: None,
            deferred_since_ms: None,
            undecided: Vec::new(),
            meter,
        }
    }

    pub(in crate::market) fn trip(&self) -> &Trip {
        &self.trip
    }

    /// Whether the trip is not offered to the driver now, because of the driver's answer to an earlier offer.
    pub(in crate::market) fn is_barred(&self, driver: &DriverId, now: Timestamp) -> bool {
        self.barred(now).any(|barred| barred == driver)
    }

    /// Returns the drivers who get no offer of the trip now, because of their replies to earlier offers.
    pub(in crate::market) fn barred(&self, now: Timestamp) -> impl Iterator<Item = &DriverId> {
        let undecided = self.undecided.iter().filter(move |(_, until_ms)| *until_ms > now);
        self.trip.declined_by.iter().chain(undecided.map(|(driver, _)| driver))
    }

    pub(in crate::market) fn undecided(&self) -> &[(DriverId, Timestamp)] {
        &self.undecided
    }

    /// Whether the driver had an offer of the trip that ended without a decline.
    pub(in crate::market) fn had_offer(&self, driver: &DriverId) -> bool {
        self.undecided.iter().any(|(other, _)| other == driver)
    }

    /// Notes a driver whose offer ended without a decline.
    pub(super) fn note_return(&mut self, event: &TripEvent, at_ms: Timestamp, silence_ms: Millis) {
        let (TripEvent::OfferReturned { driver, why } | TripEvent::ReassignmentReturned { driver, why }) =
            event
        else {
            return;
        };
        self.undecided.retain(|(other, _)| other != driver);
        match why {
            ReturnReason::Declined { .. } => {}
            ReturnReason::Expired => self.undecided.push((driver.clone(), at_ms + silence_ms)),
            // None of these is the driver's answer to this trip.
            ReturnReason::DriverDisconnected | ReturnReason::Withdrawn | ReturnReason::DriverUnavailable => {
                self.undecided.push((driver.clone(), at_ms));
            }
        }
    }

    pub(in crate::market) fn k(&self) -> u32 {
        self.k
    }

    pub(in crate::market) fn deferred_since_ms(&self) -> Option<Timestamp> {
        self.deferred_since_ms
    }

    pub(in crate::market) fn is_disconnected(&self) -> bool {
        self.disconnected_since_ms.is_some()
    }

    pub(in crate::market) fn driver_position(&self) -> Option<(LatLng, Timestamp)> {
        self.driver_position
    }

    pub(in crate::market) fn meter(&self) -> &RunningMeter {
        &self.meter
    }
}
