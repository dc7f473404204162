//! What happens by itself: offers and waits run out, graces end, ended trips are forgotten. One timer a trip.

use kerb_trips::{ReturnReason, Trip, TripEvent, TripState};

use super::trip_table::Entry;
use super::{Market, Rules};

impl Market {
    /// Deals with all that is due.
    pub fn tick(&mut self, now_ms: i64) {
        while let Some((due_ms, number)) = self.due.first().copied()
            && due_ms <= now_ms
        {
            match on_timeout(&self.trips[&number].trip, due_ms) {
                Some(event) => {
                    self.put(now_ms, number, event).expect("the state that set the timer takes its event");
                }
                None => self.forget(number),
            }
        }
    }

    /// When [`Market::tick`] has something to do.
    pub fn next_due_ms(&self) -> Option<i64> {
        self.due.first().map(|(due_ms, _)| *due_ms)
    }

    /// Sets the timer of a trip by its state.
    pub(super) fn set_due(&mut self, number: u64) {
        let entry = self.trips.get_mut(&number).expect("the caller has just changed it");
        let due_ms = due_of(entry, &self.rules);
        if let Some(before_ms) = std::mem::replace(&mut entry.due_ms, due_ms) {
            self.due.remove(&(before_ms, number));
        }
        if let Some(due_ms) = due_ms {
            self.due.insert((due_ms, number));
        }
    }

    fn forget(&mut self, number: u64) {
        let entry = self.trips.remove(&number).expect("it has a timer");
        self.due.remove(&(entry.due_ms.expect("it was due"), number));
        self.keys.remove(&(entry.trip.request.rider, entry.trip.request.key));
    }
}

fn due_of(entry: &Entry, rules: &Rules) -> Option<i64> {
    let trip = &entry.trip;
    match trip.state {
        TripState::Requested => Some(wait_until_ms(trip, rules)),
        TripState::Offered => trip.offer.map(|offer| offer.expires_ms),
        TripState::EnRoute | TripState::Arrived => {
            let grace_ends_ms = entry.away_since_ms.map(|since| since + rules.reconnect_grace_ms);
            let asked_until_ms = trip.takeover_offer.as_ref().map(|asked| asked.offer.expires_ms);
            grace_ends_ms.into_iter().chain(asked_until_ms).min()
        }
        // The rider is in the vehicle: nobody else can end this.
        TripState::OnTrip => None,
        TripState::Completed | TripState::Expired | TripState::Cancelled => {
            trip.times.ended_ms.map(|ended_ms| ended_ms + rules.ended_kept_ms)
        }
    }
}

/// The wait that was asked for, from the request or from the loss of a driver, which is no fault of the rider's.
fn wait_until_ms(trip: &Trip, rules: &Rules) -> i64 {
    let wait_max_ms = trip.request.wait_max_ms;
    match trip.driver_lost_ms() {
        None => trip.times.requested_ms.saturating_add(wait_max_ms),
        Some(lost_ms) => lost_ms.saturating_add(wait_max_ms.max(rules.lost_wait_min_ms)),
    }
}

/// What a timer means in this state that was set for then; `None`: the trip is over and can be forgotten.
fn on_timeout(trip: &Trip, due_ms: i64) -> Option<TripEvent> {
    let driver = || trip.driver.clone().expect("a driver is promised to it");
    match trip.state {
        TripState::Requested => Some(TripEvent::Expired),
        TripState::Offered => Some(TripEvent::OfferReturned { driver: driver(), why: ReturnReason::Expired }),
        TripState::EnRoute | TripState::Arrived
            if let Some(asked) = &trip.takeover_offer
                && asked.offer.expires_ms <= due_ms =>
        {
            Some(TripEvent::ReassignmentReturned { driver: asked.driver.clone(), why: ReturnReason::Expired })
        }
        TripState::EnRoute | TripState::Arrived => Some(TripEvent::DriverLost { driver: driver() }),
        TripState::OnTrip => unreachable!("no timer runs while the rider is in the vehicle"),
        TripState::Completed | TripState::Expired | TripState::Cancelled => None,
    }
}
