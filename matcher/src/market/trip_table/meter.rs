//! The meter of a trip: the distance that the driver's positions cover from the pick-up on.

use kerb_geometry::{LatLng, distance_m};
use kerb_trips::{Trip, TripEvent};
use kerb_types::{FixKind, Millis, PathFilter, Timestamp};

/// Minimum distance between two counted positions, in meters. Smaller distances are noise of the receiver: the meter of a
/// parked car stands.
const STEP_MIN_M: f64 = 10.0;

/// The running meter of a trip. Records only hold its checkpoints.
pub(in crate::market) struct RunningMeter {
    /// Meters from the pick-up to the last counted position.
    distance_m: f64,
    /// The plausible path of the vehicle since the pick-up.
    path: PathFilter,
    /// The last counted position.
    last: Option<LatLng>,
    /// Time of the last checkpoint.
    checkpoint_ms: Timestamp,
}

impl RunningMeter {
    /// The meter of a trip at its last checkpoint.
    pub(super) fn of(trip: &Trip) -> Self {
        Self {
            distance_m: trip.meter.distance_m,
            // A checkpoint has no time of measurement. The pick-up is the latest time that is before all later positions.
            path: match (trip.meter.last, trip.times.picked_up_ms) {
                (Some(position), Some(at_ms)) => PathFilter::starting_at(position, at_ms),
                _ => PathFilter::default(),
            },
            last: trip.meter.last,
            checkpoint_ms: trip.times.picked_up_ms.unwrap_or_default(),
        }
    }

    pub(in crate::market) fn distance_m(&self) -> f64 {
        self.distance_m
    }

    /// Returns the last plausible position of the ride.
    pub(in crate::market) fn last_position(&self) -> Option<LatLng> {
        self.last
    }

    /// Starts the meter at the pick-up, and takes over the distance of a checkpoint.
    pub(super) fn apply(&mut self, event: &TripEvent, at_ms: Timestamp) {
        match event {
            TripEvent::PickedUp { at, .. } => {
                self.distance_m = 0.0;
                self.last = *at;
                self.path =
                    at.map_or_else(PathFilter::default, |position| PathFilter::starting_at(position, at_ms));
                self.checkpoint_ms = at_ms;
            }
            TripEvent::Metered { distance_m, at } => {
                self.distance_m = self.distance_m.max(*distance_m);
                self.last.get_or_insert(*at);
                self.checkpoint_ms = at_ms;
            }
            _ => {}
        }
    }

    /// Adds a position of a trip whose rider got in at `picked_up_ms`, unless it is implausible, older than the last one,
    /// or too near to it. A jump that stays counts once, as a straight line.
    pub(super) fn add(&mut self, trip: &Trip, position: LatLng, measured_ms: Timestamp, speed_max_kmh: u32) {
        if self.path.last().is_none()
            && let Some(picked_up_ms) = trip.times.picked_up_ms
        {
            // One before, so that a position of the same moment counts.
            self.path = PathFilter::starting_at(trip.request.pickup, picked_up_ms - Millis::new(1));
        }
        if !matches!(
            self.path.classify(position, measured_ms, speed_max_kmh),
            FixKind::Plausible | FixKind::Moved
        ) {
            return;
        }
        let step_m = distance_m(self.last.unwrap_or(trip.request.pickup), position);
        if step_m >= STEP_MIN_M {
            self.distance_m += step_m;
            self.last = Some(position);
        }
    }

    /// Returns a checkpoint event if the interval is over and the distance is greater than the recorded one.
    pub(super) fn checkpoint(
        &self,
        recorded_m: f64,
        now: Timestamp,
        interval_ms: Millis,
    ) -> Option<TripEvent> {
        if now - self.checkpoint_ms < interval_ms || self.distance_m <= recorded_m {
            return None;
        }
        Some(TripEvent::Metered { distance_m: self.distance_m, at: self.last_position()? })
    }
}
