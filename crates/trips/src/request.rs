//! A rider's request, and the receipt of a completed trip.

use kerb_geometry::LatLng;
use serde::{Deserialize, Serialize};

use crate::finite;
use crate::id::{IdempotencyKey, RiderId};
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
