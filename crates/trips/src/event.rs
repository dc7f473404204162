//! The events of a trip.

use std::fmt;

use kerb_geometry::LatLng;
use serde::{Deserialize, Serialize};

use crate::finite;
use crate::request::{Receipt, RideRequest};
use kerb_types::TravelSource;
use kerb_types::{DriverId, Timestamp};

/// One event of a trip. [`TripState::after`](crate::TripState::after) defines in which state each event is legal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TripEvent {
    /// A rider requested the trip. It is the first event of every trip, and never a later one.
    Requested(Box<RideRequest>),
    /// The matcher offered the trip to a driver.
    Offered {
        /// The driver who receives the offer.
        driver: DriverId,
        /// Expected travel time to the pickup in seconds.
        pickup_eta_s: u32,
        /// The source of `pickup_eta_s`; `None` in a record that is older than this field.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        travel_source: Option<TravelSource>,
        /// The deadline for the driver's reply, in milliseconds since the Unix epoch.
        expires_ms: Timestamp,
    },
    /// The offer ended without acceptance. The trip waits again from its original request time. The matcher does not offer
    /// it again to a driver who declined it.
    OfferReturned {
        /// The driver who had the offer.
        driver: DriverId,
        /// Why the offer ended.
        why: ReturnReason,
    },
    /// The driver accepted the offer.
    Accepted {
        /// The trip's driver.
        driver: DriverId,
    },
    /// The matcher offered the trip to a second driver, who is nearer to the pickup. The trip's own driver keeps it and
    /// drives on until the second one accepts.
    ReassignmentOffered {
        /// The driver who receives the takeover offer.
        driver: DriverId,
        /// Expected travel time to the pickup in seconds.
        pickup_eta_s: u32,
        /// The source of `pickup_eta_s`.
        travel_source: TravelSource,
        /// The deadline for the driver's reply, in milliseconds since the Unix epoch.
        expires_ms: Timestamp,
    },
    /// The takeover offer ended without acceptance. The trip stays with its driver. The matcher does not offer it
    /// again to a second driver who declined it.
    ReassignmentReturned {
        /// The driver who had the takeover offer.
        driver: DriverId,
        /// Why the offer ended.
        why: ReturnReason,
    },
    /// The second driver accepted the takeover offer. The first driver is free.
    Reassigned {
        /// The new driver.
        driver: DriverId,
        /// The driver before.
        from: DriverId,
    },
    /// The driver was disconnected for longer than the reconnect grace, before the rider got in. The trip waits again from
    /// its original request time; its maximum wait starts anew.
    DriverLost {
        /// The driver who lost the trip.
        driver: DriverId,
    },
    /// The driver reported the arrival at the pickup.
    Arrived {
        /// The trip's driver.
        driver: DriverId,
    },
    /// The driver reported that the rider got in.
    PickedUp {
        /// The trip's driver.
        driver: DriverId,
        /// The position of the vehicle; `None` if the node did not have one.
        at: Option<LatLng>,
    },
    /// A checkpoint of the running meter, from which a restarted matcher continues. It does not change the state.
    Metered {
        /// Meters since the pick-up.
        #[serde(with = "finite")]
        distance_m: f64,
        /// The position at that distance.
        at: LatLng,
    },
    /// The driver reported that the rider got out.
    DroppedOff {
        /// The trip's driver.
        driver: DriverId,
        /// The bill of the ride.
        receipt: Box<Receipt>,
    },
    /// The rider's maximum wait ended without a driver.
    Expired,
    /// Rider, driver or operator cancelled the trip.
    Cancelled {
        /// The party that cancelled.
        by: CancelledBy,
        /// Free text of that party; may be empty.
        reason: String,
    },
}

/// The reason why an offer ended without acceptance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ReturnReason {
    /// The driver declined.
    Declined {
        /// Free text of the driver; may be empty.
        reason: String,
    },
    /// The driver did not reply before the deadline.
    Expired,
    /// The driver was disconnected.
    #[serde(rename = "driver_gone")]
    DriverDisconnected,
    /// The matcher withdrew the offer.
    Withdrawn,
    /// The driver reported a status other than AVAILABLE while the offer was open.
    DriverUnavailable,
}

/// The party that cancelled a trip.
///
/// The rider may cancel until the pick-up. The driver may cancel on the way to the pickup and while waiting there; before
/// that, the driver declines the offer instead. The operator may cancel any live trip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum CancelledBy {
    /// The rider who requested the trip.
    Rider,
    /// The driver of the trip.
    Driver {
        /// The driver's id.
        driver: DriverId,
    },
    /// The operator of the service.
    Operator,
}

/// The kinds of event that the table of transitions distinguishes.
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
    /// Returns the kind of the event.
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

    /// Returns the driver who must have the trip for the event to be legal. An offer has no such driver.
    pub fn required_driver(&self) -> Option<&DriverId> {
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

    /// Returns the driver who must have the takeover offer for the event to be legal.
    pub fn required_takeover_driver(&self) -> Option<&DriverId> {
        match self {
            Self::ReassignmentReturned { driver, .. } | Self::Reassigned { driver, .. } => Some(driver),
            _ => None,
        }
    }
}

impl EventKind {
    /// All kinds of event.
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

    /// Whether the event changes the state or the driver of a trip, so that it becomes a step that watchers see.
    pub fn is_step(self) -> bool {
        !matches!(self, Self::Metered | Self::ReassignmentOffered | Self::ReassignmentReturned)
    }

    /// Returns the name of the kind, as in errors and reports.
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
