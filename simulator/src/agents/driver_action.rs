//! The actions of a driver on a trip, and their form on the wire.

use kerb_proto::convert::action_name;
use kerb_proto::v1;
use kerb_proto::v1::trip_action as wire;

/// An action of a driver on a trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DriverAction {
    /// Accepts the offer.
    Accept,
    /// Declines the offer.
    Decline,
    /// Reports the arrival at the pickup.
    Arrive,
    /// Reports that the rider is on board.
    PickUp,
    /// Reports the arrival at the drop-off.
    DropOff,
}

impl DriverAction {
    const ALL: [Self; 5] = [Self::Accept, Self::Decline, Self::Arrive, Self::PickUp, Self::DropOff];

    /// Returns the message that carries this action on a driver's stream.
    pub(crate) fn to_wire(self, trip_id: String) -> v1::TripAction {
        let action = match self {
            Self::Accept => wire::Action::Accept(v1::AcceptOffer {}),
            Self::Decline => wire::Action::Decline(v1::DeclineOffer { reason: "not now".to_owned() }),
            Self::Arrive => wire::Action::Arrived(v1::ArriveAtPickup {}),
            Self::PickUp => wire::Action::PickedUp(v1::PickUpRider {}),
            Self::DropOff => wire::Action::DroppedOff(v1::DropOffRider {}),
        };
        v1::TripAction { trip_id, action: Some(action) }
    }

    /// Returns the action that `result` answers; `None` when its name is unknown.
    pub(crate) fn from_result(result: &v1::ActionResult) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action_name(&action.to_wire(String::new())) == result.action)
    }
}
