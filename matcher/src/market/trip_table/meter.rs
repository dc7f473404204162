//! The meter of a trip: the distance that the driver's positions cover from the pick-up on.

use kerb_geometry::{LatLng, distance_m};
use kerb_trips::{Trip, TripEvent};

/// Minimum distance between two counted positions, in meters. Smaller distances are noise of the receiver: the meter of a
/// parked car stands.
const STEP_MIN_M: f64 = 10.0;

/// The running meter of a trip. Records only hold its checkpoints.
pub(in crate::market) struct RunningMeter {
    /// Meters from the pick-up to the last counted position.
    distance_m: f64,
    /// The last counted position, with the time of its measurement.
    last: Option<(LatLng, i64)>,
    /// Time of the last checkpoint.
    checkpoint_ms: i64,
}

impl RunningMeter {
    /// The meter of a trip at its last checkpoint.
    pub(super) fn of(trip: &Trip) -> Self {
        Self {
            distance_m: trip.meter.distance_m,
            // A checkpoint has no time of measurement, so every later position counts.
            last: trip.meter.last.map(|position| (position, 0)),
            checkpoint_ms: trip.times.picked_up_ms.unwrap_or(0),
        }
    }

    pub(in crate::market) fn distance_m(&self) -> f64 {
        self.distance_m
    }

    pub(in crate::market) fn last_position(&self) -> Option<LatLng> {
        self.last.map(|(position, _)| position)
    }

    /// Starts the meter at the pick-up, and takes over the distance of a checkpoint.
    pub(super) fn apply(&mut self, event: &TripEvent, at_ms: i64) {
        match event {
            TripEvent::PickedUp { at, .. } => {
                self.distance_m = 0.0;
                self.last = at.map(|position| (position, at_ms));
                self.checkpoint_ms = at_ms;
            }
            TripEvent::Metered { distance_m, at } => {
                self.distance_m = self.distance_m.max(*distance_m);
                self.last.get_or_insert((*at, at_ms));
                self.checkpoint_ms = at_ms;
            }
            _ => {}
        }
    }

    /// Adds a position, unless it is too near to the last one or older.
    pub(super) fn add(&mut self, pickup: LatLng, position: LatLng, measured_ms: i64) {
        let (last, last_ms) = self.last.unwrap_or((pickup, 0));
        let step_m = distance_m(last, position);
        if measured_ms > last_ms && step_m >= STEP_MIN_M {
            self.distance_m += step_m;
            self.last = Some((position, measured_ms));
        }
    }

    /// Returns a checkpoint event if the interval is over and the distance is greater than the recorded one.
    pub(super) fn checkpoint(&self, recorded_m: f64, now_ms: i64, interval_ms: i64) -> Option<TripEvent> {
        if now_ms.saturating_sub(self.checkpoint_ms) < interval_ms || self.distance_m <= recorded_m {
            return None;
        }
        Some(TripEvent::Metered { distance_m: self.distance_m, at: self.last_position()? })
    }
}
