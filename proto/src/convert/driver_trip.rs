//! A trip as a driver's app sees it: tasks down, actions up, and what the actions came to.

use kerb_geometry::LatLng;
use kerb_ports::{DriverAction, DriverNotification, TripAssignment};
use kerb_trips::{TripId, TripState};
use kerb_types::FieldError;
use kerb_types::limits::REASON_BYTES_MAX;
use tonic::{Code, Status};

use super::field::{refuse, required};
use super::public::{travel_source, travel_source_number};
use super::task::party_size;
use super::trip::{public_state, trip_id, trip_state};
use crate::v1;
use crate::v1::connect_response::Message;
use crate::v1::trip_action::Action;

/// What a driver does about a trip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// Which trip.
    pub trip: TripId,
    /// What.
    pub action: DriverAction,
}

impl From<&Act> for v1::TripAction {
    fn from(act: &Act) -> Self {
        let action = match &act.action {
            DriverAction::Accept => Action::Accept(v1::AcceptOffer {}),
            DriverAction::Decline { reason } => Action::Decline(v1::DeclineOffer { reason: reason.clone() }),
            DriverAction::Arrived => Action::Arrived(v1::Arrived {}),
            DriverAction::PickedUp => Action::PickedUp(v1::PickedUp {}),
            DriverAction::DroppedOff => Action::DroppedOff(v1::DroppedOff {}),
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
        // The words stand inside the action's own message.
        Ok(Self { trip, action: action.map_err(|error| error.within(name))? })
    }
}

/// The name of an action, as in `TripAction`; empty when it has none.
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

/// The action of a name; the words belong to those that have some.
pub(super) fn action_of(name: &str, reason: String) -> Result<DriverAction, FieldError> {
    if reason.len() > REASON_BYTES_MAX {
        let length = format_args!("{} bytes", reason.len());
        return Err(refuse("reason", length, format_args!("at most {REASON_BYTES_MAX}")));
    }
    match name {
        "accept" => Ok(DriverAction::Accept),
        "decline" => Ok(DriverAction::Decline { reason }),
        "arrived" => Ok(DriverAction::Arrived),
        "picked_up" => Ok(DriverAction::PickedUp),
        "dropped_off" => Ok(DriverAction::DroppedOff),
        "cancel" => Ok(DriverAction::Cancel { reason }),
        _ => {
            let right = "accept, decline, arrived, picked_up, dropped_off or cancel";
            Err(refuse("action", format_args!("{name:?}"), right))
        }
    }
}

/// The words of an action; empty for one without.
pub(super) fn reason_of(action: &DriverAction) -> &str {
    match action {
        DriverAction::Decline { reason } | DriverAction::Cancel { reason } => reason,
        _ => "",
    }
}

/// What an action came to, for the driver's app. Trip and action are named as the app named them.
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

/// The opposite of [`action_result`]: where the trip stands, or why the action was not taken. A result that says
/// neither is `INTERNAL`.
pub fn action_outcome(wire: &v1::ActionResult) -> Result<TripState, Status> {
    if wire.code != 0 {
        return Err(Status::new(Code::from_i32(wire.code), wire.message.clone()));
    }
    trip_state(wire.state).map_err(|error| Status::internal(error.to_string()))
}

impl From<&DriverNotification> for Message {
    fn from(news: &DriverNotification) -> Self {
        match news {
            DriverNotification::Assignment(task) => Self::Assignment((&**task).into()),
            DriverNotification::Ended { trip, state, reason } => Self::Ended(v1::TripEnded {
                trip_id: trip.to_string(),
                state: public_state(*state).into(),
                reason: reason.clone(),
            }),
        }
    }
}

impl From<&TripAssignment> for v1::TripAssignment {
    fn from(task: &TripAssignment) -> Self {
        Self {
            trip_id: task.trip.to_string(),
            state: public_state(task.state).into(),
            pickup: Some(task.pickup.into()),
            dropoff: Some(task.dropoff.into()),
            pickup_eta_s: task.pickup_eta_s,
            travel_source: travel_source_number(task.travel_source),
            expires_ms: task.expires_ms,
            party_size: u32::from(task.party_size),
        }
    }
}

impl TryFrom<v1::TripAssignment> for TripAssignment {
    type Error = FieldError;

    fn try_from(wire: v1::TripAssignment) -> Result<Self, FieldError> {
        let place = |field, point| {
            LatLng::try_from(required(field, point)?).map_err(|error: FieldError| error.within(field))
        };
        Ok(Self {
            trip: trip_id(&wire.trip_id)?,
            state: trip_state(wire.state)?,
            pickup: place("pickup", wire.pickup)?,
            dropoff: place("dropoff", wire.dropoff)?,
            pickup_eta_s: wire.pickup_eta_s,
            travel_source: travel_source(wire.travel_source),
            expires_ms: wire.expires_ms,
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
