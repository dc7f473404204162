//! The time of a trip's timer.

use kerb_trips::{Trip, TripState};

use crate::market::rules::Rules;
use crate::market::trip_table::entry::TripEntry;

/// Returns the time of the trip's timer by its state, in milliseconds since the Unix epoch; `None` without a timer.
pub(super) fn due_ms(entry: &TripEntry, rules: &Rules) -> Option<i64> {
    let trip = &entry.trip;
    match trip.state {
        TripState::Requested => Some(wait_until_ms(trip, rules)),
        TripState::Offered => trip.offer.map(|offer| offer.expires_ms),
        TripState::EnRoute | TripState::Arrived => {
            let grace_ends_ms =
                entry.disconnected_since_ms.map(|since_ms| since_ms.saturating_add(rules.reconnect_grace_ms));
            let takeover_expires_ms = trip.takeover_offer.as_ref().map(|takeover| takeover.offer.expires_ms);
            grace_ends_ms.into_iter().chain(takeover_expires_ms).min()
        }
        // With the rider in the vehicle, only the driver or the operator ends the trip.
        TripState::OnTrip => None,
        TripState::Completed | TripState::Expired | TripState::Cancelled => {
            trip.times.ended_ms.map(|ended_ms| ended_ms.saturating_add(rules.ended_kept_ms))
        }
    }
}

/// Returns the end of a request's wait. The wait starts with the request, and again when its driver is lost, because that
/// is not the rider's fault.
fn wait_until_ms(trip: &Trip, rules: &Rules) -> i64 {
    let wait_max_ms = trip.request.wait_max_ms;
    match trip.driver_lost_ms() {
        None => trip.times.requested_ms.saturating_add(wait_max_ms),
        Some(lost_ms) => lost_ms.saturating_add(wait_max_ms.max(rules.lost_wait_min_ms)),
    }
}
