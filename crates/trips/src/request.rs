//! What a rider asks for, and what is charged and paid in the end.

use kerb_geometry::LatLng;
use serde::{Deserialize, Serialize, Serializer};

use crate::id::{IdempotencyKey, RiderId};
use crate::machine::Trip;
use crate::state::TripState;
use kerb_types::DriverId;
use kerb_types::{Capabilities, VehicleClass};

/// A rider's wish. Two requests of one rider under one key must be equal: a repeat is answered with the first trip, and
/// anything else is the caller's mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RideRequest {
    /// Who asks.
    pub rider: RiderId,
    /// Under which key.
    pub key: IdempotencyKey,
    /// From where.
    pub pickup: LatLng,
    /// To where.
    pub dropoff: LatLng,
    /// The class of vehicle, by its number in the catalog.
    pub vehicle_class: VehicleClass,
    /// What the vehicle must offer, by numbers of the catalog.
    pub capabilities: Capabilities,
    /// Persons.
    pub party_size: u8,
    /// How long the rider waits for a driver to accept, milliseconds from the request; anew from the loss of a driver who
    /// had accepted.
    pub wait_max_ms: i64,
}

/// A completed trip: enough to charge the rider and to pay the driver. Times are milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// Who is charged.
    pub rider: RiderId,
    /// Who is paid.
    pub driver: DriverId,
    /// The class that was asked for.
    pub vehicle_class: VehicleClass,
    /// Where the ride began.
    pub pickup: LatLng,
    /// Where it ended.
    pub dropoff: LatLng,
    /// The rider asked.
    pub requested_ms: i64,
    /// The driver accepted.
    pub accepted_ms: i64,
    /// The driver told of being at the pickup; `None`: did not tell.
    pub arrived_ms: Option<i64>,
    /// The rider got in.
    pub picked_up_ms: i64,
    /// The rider got out.
    pub dropped_off_ms: i64,
    /// Meters under way with the rider.
    #[serde(serialize_with = "finite")]
    pub distance_m: f64,
    /// Milliseconds that the driver waited at the pickup; 0 when the arrival was not told.
    pub wait_ms: i64,
    /// Milliseconds under way with the rider.
    pub ride_ms: i64,
}

impl Receipt {
    /// The receipt of a trip whose rider gets out now at `dropoff`, after `distance_m` meters; `None` when the rider is
    /// not in a vehicle. The ride began where the driver told, or else at the pickup that was asked for.
    pub fn of(trip: &Trip, distance_m: f64, dropoff: LatLng, now_ms: i64) -> Option<Self> {
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
            dropped_off_ms: now_ms,
            distance_m,
            wait_ms: times.arrived_ms.map_or(0, |arrived_ms| picked_up_ms.saturating_sub(arrived_ms)),
            ride_ms: now_ms.saturating_sub(picked_up_ms),
        })
    }
}

/// Refuses to write what some formats could not read back.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
pub(crate) fn finite<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_finite() {
        return serializer.serialize_f64(*value);
    }
    Err(serde::ser::Error::custom(format!("{value}, must be a finite number")))
}
