//! The messages between ingest nodes and the matcher: notifications, actions and locations of drivers.

use kerb_ports::{DriverLocation, DriverNotification, TripAssignment};
use kerb_trips::TripId;
use kerb_types::{DriverId, FieldError, Timestamp};

use super::driver_trip::{Act, action_of, reason_of};
use super::field::{driver_id, one_position, party_size, required};
use super::public::{travel_source, travel_source_number};
use super::trip::{public_state, trip_id, trip_state};
use crate::internal::v1;
use crate::internal::v1::driver_notification::Notification;

impl From<&DriverNotification> for v1::DriverNotification {
    fn from(notification: &DriverNotification) -> Self {
        let notification = match notification {
            DriverNotification::Assignment(assignment) => Notification::Assignment((&**assignment).into()),
            DriverNotification::Ended { trip, state, reason } => Notification::Ended(v1::TripEnded {
                trip_id: trip.to_string(),
                state: public_state(*state) as u32,
                reason: reason.clone(),
            }),
        };
        Self { notification: Some(notification) }
    }
}

impl TryFrom<v1::DriverNotification> for DriverNotification {
    type Error = FieldError;

    fn try_from(wire: v1::DriverNotification) -> Result<Self, FieldError> {
        match required("notification", wire.notification)? {
            Notification::Assignment(assignment) => {
                let assignment =
                    TripAssignment::try_from(assignment).map_err(|error| error.within("assignment"))?;
                Ok(Self::Assignment(Box::new(assignment)))
            }
            Notification::Ended(ended) => trip_ended(ended).map_err(|error| error.within("ended")),
        }
    }
}

fn trip_ended(wire: v1::TripEnded) -> Result<DriverNotification, FieldError> {
    Ok(DriverNotification::Ended {
        trip: trip_id(&wire.trip_id)?,
        state: trip_state(wire.state)?,
        reason: wire.reason,
    })
}

impl From<&TripAssignment> for v1::TripAssignment {
    fn from(assignment: &TripAssignment) -> Self {
        Self {
            trip_id: assignment.trip.to_string(),
            state: public_state(assignment.state) as u32,
            pickup: assignment.pickup.to_bits(),
            dropoff: assignment.dropoff.to_bits(),
            pickup_eta_s: assignment.pickup_eta_s,
            travel_source: travel_source_number(assignment.travel_source) as u32,
            expires_ms: assignment.expires_ms.as_millis(),
            party_size: u32::from(assignment.party_size),
        }
    }
}

impl TryFrom<v1::TripAssignment> for TripAssignment {
    type Error = FieldError;

    fn try_from(wire: v1::TripAssignment) -> Result<Self, FieldError> {
        Ok(Self {
            trip: trip_id(&wire.trip_id)?,
            state: trip_state(wire.state)?,
            pickup: one_position("pickup", wire.pickup)?,
            dropoff: one_position("dropoff", wire.dropoff)?,
            pickup_eta_s: wire.pickup_eta_s,
            travel_source: travel_source(i32::try_from(wire.travel_source).unwrap_or_default()),
            expires_ms: Timestamp::from_millis(wire.expires_ms),
            party_size: party_size(wire.party_size)?,
        })
    }
}

/// `None` stands for a driver that the node does not know.
impl From<Option<&DriverLocation>> for v1::DriverLocation {
    fn from(location: Option<&DriverLocation>) -> Self {
        let Some(location) = location else { return Self::default() };
        let position = location.position.map(|(position, _)| position.to_bits());
        let time_ms = location.position.map_or(0, |(_, time)| time.as_millis());
        Self { known: true, connected: location.connected, position, time_ms }
    }
}

/// `None` stands for a driver that the node does not know.
impl TryFrom<v1::DriverLocation> for Option<DriverLocation> {
    type Error = FieldError;

    fn try_from(wire: v1::DriverLocation) -> Result<Self, FieldError> {
        if !wire.known {
            return Ok(None);
        }
        let position = wire.position.map(|bits| one_position("position", bits)).transpose()?;
        let position = position.map(|position| (position, Timestamp::from_millis(wire.time_ms)));
        Ok(Some(DriverLocation { connected: wire.connected, position }))
    }
}

impl From<(&DriverId, &Act)> for v1::ActRequest {
    fn from((driver, act): (&DriverId, &Act)) -> Self {
        Self {
            driver_id: driver.as_str().to_owned(),
            trip_id: act.trip.to_string(),
            action: act.action.name().to_owned(),
            reason: reason_of(&act.action).to_owned(),
        }
    }
}

impl TryFrom<v1::DriverUnavailableRequest> for (DriverId, TripId) {
    type Error = FieldError;

    fn try_from(wire: v1::DriverUnavailableRequest) -> Result<Self, FieldError> {
        Ok((driver_id("driver_id", &wire.driver_id)?, trip_id(&wire.trip_id)?))
    }
}

impl TryFrom<v1::ActRequest> for (DriverId, Act) {
    type Error = FieldError;

    fn try_from(wire: v1::ActRequest) -> Result<Self, FieldError> {
        let driver = driver_id("driver_id", &wire.driver_id)?;
        Ok((driver, Act { trip: trip_id(&wire.trip_id)?, action: action_of(&wire.action, wire.reason)? }))
    }
}
