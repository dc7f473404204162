//! A rider's request, and the receipt of a completed trip.

use kerb_geometry::LatLng;
use serde::{Deserialize, Serialize};

use crate::finite;
use crate::id::{IdempotencyKey, RiderId};
use crate::machine::Trip;
use crate::state::TripState;
use kerb_types::DriverId;
use kerb_types::{Capabilities, Millis, Timestamp, VehicleClass};

/// A rider's request for a trip. Two requests of one rider with the same key must be equal: the matcher answers a repeat
/// with the first trip and rejects a different request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RideRequest {
    /// The rider who requests the trip.
    pub rider: RiderId,
    /// The rider's name for this request.
    pub key: IdempotencyKey,
    /// The position where the rider waits.
    pub pickup: LatLng,
    /// The destination of the ride.
    pub dropoff: LatLng,
    /// The class of vehicle, by its number in the catalog.
    pub vehicle_class: VehicleClass,
    /// The required capabilities, by their numbers in the catalog.
    pub capabilities: Capabilities,
    /// The number of persons.
    pub party_size: u8,
    /// The rider's maximum wait for an acceptance, in milliseconds from the request. It starts anew when the trip loses a
    /// driver who had accepted.
    pub wait_max_ms: Millis,
}

/// The bill of a completed trip: the data to charge the rider and to pay the driver. Times are milliseconds since the
/// Unix epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The rider to charge.
    pub rider: RiderId,
    /// The driver to pay.
    pub driver: DriverId,
    /// The requested vehicle class.
    pub vehicle_class: VehicleClass,
    /// The position where the ride began.
    pub pickup: LatLng,
    /// The position where the ride ended.
    pub dropoff: LatLng,
    /// The rider's request.
    pub requested_ms: Timestamp,
    /// The driver's acceptance.
    pub accepted_ms: Timestamp,
    /// The driver's report of arrival at the pickup; `None` without a report.
    pub arrived_ms: Option<Timestamp>,
    /// The driver's report that the rider got in.
    pub picked_up_ms: Timestamp,
    /// The driver's report that the rider got out.
    pub dropped_off_ms: Timestamp,
    /// The length of the ride in meters, along the driver's positions.
    #[serde(with = "finite")]
    pub distance_m: f64,
    /// The driver's wait at the pickup in milliseconds; 0 without a report of arrival.
    pub wait_ms: Millis,
    /// The duration of the ride in milliseconds.
    pub ride_ms: Millis,
}

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
