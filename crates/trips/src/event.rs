//! What can happen to a trip.

use std::fmt;

use kerb_geometry::LatLng;
use serde::{Deserialize, Serialize};

use crate::request::{Receipt, RideRequest, finite};
use kerb_types::DriverId;
use kerb_types::TravelSource;

/// What happened to a trip. When each is possible says [`TripState::after`](crate::TripState::after).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TripEvent {
    /// A rider asked. The first event of every trip, and of no other.
    Requested(Box<RideRequest>),
    /// The trip was put before a driver.
    Offered {
        /// Whom.
        driver: DriverId,
        /// Expected seconds to the pickup.
        pickup_eta_s: u32,
        /// What that was computed from; `None` in a record that is older than this field.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        travel_source: Option<TravelSource>,
        /// Until when the driver may accept, milliseconds since the Unix epoch.
        expires_ms: i64,
    },
    /// The offer came to nothing. The trip waits on with its age, and is not offered to this driver again.
    OfferReturned {
        /// Whose offer.
        driver: DriverId,
        /// Why.
        why: ReturnReason,
    },
    /// The driver takes the trip.
    Accepted {
        /// Who.
        driver: DriverId,
    },
    /// Another driver, nearer to the pickup, was asked to take the trip over. Its own driver keeps it and drives on.
    ReassignmentOffered {
        /// Whom.
        driver: DriverId,
        /// Expected seconds to the pickup.
        pickup_eta_s: u32,
        /// What that was computed from.
        travel_source: TravelSource,
        /// Until when the driver may accept, milliseconds since the Unix epoch.
        expires_ms: i64,
    },
    /// That came to nothing. The trip stays its own driver's, and is not offered to this one again.
    ReassignmentReturned {
        /// Who was asked.
        driver: DriverId,
        /// Why.
        why: ReturnReason,
    },
    /// The driver who was asked takes the trip, and who had it is free.
    Reassigned {
        /// Whose it is now.
        driver: DriverId,
        /// Whose it was.
        from: DriverId,
    },
    /// The driver was away for longer than is waited for, before the rider got in. The trip waits again, with its age;
    /// how long at most counts from now.
    DriverLost {
        /// Who.
        driver: DriverId,
    },
    /// The driver is at the pickup.
    Arrived {
        /// Who.
        driver: DriverId,
    },
    /// The rider got in.
    PickedUp {
        /// With whom.
        driver: DriverId,
        /// Where, when the driver told.
        at: Option<LatLng>,
    },
    /// A checkpoint of the running meter: what a restart goes on from. Not a change of state.
    Metered {
        /// Meters since the pick-up.
        #[serde(serialize_with = "finite")]
        distance_m: f64,
        /// Where they end.
        at: LatLng,
    },
    /// The rider got out.
    DroppedOff {
        /// With whom.
        driver: DriverId,
        /// What is charged and paid.
        receipt: Box<Receipt>,
    },
    /// The rider's longest wait is over.
    Expired,
    /// Called off.
    Cancelled {
        /// By whom.
        by: CancelledBy,
        /// Their words.
        reason: String,
    },
}

/// Why an offer came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ReturnReason {
    /// The driver said no.
    Declined {
        /// The driver's words.
        reason: String,
    },
    /// The driver did not answer in time.
    Expired,
    /// The driver was not there.
    DriverGone,
    /// The matcher took it back.
    Withdrawn,
}

/// Who called a trip off.
///
/// The rider may until being picked up; the driver while under way to the pickup or waiting there (before, there is an
/// offer to decline); the operator whenever the trip is live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum CancelledBy {
    /// Who asked for it.
    Rider,
    /// Who took it.
    Driver {
        /// Who.
        driver: DriverId,
    },
    /// Who runs the service.
    Operator,
}

/// The kinds of event that the table of states tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the event of its name")]
pub enum EventKind {
    Requested,
    Offered,
    OfferReturned,
    Accepted,
    ReassignmentOffered,
    ReassignmentReturned,
    Reassigned,
    DriverLost,
    Arrived,
    PickedUp,
    Metered,
    DroppedOff,
    Expired,
    CancelledByRider,
    CancelledByDriver,
    CancelledByOperator,
}

impl TripEvent {
    /// Its kind.
    pub fn kind(&self) -> EventKind {
        match self {
            Self::Requested(_) => EventKind::Requested,
            Self::Offered { .. } => EventKind::Offered,
            Self::OfferReturned { .. } => EventKind::OfferReturned,
            Self::Accepted { .. } => EventKind::Accepted,
            Self::ReassignmentOffered { .. } => EventKind::ReassignmentOffered,
            Self::ReassignmentReturned { .. } => EventKind::ReassignmentReturned,
            Self::Reassigned { .. } => EventKind::Reassigned,
            Self::DriverLost { .. } => EventKind::DriverLost,
            Self::Arrived { .. } => EventKind::Arrived,
            Self::PickedUp { .. } => EventKind::PickedUp,
            Self::Metered { .. } => EventKind::Metered,
            Self::DroppedOff { .. } => EventKind::DroppedOff,
            Self::Expired => EventKind::Expired,
            Self::Cancelled { by, .. } => match by {
                CancelledBy::Rider => EventKind::CancelledByRider,
                CancelledBy::Driver { .. } => EventKind::CancelledByDriver,
                CancelledBy::Operator => EventKind::CancelledByOperator,
            },
        }
    }

    /// The driver whose trip this must be for the event to be possible. An offer makes it so and needs none.
    pub fn of_driver(&self) -> Option<&DriverId> {
        match self {
            Self::OfferReturned { driver, .. }
            | Self::Accepted { driver }
            | Self::Reassigned { from: driver, .. }
            | Self::DriverLost { driver }
            | Self::Arrived { driver }
            | Self::PickedUp { driver, .. }
            | Self::DroppedOff { driver, .. }
            | Self::Cancelled { by: CancelledBy::Driver { driver }, .. } => Some(driver),
            _ => None,
        }
    }

    /// The driver who must be asked to take the trip over for the event to be possible.
    pub fn of_asked(&self) -> Option<&DriverId> {
        match self {
            Self::ReassignmentReturned { driver, .. } | Self::Reassigned { driver, .. } => Some(driver),
            _ => None,
        }
    }
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Requested,
        Self::Offered,
        Self::OfferReturned,
        Self::Accepted,
        Self::ReassignmentOffered,
        Self::ReassignmentReturned,
        Self::Reassigned,
        Self::DriverLost,
        Self::Arrived,
        Self::PickedUp,
        Self::Metered,
        Self::DroppedOff,
        Self::Expired,
        Self::CancelledByRider,
        Self::CancelledByDriver,
        Self::CancelledByOperator,
    ];

    /// Changes the state or the driver of a trip, so that who watches it is told.
    pub fn is_step(self) -> bool {
        !matches!(self, Self::Metered | Self::ReassignmentOffered | Self::ReassignmentReturned)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Offered => "offered",
            Self::OfferReturned => "offer_returned",
            Self::Accepted => "accepted",
            Self::ReassignmentOffered => "reassignment_offered",
            Self::ReassignmentReturned => "reassignment_returned",
            Self::Reassigned => "reassigned",
            Self::DriverLost => "driver_lost",
            Self::Arrived => "arrived",
            Self::PickedUp => "picked_up",
            Self::Metered => "metered",
            Self::DroppedOff => "dropped_off",
            Self::Expired => "expired",
            Self::CancelledByRider => "cancelled_by_rider",
            Self::CancelledByDriver => "cancelled_by_driver",
            Self::CancelledByOperator => "cancelled_by_operator",
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
