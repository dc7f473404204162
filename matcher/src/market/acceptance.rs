//! Explains to a driver why an offer can no longer be accepted.

use kerb_trips::{ReturnReason, StepNote, Trip, TripState, TripStep};
use kerb_types::{DriverId, Timestamp};

use crate::error::MatcherError;

/// Rejects the acceptance of an offer that has ended. An acceptance of an open offer passes, and so does a repeated one.
pub(super) fn check_offer_open(now: Timestamp, driver: &DriverId, trip: &Trip) -> Result<(), MatcherError> {
    let id = &trip.id;
    let ended = |text: String| Err(MatcherError::FailedPrecondition(text));
    let is_own = trip.driver.as_ref() == Some(driver);
    let offer = match &trip.takeover_offer {
        Some(takeover) if takeover.driver == *driver => Some(takeover.offer),
        _ => trip.offer.filter(|_| trip.state == TripState::Offered && is_own),
    };
    if let Some(offer) = offer {
        // The timer that returns the offer may run after this call.
        if now >= offer.expires_ms {
            return ended(format!("the offer of trip {id} expired {} ms ago", now - offer.expires_ms));
        }
        return Ok(());
    }
    if is_own && trip.times.accepted_ms.is_some() && trip.state != TripState::Cancelled {
        return Ok(());
    }
    if !trip.state.is_live() {
        let ended_ms = trip.times.ended_ms.unwrap_or(now);
        return ended(format!(
            "trip {id} is {} since {} ms, its offers have ended",
            trip.state,
            now - ended_ms
        ));
    }
    match trip.steps.iter().rev().find_map(|step| return_of(step, driver)) {
        Some((at_ms, why)) => {
            ended(format!("the offer of trip {id} ended {} ms ago: {}", now - at_ms, cause(why)))
        }
        None => ended(format!("driver {driver} has no open offer of trip {id}")),
    }
}

/// Returns when and why an offer to the driver was returned, if the step is that.
fn return_of<'a>(step: &'a TripStep, driver: &DriverId) -> Option<(Timestamp, &'a ReturnReason)> {
    match &step.note {
        StepNote::OfferReturned { why } if step.driver.as_ref() == Some(driver) => Some((step.at_ms, why)),
        _ => None,
    }
}

fn cause(why: &ReturnReason) -> &'static str {
    match why {
        ReturnReason::Declined { .. } => "the driver declined it",
        ReturnReason::Expired => "there was no answer before its deadline",
        ReturnReason::DriverDisconnected => "the driver was disconnected",
        ReturnReason::Withdrawn => "the matcher withdrew it",
        ReturnReason::DriverUnavailable => "the driver reported a status other than AVAILABLE",
    }
}
