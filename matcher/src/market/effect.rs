//! What is to be told once a record is durable.

use kerb_ports::{DriverNotification, TripAssignment};
use kerb_trips::{CancelledBy, ReturnReason, TakeoverOffer, Trip, TripEvent, TripId, TripState};
use kerb_types::DriverId;

use super::trip_table::ReservedDrivers;

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A driver is to know this.
    Tell {
        /// Whom.
        driver: DriverId,
        /// What.
        news: DriverNotification,
    },
    /// A trip changed its state: for those who watch it.
    Changed {
        /// Which.
        trip: TripId,
    },
}

/// What follows from an event that a trip has taken, to which these drivers were promised before.
pub(super) fn of(event: &TripEvent, trip: &Trip, before: &ReservedDrivers) -> Vec<Effect> {
    let mut effects = Vec::with_capacity(2);
    let concerned = match event {
        TripEvent::ReassignmentOffered { driver, .. } | TripEvent::ReassignmentReturned { driver, .. } => {
            Some(driver)
        }
        _ => before.own.as_ref().or(trip.driver.as_ref()),
    };
    if let (Some(driver), Some(news)) = (concerned, news(event, trip)) {
        effects.push(Effect::Tell { driver: driver.clone(), news });
    }
    if let Some(driver) = before.asked.clone().filter(|_| event.required_takeover_driver().is_none()) {
        effects.push(Effect::Tell { driver, news: over(trip, WITHDRAWN) });
    }
    if event.kind().is_step() {
        effects.push(Effect::Changed { trip: trip.id.clone() });
    }
    effects
}

const WITHDRAWN: &str = "the offer was withdrawn";

fn over(trip: &Trip, why: &str) -> DriverNotification {
    DriverNotification::Ended { trip: trip.id.clone(), state: trip.state, reason: why.to_owned() }
}

/// What the driver whom the event concerns is to know: of a trip that was taken over, the one who had it. Who did it is
/// not told: the answer says it.
fn news(event: &TripEvent, trip: &Trip) -> Option<DriverNotification> {
    let over = |why: &str| Some(over(trip, why));
    match event {
        TripEvent::Offered { driver, .. } | TripEvent::ReassignmentOffered { driver, .. } => {
            task(trip, driver)
        }
        TripEvent::OfferReturned { why, .. } | TripEvent::ReassignmentReturned { why, .. } => match why {
            ReturnReason::Declined { .. } => None,
            ReturnReason::Expired => over("the offer expired"),
            ReturnReason::DriverDisconnected => over("no stream of yours was open"),
            ReturnReason::Withdrawn => over(WITHDRAWN),
        },
        TripEvent::Reassigned { .. } => over("a nearer driver took it over"),
        TripEvent::DriverLost { .. } => over("you were away for too long"),
        TripEvent::Cancelled { by: CancelledBy::Rider, .. } => over("the rider cancelled"),
        TripEvent::Cancelled { by: CancelledBy::Operator, .. } => over("the operator cancelled"),
        _ => None,
    }
}

/// The trip as a driver is to see it who is promised to it: for who is asked to take it over it is an offer. `None` when
/// no driver is promised to it.
pub(super) fn task(trip: &Trip, driver: &DriverId) -> Option<DriverNotification> {
    let (state, offer) = match &trip.takeover_offer {
        Some(TakeoverOffer { driver: asked, offer, .. }) if asked == driver => (TripState::Offered, *offer),
        _ => (trip.state, trip.offer.filter(|_| trip.state.has_driver())?),
    };
    Some(DriverNotification::Assignment(Box::new(TripAssignment {
        trip: trip.id.clone(),
        state,
        pickup: trip.request.pickup,
        dropoff: trip.request.dropoff,
        pickup_eta_s: offer.pickup_eta_s,
        travel_source: offer.travel_source,
        expires_ms: if state == TripState::Offered { offer.expires_ms } else { 0 },
        party_size: trip.request.party_size,
    })))
}
