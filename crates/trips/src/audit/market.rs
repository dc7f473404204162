//! One market's journal, in its order.

use std::collections::HashMap;

use super::across::Promises;
use super::violation::Wrong;
use super::{Findings, Place};
use crate::event::TripEvent;
use crate::id::{IdempotencyKey, RiderId, TripId};
use crate::illegal::IllegalEvent;
use crate::machine::{Outcome, Trip};
use crate::record::{Change, Record, Version};
use crate::request::RideRequest;
use crate::state::TripState;
use kerb_types::DriverId;

/// What is known of a market so far.
#[derive(Debug, Default)]
pub(super) struct MarketAudit {
    version: Version,
    trips: HashMap<u64, Known>,
    /// The trip to which a driver is promised.
    promised: HashMap<DriverId, TripId>,
    /// The live trip of a request.
    requests: HashMap<(RiderId, IdempotencyKey), TripId>,
}

#[derive(Debug)]
enum Known {
    Live(Box<Trip>),
    Ended(TripState),
}

impl MarketAudit {
    pub(super) fn live(&self) -> u64 {
        self.trips.values().filter(|known| matches!(known, Known::Live(_))).count() as u64
    }

    pub(super) fn read(
        &mut self,
        place: Place<'_>,
        record: &Record,
        findings: &mut Findings,
        promises: &mut Promises,
    ) {
        findings.summary.records += 1;
        let expected = self.version + 1;
        if place.version != expected {
            findings.add(place.market, place.version, None, Wrong::VersionGap { expected });
        }
        self.version = place.version;
        for change in &record.changes {
            let Change::Trip { trip, event } = change else { continue };
            let wrong = if trip.market == *place.market {
                self.take(place, trip, event, findings, promises)
            } else {
                Err(Wrong::ForeignTrip)
            };
            if let Err(wrong) = wrong {
                findings.add(place.market, place.version, Some(trip), wrong);
            }
        }
    }

    /// Takes an event into the picture, as far as it can be true.
    fn take(
        &mut self,
        place: Place<'_>,
        id: &TripId,
        event: &TripEvent,
        findings: &mut Findings,
        promises: &mut Promises,
    ) -> Result<(), Wrong> {
        let trip = match (self.trips.get_mut(&id.number), event) {
            (None, TripEvent::Requested(request)) => {
                findings.summary.trips += 1;
                return self.begin(place, id, request);
            }
            (Some(_), TripEvent::Requested(_)) => return Err(Wrong::RequestedTwice),
            (None, _) => return Err(Wrong::NeverRequested { event: event.kind() }),
            (Some(Known::Ended(state)), _) => {
                return Err(Wrong::AfterTheEnd { event: event.kind(), state: *state });
            }
            (Some(Known::Live(trip)), _) => trip,
        };
        let before: Vec<DriverId> = trip.promised().cloned().collect();
        match trip.apply(event, place.at_ms) {
            Err(illegal) => return Err(wrong_of(trip, event, illegal)),
            Ok(Outcome::Repeated) => findings.summary.repeated += 1,
            Ok(Outcome::Changed) => {}
        }
        if !is_receipt_right(trip) {
            findings.add(place.market, place.version, Some(id), Wrong::WrongReceipt);
        }
        let state = trip.state;
        let now: Vec<DriverId> = trip.promised().cloned().collect();
        if !state.is_live() {
            self.end(id, state, findings);
        }
        self.promise(place, id, &before, &now, promises)
    }

    fn begin(&mut self, place: Place<'_>, id: &TripId, request: &RideRequest) -> Result<(), Wrong> {
        let trip = Trip::requested(id.clone(), request.clone(), place.at_ms);
        self.trips.insert(id.number, Known::Live(Box::new(trip)));
        let key = (request.rider.clone(), request.key.clone());
        let other = self.requests.insert(key, id.clone());
        other.map_or(Ok(()), |other| Err(Wrong::OneRequestTwoTrips { other }))
    }

    /// Forgets all of an ended trip but how it ended.
    fn end(&mut self, id: &TripId, state: TripState, findings: &mut Findings) {
        if let Some(Known::Live(trip)) = self.trips.insert(id.number, Known::Ended(state)) {
            let key = (trip.request.rider, trip.request.key);
            if self.requests.get(&key) == Some(id) {
                self.requests.remove(&key);
            }
        }
        let summary = &mut findings.summary;
        match state {
            TripState::Completed => summary.completed += 1,
            TripState::Expired => summary.expired += 1,
            _ => summary.cancelled += 1,
        }
    }

    /// The trip's own driver and who is asked to take it over were `before`, and are `now`.
    fn promise(
        &mut self,
        place: Place<'_>,
        id: &TripId,
        before: &[DriverId],
        now: &[DriverId],
        promises: &mut Promises,
    ) -> Result<(), Wrong> {
        for driver in before.iter().filter(|driver| !now.contains(driver)) {
            promises.end(driver, id, place.at_ms);
            if self.promised.get(driver) == Some(id) {
                self.promised.remove(driver);
            }
        }
        for driver in now.iter().filter(|driver| !before.contains(driver)) {
            promises.begin(driver, id, place);
            if let Some(other) = self.promised.get(driver) {
                return Err(Wrong::OneDriverTwoTrips { driver: driver.clone(), other: other.clone() });
            }
            self.promised.insert(driver.clone(), id.clone());
        }
        Ok(())
    }
}

/// An event that is refused because it would give the trip to another driver is worse than one out of turn.
fn wrong_of(trip: &Trip, event: &TripEvent, illegal: IllegalEvent) -> Wrong {
    let asked = trip.asked.as_ref().map(|asked| &asked.driver);
    let (has, other) = match event {
        TripEvent::Offered { driver, .. } => (trip.driver.as_ref(), Some(driver)),
        // Two who are asked at one time may both accept.
        TripEvent::ReassignmentOffered { driver, .. } => (asked, Some(driver)),
        TripEvent::Reassigned { driver, .. } if asked != Some(driver) => (trip.driver.as_ref(), Some(driver)),
        _ => (trip.driver.as_ref(), event.of_driver()),
    };
    match (has, other) {
        (Some(has), Some(other)) if has != other => {
            Wrong::OneTripTwoDrivers { event: event.kind(), has: has.clone(), other: other.clone() }
        }
        _ => Wrong::Illegal(illegal),
    }
}

fn is_receipt_right(trip: &Trip) -> bool {
    trip.receipt.as_ref().is_none_or(|receipt| {
        receipt.rider == trip.request.rider && Some(&receipt.driver) == trip.driver.as_ref()
    })
}
