//! A strict checker of random histories: derives the reservations from the events alone.

use std::collections::HashMap;

use kerb_trips::{TripEvent, TripId, TripState};
use kerb_types::DriverId;

/// The reservations and trips of a journal, derived from its events.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) trip_of: HashMap<DriverId, TripId>,
    driver_of: HashMap<TripId, DriverId>,
    /// The driver with a takeover offer of each trip.
    takeover_of: HashMap<TripId, DriverId>,
    pub(crate) reassigned: usize,
    ended: HashMap<TripId, TripState>,
    pub(crate) reached: HashMap<TripId, Vec<TripState>>,
}

impl Ledger {
    pub(crate) fn read(&mut self, trip: &TripId, event: &TripEvent) {
        assert!(!self.ended.contains_key(trip), "{trip} had ended before {event:?}");
        let (state, ends) = match event {
            TripEvent::Requested(_) => (TripState::Requested, false),
            TripEvent::Offered { driver, .. } => {
                assert_eq!(
                    self.trip_of.insert(driver.clone(), trip.clone()),
                    None,
                    "{driver} is reserved twice"
                );
                assert_eq!(
                    self.driver_of.insert(trip.clone(), driver.clone()),
                    None,
                    "{trip} is reserved twice"
                );
                (TripState::Offered, false)
            }
            TripEvent::OfferReturned { .. } | TripEvent::DriverLost { .. } => {
                self.free(trip);
                (TripState::Requested, false)
            }
            TripEvent::ReassignmentOffered { driver, .. } => {
                let previous = self.trip_of.insert(driver.clone(), trip.clone());
                assert_eq!(previous, None, "{driver} is reserved twice");
                let previous = self.takeover_of.insert(trip.clone(), driver.clone());
                assert_eq!(previous, None, "{trip} has two takeover offers");
                assert!(self.driver_of.contains_key(trip), "{trip} has no driver");
                (TripState::EnRoute, false)
            }
            TripEvent::ReassignmentReturned { driver, .. } => {
                assert_eq!(self.takeover_of.remove(trip).as_ref(), Some(driver));
                self.trip_of.remove(driver);
                (TripState::EnRoute, false)
            }
            TripEvent::Reassigned { driver, from } => {
                self.reassigned += 1;
                assert_eq!(self.takeover_of.remove(trip).as_ref(), Some(driver));
                assert_eq!(self.driver_of.insert(trip.clone(), driver.clone()).as_ref(), Some(from));
                assert_eq!(self.trip_of.remove(from).as_ref(), Some(trip));
                (TripState::EnRoute, false)
            }
            TripEvent::Accepted { .. } => (TripState::EnRoute, false),
            TripEvent::Arrived { .. } => {
                self.withdraw_takeover(trip);
                (TripState::Arrived, false)
            }
            TripEvent::PickedUp { .. } | TripEvent::Metered { .. } => {
                self.withdraw_takeover(trip);
                (TripState::OnTrip, false)
            }
            TripEvent::DroppedOff { .. } => (TripState::Completed, true),
            TripEvent::Expired => (TripState::Expired, true),
            TripEvent::Cancelled { .. } => (TripState::Cancelled, true),
        };
        self.reached.entry(trip.clone()).or_default().push(state);
        if ends {
            self.free(trip);
            self.ended.insert(trip.clone(), state);
        }
    }

    /// Ends a takeover offer, because the trip is no longer en route.
    fn withdraw_takeover(&mut self, trip: &TripId) {
        if let Some(driver) = self.takeover_of.remove(trip) {
            assert_eq!(self.trip_of.remove(&driver).as_ref(), Some(trip));
        }
    }

    fn free(&mut self, trip: &TripId) {
        self.withdraw_takeover(trip);
        if let Some(driver) = self.driver_of.remove(trip) {
            assert_eq!(self.trip_of.remove(&driver).as_ref(), Some(trip));
        }
    }
}
