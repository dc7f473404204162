//! What is to be told once a record is durable.

use kerb_fleet::{
    CancelledBy, DriverId, DriverNews, DriverTask, ReturnReason, Trip, TripEvent, TripId, TripState,
};

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A driver is to know this.
    Tell {
        /// Whom.
        driver: DriverId,
        /// What.
        news: DriverNews,
    },
    /// A trip changed its state: for those who watch it.
    Changed {
        /// Which.
        trip: TripId,
    },
}

/// What follows from an event that a trip has taken.
pub(super) fn of(event: &TripEvent, trip: &Trip, before: Option<&DriverId>) -> Vec<Effect> {
    let mut effects = Vec::with_capacity(2);
    if let (Some(driver), Some(news)) = (before.or(trip.driver.as_ref()), news(event, trip)) {
        effects.push(Effect::Tell { driver: driver.clone(), news });
    }
    if !matches!(event, TripEvent::Metered { .. }) {
        effects.push(Effect::Changed { trip: trip.id.clone() });
    }
    effects
}

/// What the driver of the trip is to know. Who did it is not told: the answer says it.
fn news(event: &TripEvent, trip: &Trip) -> Option<DriverNews> {
    let over =
        |why: &str| Some(DriverNews::Over { trip: trip.id.clone(), state: trip.state, why: why.to_owned() });
    match event {
        TripEvent::Offered { .. } => task(trip),
        TripEvent::OfferReturned { why: ReturnReason::Expired, .. } => over("the offer expired"),
        TripEvent::OfferReturned { why: ReturnReason::DriverGone, .. } => over("no stream of yours was open"),
        TripEvent::OfferReturned { why: ReturnReason::Withdrawn, .. } => over("the offer was withdrawn"),
        TripEvent::DriverLost { .. } => over("you were away for too long"),
        TripEvent::Cancelled { by: CancelledBy::Rider, .. } => over("the rider cancelled"),
        TripEvent::Cancelled { by: CancelledBy::Operator, .. } => over("the operator cancelled"),
        _ => None,
    }
}

/// The trip as its driver is to see it; `None` when no driver is promised to it.
pub(super) fn task(trip: &Trip) -> Option<DriverNews> {
    let offer = trip.offer.filter(|_| trip.state.has_driver())?;
    Some(DriverNews::Task(Box::new(DriverTask {
        trip: trip.id.clone(),
        state: trip.state,
        pickup: trip.request.pickup,
        dropoff: trip.request.dropoff,
        pickup_eta_s: offer.pickup_eta_s,
        travel_source: offer.travel_source,
        expires_ms: if trip.state == TripState::Offered { offer.expires_ms } else { 0 },
        party_size: trip.request.party_size,
    })))
}
