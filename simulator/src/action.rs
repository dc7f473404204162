//! What drivers do with a trip, and how the wire says it.

use kerb_proto::convert::action_name;
use kerb_proto::v1;
use kerb_proto::v1::trip_action as wire;

/// What a driver does with a trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Takes the offer.
    Accept,
    /// Does not take it.
    Decline,
    /// Is at the pickup.
    Arrive,
    /// Has the rider on board.
    PickUp,
    /// Is at the drop-off.
    DropOff,
}

impl Action {
    const ALL: [Self; 5] = [Self::Accept, Self::Decline, Self::Arrive, Self::PickUp, Self::DropOff];

    /// As a driver's stream carries it.
    pub(crate) fn on(self, trip_id: String) -> v1::TripAction {
        let action = match self {
            Self::Accept => wire::Action::Accept(v1::AcceptOffer {}),
            Self::Decline => wire::Action::Decline(v1::DeclineOffer { reason: "not now".to_owned() }),
            Self::Arrive => wire::Action::Arrived(v1::ArriveAtPickup {}),
            Self::PickUp => wire::Action::PickedUp(v1::PickUpRider {}),
            Self::DropOff => wire::Action::DroppedOff(v1::DropOffRider {}),
        };
        v1::TripAction { trip_id, action: Some(action) }
    }

    /// The action of which this is the result; `None` for a name that is none of them.
    pub(crate) fn of(result: &v1::ActionResult) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action_name(&action.on(String::new())) == result.action)
    }
}
