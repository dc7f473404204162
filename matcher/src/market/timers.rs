//! The timers of trips: expiry of offers and waits, end of the reconnect graces, removal of ended trips. A trip has at
//! most one timer.

use kerb_trips::{ReturnReason, Trip, TripEvent, TripState};
use kerb_types::Timestamp;

use crate::market::Market;

impl Market {
    /// Handles every timer that is due.
    pub fn run_timers(&mut self, now: Timestamp) {
        while let Some((due_ms, number)) = self.trips.next_due()
            && due_ms <= now
        {
            match self.on_timeout(self.trips.entry(number).trip(), now, due_ms) {
                Some(event) => {
                    self.apply(now, number, event).expect("the state that set the timer allows its event");
                }
                None => self.trips.remove(&self.rules, number),
            }
        }
        self.trips.expire_keys(now);
    }

    /// Returns the time of the next timer, in milliseconds since the Unix epoch.
    pub fn next_due_ms(&self) -> Option<Timestamp> {
        self.trips.next_due().map(|(due_ms, _)| due_ms)
    }

    /// Returns the event of a timer that is due in this state; `None` if the trip has ended and must be removed.
    fn on_timeout(&self, trip: &Trip, now: Timestamp, due_ms: Timestamp) -> Option<TripEvent> {
        let driver = || trip.driver.clone().expect("a driver is reserved for it");
        match trip.state {
            TripState::Requested => Some(TripEvent::Expired),
            TripState::Offered => {
                Some(TripEvent::OfferReturned { driver: driver(), why: ReturnReason::Expired })
            }
            // Two timeouts share the timer: a takeover offer's and the reconnect grace's. The earlier one set it.
            TripState::EnRoute | TripState::Arrived
                if let Some(takeover) = &trip.takeover_offer
                    && takeover.offer.expires_ms <= due_ms =>
            {
                let driver = takeover.driver.clone();
                Some(TripEvent::ReassignmentReturned { driver, why: ReturnReason::Expired })
            }
            TripState::EnRoute | TripState::Arrived => Some(TripEvent::DriverLost { driver: driver() }),
            TripState::OnTrip => Some(self.drop_off(now, driver(), trip)),
            TripState::Completed | TripState::Expired | TripState::Cancelled => None,
        }
    }
}
