//! A trip with its volatile state.

use kerb_geometry::LatLng;
use kerb_trips::Trip;
use kerb_types::Timestamp;

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
    /// Number of windows that deferred the request.
    pub(super) deferrals: u32,
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
            deferrals: 0,
            meter,
        }
    }

    pub(in crate::market) fn trip(&self) -> &Trip {
        &self.trip
    }

    pub(in crate::market) fn k(&self) -> u32 {
        self.k
    }

    pub(in crate::market) fn deferrals(&self) -> u32 {
        self.deferrals
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
