//! Makes the receipt of a trip.

use kerb_geometry::LatLng;
use kerb_types::{Millis, Timestamp};

use crate::machine::Trip;
use crate::request::Receipt;
use crate::state::TripState;

impl Receipt {
    /// Returns the receipt of a trip whose rider gets out at `dropoff` at `now`, after `distance_m` meters; `None` if the
    /// rider is not in a vehicle. The ride began at the position of the pick-up, or at the requested pickup if that position
    /// is not known.
    pub fn of(trip: &Trip, distance_m: f64, dropoff: LatLng, now: Timestamp) -> Option<Self> {
        let times = &trip.times;
        let (accepted_ms, picked_up_ms) = (times.accepted_ms?, times.picked_up_ms?);
        let driver = trip.driver.clone().filter(|_| trip.state == TripState::OnTrip)?;
        Some(Self {
            rider: trip.request.rider.clone(),
            driver,
            vehicle_class: trip.request.vehicle_class,
            pickup: trip.meter.from.unwrap_or(trip.request.pickup),
            dropoff,
            requested_ms: times.requested_ms,
            accepted_ms,
            arrived_ms: times.arrived_ms,
            picked_up_ms,
            dropped_off_ms: now,
            distance_m,
            wait_ms: times.arrived_ms.map_or(Millis::ZERO, |arrived_ms| picked_up_ms - arrived_ms),
            ride_ms: now - picked_up_ms,
        })
    }
}
