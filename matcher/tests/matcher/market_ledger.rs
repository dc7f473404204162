//! The judge of random histories: who is promised to whom, from events alone, strictly.

use std::collections::HashMap;

use kerb_trips::{TripEvent, TripId, TripState};
use kerb_types::DriverId;

/// What a reader who knows only events makes of the journals.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) trip_of: HashMap<DriverId, TripId>,
    driver_of: HashMap<TripId, DriverId>,
    /// Who is asked to take it over.
    asked_of: HashMap<TripId, DriverId>,
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
                    "{driver} is promised twice"
                );
                assert_eq!(
                    self.driver_of.insert(trip.clone(), driver.clone()),
                    None,
                    "{trip} is promised twice"
                );
                (TripState::Offered, false)
            }
            TripEvent::OfferReturned { .. } | TripEvent::DriverLost { .. } => {
                self.free(trip);
                (TripState::Requested, false)
            }
            TripEvent::ReassignmentOffered { driver, .. } => {
                let two = self.trip_of.insert(driver.clone(), trip.clone());
                assert_eq!(two, None, "{driver} is promised twice");
                let two = self.asked_of.insert(trip.clone(), driver.clone());
                assert_eq!(two, None, "two are asked to take {trip} over");
                assert!(self.driver_of.contains_key(trip), "nobody has {trip} to take over from");
                (TripState::EnRoute, false)
            }
            TripEvent::ReassignmentReturned { driver, .. } => {
                assert_eq!(self.asked_of.remove(trip).as_ref(), Some(driver));
                self.trip_of.remove(driver);
                (TripState::EnRoute, false)
            }
            TripEvent::Reassigned { driver, from } => {
                self.reassigned += 1;
                assert_eq!(self.asked_of.remove(trip).as_ref(), Some(driver));
                assert_eq!(self.driver_of.insert(trip.clone(), driver.clone()).as_ref(), Some(from));
                assert_eq!(self.trip_of.remove(from).as_ref(), Some(trip));
                (TripState::EnRoute, false)
            }
            TripEvent::Accepted { .. } => (TripState::EnRoute, false),
            TripEvent::Arrived { .. } => {
                self.ask_no_more(trip);
                (TripState::Arrived, false)
            }
            TripEvent::PickedUp { .. } | TripEvent::Metered { .. } => {
                self.ask_no_more(trip);
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

    /// The trip is not only under way to its pickup any more: the query is void.
    fn ask_no_more(&mut self, trip: &TripId) {
        if let Some(driver) = self.asked_of.remove(trip) {
            assert_eq!(self.trip_of.remove(&driver).as_ref(), Some(trip));
        }
    }

    fn free(&mut self, trip: &TripId) {
        self.ask_no_more(trip);
        if let Some(driver) = self.driver_of.remove(trip) {
            assert_eq!(self.trip_of.remove(&driver).as_ref(), Some(trip));
        }
    }
}
