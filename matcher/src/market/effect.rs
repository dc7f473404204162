//! What follows from a decision once its record is durable: notifications to drivers, and updates of watchers.

use kerb_ports::{DriverNotification, TripAssignment};
use kerb_trips::{CancelledBy, ReturnReason, TakeoverOffer, Trip, TripEvent, TripId, TripState};
use kerb_types::{DriverId, Timestamp};

use crate::market::trip_table::ReservedDrivers;

/// An effect of a durable record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A driver gets a notification.
    Notify {
        /// The driver to notify.
        driver: DriverId,
        /// The newest state of the trip, or its end for this driver.
        notification: DriverNotification,
    },
    /// A trip changed its state, and its watchers get the change.
    TripChanged {
        /// The changed trip.
        trip: TripId,
    },
}

/// Returns the effects of an event that the trip has just applied.
pub(super) fn effects_of(event: &TripEvent, trip: &Trip, reserved_before: &ReservedDrivers) -> Vec<Effect> {
    let mut effects = Vec::with_capacity(2);
    let concerned = match event {
        TripEvent::ReassignmentOffered { driver, .. } | TripEvent::ReassignmentReturned { driver, .. } => {
            Some(driver)
        }
        // Of a reassigned trip, this is the driver who lost it.
        _ => reserved_before.own.as_ref().or(trip.driver.as_ref()),
    };
    if let (Some(driver), Some(notification)) = (concerned, notification(event, trip)) {
        effects.push(Effect::Notify { driver: driver.clone(), notification });
    }
    // An event of the trip's own driver or rider withdraws an open takeover offer.
    if let Some(driver) =
        reserved_before.takeover.clone().filter(|_| event.required_takeover_driver().is_none())
    {
        effects.push(Effect::Notify { driver, notification: ended(trip, WITHDRAWN) });
    }
    if event.kind().is_step() {
        effects.push(Effect::TripChanged { trip: trip.id.clone() });
    }
    effects
}

const WITHDRAWN: &str = "the offer was withdrawn";

fn ended(trip: &Trip, reason: &str) -> DriverNotification {
    DriverNotification::Ended { trip: trip.id.clone(), state: trip.state, reason: reason.to_owned() }
}

/// Returns the notification of the driver whom the event concerns. A driver who caused the event gets none, because the
/// reply to the action is enough.
fn notification(event: &TripEvent, trip: &Trip) -> Option<DriverNotification> {
    let ended = |reason: &str| Some(ended(trip, reason));
    match event {
        TripEvent::Offered { driver, .. } | TripEvent::ReassignmentOffered { driver, .. } => {
            assignment(trip, driver)
        }
        TripEvent::OfferReturned { why, .. } | TripEvent::ReassignmentReturned { why, .. } => match why {
            ReturnReason::Declined { .. } => None,
            ReturnReason::Expired => ended("the offer expired"),
            ReturnReason::DriverDisconnected => ended("no stream of yours was open"),
            ReturnReason::Withdrawn => ended(WITHDRAWN),
            ReturnReason::DriverUnavailable => ended("you are not available"),
        },
        TripEvent::Reassigned { .. } => ended("a nearer driver took it over"),
        TripEvent::DriverLost { .. } => ended("you were away for too long"),
        TripEvent::Cancelled { by: CancelledBy::Rider, .. } => ended("the rider cancelled"),
        TripEvent::Cancelled { by: CancelledBy::Operator, .. } => ended("the operator cancelled"),
        _ => None,
    }
}

/// Returns the trip as a reserved driver sees it; a takeover offer looks like an offer. `None` if no driver is reserved for
/// the trip.
pub(super) fn assignment(trip: &Trip, driver: &DriverId) -> Option<DriverNotification> {
    let (state, offer) = match &trip.takeover_offer {
        Some(TakeoverOffer { driver: takeover, offer, .. }) if takeover == driver => {
            (TripState::Offered, *offer)
        }
        _ => (trip.state, trip.offer.filter(|_| trip.state.has_driver())?),
    };
    Some(DriverNotification::Assignment(Box::new(TripAssignment {
        trip: trip.id.clone(),
        state,
        pickup: trip.request.pickup,
        dropoff: trip.request.dropoff,
        pickup_eta_s: offer.pickup_eta_s,
        travel_source: offer.travel_source,
        expires_ms: if state == TripState::Offered { offer.expires_ms } else { Timestamp::default() },
        party_size: trip.request.party_size,
    })))
}
