//! The trip messages of a driver's stream: assignments to the app, actions from the app, and the results of actions.

use kerb_geometry::LatLng;
use kerb_ports::{DriverAction, DriverNotification, TripAssignment};
use kerb_trips::{TripId, TripState};
use kerb_types::limits::REASON_BYTES_MAX;
use kerb_types::{FieldError, Timestamp};
use tonic::{Code, Status};

use super::field::{invalid, party_size, required};
use super::public::{travel_source, travel_source_number};
use super::trip::{public_state, trip_id, trip_state};
use crate::v1;
use crate::v1::connect_response::Message;
use crate::v1::trip_action::Action;

/// A driver's action with the trip that it concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// The id of the trip.
    pub trip: TripId,
    /// The action on this trip.
    pub action: DriverAction,
}

impl From<&Act> for v1::TripAction {
    fn from(act: &Act) -> Self {
        let action = match &act.action {
            DriverAction::Accept => Action::Accept(v1::AcceptOffer {}),
            DriverAction::Decline { reason } => Action::Decline(v1::DeclineOffer { reason: reason.clone() }),
            DriverAction::Arrived => Action::Arrived(v1::ArriveAtPickup {}),
            DriverAction::PickedUp => Action::PickedUp(v1::PickUpRider {}),
            DriverAction::DroppedOff => Action::DroppedOff(v1::DropOffRider {}),
            DriverAction::Cancel { reason } => Action::Cancel(v1::CancelAccepted { reason: reason.clone() }),
        };
        Self { trip_id: act.trip.to_string(), action: Some(action) }
    }
}

impl TryFrom<v1::TripAction> for Act {
    type Error = FieldError;

    fn try_from(wire: v1::TripAction) -> Result<Self, FieldError> {
        let trip = trip_id(&wire.trip_id)?;
        let name = action_name(&wire);
        let reason = match required("action", wire.action)? {
            Action::Decline(decline) => decline.reason,
            Action::Cancel(cancel) => cancel.reason,
            _ => String::new(),
        };
        let action = action_of(name, reason);
        // The reason is a field of the action's own message, so the path of its error begins with the action's name.
        Ok(Self { trip, action: action.map_err(|error| error.within(name))? })
    }
}

/// Returns the field name of an action in `TripAction`; empty if the message contains no action.
pub fn action_name(wire: &v1::TripAction) -> &'static str {
    match &wire.action {
        None => "",
        Some(Action::Accept(_)) => "accept",
        Some(Action::Decline(_)) => "decline",
        Some(Action::Arrived(_)) => "arrived",
        Some(Action::PickedUp(_)) => "picked_up",
        Some(Action::DroppedOff(_)) => "dropped_off",
        Some(Action::Cancel(_)) => "cancel",
    }
}

/// Returns the action with this name. `reason` is used by the actions that have one.
pub(super) fn action_of(name: &str, reason: String) -> Result<DriverAction, FieldError> {
    if reason.len() > REASON_BYTES_MAX {
        let length = format_args!("{} bytes", reason.len());
        return Err(invalid("reason", length, format_args!("at most {REASON_BYTES_MAX}")));
    }
    match name {
        "accept" => Ok(DriverAction::Accept),
        "decline" => Ok(DriverAction::Decline { reason }),
        "arrived" => Ok(DriverAction::Arrived),
        "picked_up" => Ok(DriverAction::PickedUp),
        "dropped_off" => Ok(DriverAction::DroppedOff),
        "cancel" => Ok(DriverAction::Cancel { reason }),
        _ => {
            let expected = "accept, decline, arrived, picked_up, dropped_off or cancel";
            Err(invalid("action", format_args!("{name:?}"), expected))
        }
    }
}

/// Returns the reason of an action; empty for an action without one.
pub(super) fn reason_of(action: &DriverAction) -> &str {
    match action {
        DriverAction::Decline { reason } | DriverAction::Cancel { reason } => reason,
        _ => "",
    }
}

/// Returns the message about an action's result. `trip_id` and `action` are the texts that the app sent.
pub fn action_result(trip_id: &str, action: &str, outcome: Result<TripState, &Status>) -> v1::ActionResult {
    let (state, code, message) = match outcome {
        Ok(state) => (public_state(state), Code::Ok, ""),
        Err(status) => (v1::TripState::Unspecified, status.code(), status.message()),
    };
    v1::ActionResult {
        trip_id: trip_id.to_owned(),
        action: action.to_owned(),
        state: state.into(),
        code: code.into(),
        message: message.to_owned(),
    }
}

/// Reverses [`action_result`]: returns the state of the trip, or the status of a rejected action. A result with neither is
/// `INTERNAL`.
pub fn action_outcome(wire: &v1::ActionResult) -> Result<TripState, Status> {
    if wire.code != 0 {
        return Err(Status::new(Code::from_i32(wire.code), wire.message.clone()));
    }
    trip_state(wire.state).map_err(|error| Status::internal(error.to_string()))
}

impl From<&DriverNotification> for Message {
    fn from(notification: &DriverNotification) -> Self {
        match notification {
            DriverNotification::Assignment(assignment) => Self::Assignment((&**assignment).into()),
            DriverNotification::Ended { trip, state, reason } => Self::Ended(v1::TripEnded {
                trip_id: trip.to_string(),
                state: public_state(*state).into(),
                reason: reason.clone(),
            }),
        }
    }
}

impl From<&TripAssignment> for v1::TripAssignment {
    fn from(assignment: &TripAssignment) -> Self {
        Self {
            trip_id: assignment.trip.to_string(),
            state: public_state(assignment.state).into(),
            pickup: Some(assignment.pickup.into()),
            dropoff: Some(assignment.dropoff.into()),
            pickup_eta_s: assignment.pickup_eta_s,
            travel_source: travel_source_number(assignment.travel_source),
            expires_ms: assignment.expires_ms.as_millis(),
            party_size: u32::from(assignment.party_size),
        }
    }
}

impl TryFrom<v1::TripAssignment> for TripAssignment {
    type Error = FieldError;

    fn try_from(wire: v1::TripAssignment) -> Result<Self, FieldError> {
        let position = |field, point| {
            LatLng::try_from(required(field, point)?).map_err(|error: FieldError| error.within(field))
        };
        Ok(Self {
            trip: trip_id(&wire.trip_id)?,
            state: trip_state(wire.state)?,
            pickup: position("pickup", wire.pickup)?,
            dropoff: position("dropoff", wire.dropoff)?,
            pickup_eta_s: wire.pickup_eta_s,
            travel_source: travel_source(wire.travel_source),
            expires_ms: Timestamp::from_millis(wire.expires_ms),
            party_size: party_size(wire.party_size)?,
        })
    }
}

impl TryFrom<v1::TripEnded> for DriverNotification {
    type Error = FieldError;

    fn try_from(wire: v1::TripEnded) -> Result<Self, FieldError> {
        let (trip, state) = (trip_id(&wire.trip_id)?, trip_state(wire.state)?);
        Ok(Self::Ended { trip, state, reason: wire.reason })
    }
}
