//! The audit of one market's journal, in its order.

use std::collections::HashMap;

use super::reservations::Reservations;
use super::violation::ViolationKind;
use super::{Findings, RecordPosition};
use crate::event::TripEvent;
use crate::id::{IdempotencyKey, RiderId, TripId};
use crate::illegal::IllegalEvent;
use crate::machine::{Outcome, Trip};
use crate::record::{Change, Record, Version};
use crate::request::RideRequest;
use crate::state::TripState;
use kerb_types::DriverId;

/// The state of a market after the records read so far.
#[derive(Debug, Default)]
pub(super) struct MarketAudit {
    version: Version,
    trips: HashMap<u64, TripStatus>,
    /// The trip for which a driver is reserved.
    reserved: HashMap<DriverId, TripId>,
    /// The live trip of a request.
    requests: HashMap<(RiderId, IdempotencyKey), TripId>,
}

#[derive(Debug)]
enum TripStatus {
    Live(Box<Trip>),
    Ended(TripState),
}

impl MarketAudit {
    pub(super) fn live(&self) -> u64 {
        self.trips.values().filter(|status| matches!(status, TripStatus::Live(_))).count() as u64
    }

    pub(super) fn read(
        &mut self,
        position: RecordPosition<'_>,
        record: &Record,
        findings: &mut Findings,
        reservations: &mut Reservations,
    ) {
        findings.summary.records += 1;
        let expected = self.version + 1;
        if position.version != expected {
            findings.add(position.market, position.version, None, ViolationKind::VersionGap { expected });
        }
        self.version = position.version;
        for change in &record.changes {
            let Change::Trip { trip, event } = change else { continue };
            let result = if trip.market == *position.market {
                self.apply(position, trip, event, findings, reservations)
            } else {
                Err(ViolationKind::ForeignTrip)
            };
            if let Err(kind) = result {
                findings.add(position.market, position.version, Some(trip), kind);
            }
        }
    }

    /// Applies an event to the market's state, as far as it is legal.
    fn apply(
        &mut self,
        position: RecordPosition<'_>,
        id: &TripId,
        event: &TripEvent,
        findings: &mut Findings,
        reservations: &mut Reservations,
    ) -> Result<(), ViolationKind> {
        let trip = match (self.trips.get_mut(&id.number), event) {
            (None, TripEvent::Requested(request)) => {
                findings.summary.trips += 1;
                return self.begin(position, id, request);
            }
            (Some(_), TripEvent::Requested(_)) => return Err(ViolationKind::RequestedTwice),
            (None, _) => return Err(ViolationKind::NeverRequested { event: event.kind() }),
            (Some(TripStatus::Ended(state)), _) => {
                return Err(ViolationKind::AfterTheEnd { event: event.kind(), state: *state });
            }
            (Some(TripStatus::Live(trip)), _) => trip,
        };
        let before: Vec<DriverId> = trip.reserved_drivers().cloned().collect();
        match trip.apply(event, position.at_ms) {
            Err(illegal) => return Err(kind_of(trip, event, illegal)),
            Ok(Outcome::Repeated) => findings.summary.repeated += 1,
            Ok(Outcome::Changed) => {}
        }
        if !is_receipt_right(trip) {
            findings.add(position.market, position.version, Some(id), ViolationKind::WrongReceipt);
        }
        let state = trip.state;
        let now: Vec<DriverId> = trip.reserved_drivers().cloned().collect();
        if !state.is_live() {
            self.end(id, state, findings);
        }
        self.update_reservations(position, id, &before, &now, reservations)
    }

    fn begin(
        &mut self,
        position: RecordPosition<'_>,
        id: &TripId,
        request: &RideRequest,
    ) -> Result<(), ViolationKind> {
        let trip = Trip::requested(id.clone(), request.clone(), position.at_ms);
        self.trips.insert(id.number, TripStatus::Live(Box::new(trip)));
        let key = (request.rider.clone(), request.key.clone());
        let other = self.requests.insert(key, id.clone());
        other.map_or(Ok(()), |other| Err(ViolationKind::OneRequestTwoTrips { other }))
    }

    /// Reduces an ended trip to its final state.
    fn end(&mut self, id: &TripId, state: TripState, findings: &mut Findings) {
        if let Some(TripStatus::Live(trip)) = self.trips.insert(id.number, TripStatus::Ended(state)) {
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

    /// Begins and ends reservations: the trip's reserved drivers were `before` and are `now`.
    fn update_reservations(
        &mut self,
        position: RecordPosition<'_>,
        id: &TripId,
        before: &[DriverId],
        now: &[DriverId],
        reservations: &mut Reservations,
    ) -> Result<(), ViolationKind> {
        for driver in before.iter().filter(|driver| !now.contains(driver)) {
            reservations.end(driver, id, position.at_ms);
            if self.reserved.get(driver) == Some(id) {
                self.reserved.remove(driver);
            }
        }
        for driver in now.iter().filter(|driver| !before.contains(driver)) {
            reservations.begin(driver, id, position);
            if let Some(other) = self.reserved.get(driver) {
                return Err(ViolationKind::OneDriverTwoTrips {
                    driver: driver.clone(),
                    other: other.clone(),
                });
            }
            self.reserved.insert(driver.clone(), id.clone());
        }
        Ok(())
    }
}

/// Classifies an illegal event. An event that gives the trip to a second driver has a kind of its own, because it is worse
/// than an event in the wrong state.
fn kind_of(trip: &Trip, event: &TripEvent, illegal: IllegalEvent) -> ViolationKind {
    let takeover = trip.takeover_offer.as_ref().map(|offer| &offer.driver);
    let (has, other) = match event {
        TripEvent::Offered { driver, .. } => (trip.driver.as_ref(), Some(driver)),
        // Two drivers with a takeover offer at one time may both accept.
        TripEvent::ReassignmentOffered { driver, .. } => (takeover, Some(driver)),
        TripEvent::Reassigned { driver, .. } if takeover != Some(driver) => {
            (trip.driver.as_ref(), Some(driver))
        }
        _ => (trip.driver.as_ref(), event.required_driver()),
    };
    match (has, other) {
        (Some(has), Some(other)) if has != other => {
            ViolationKind::OneTripTwoDrivers { event: event.kind(), has: has.clone(), other: other.clone() }
        }
        _ => ViolationKind::Illegal(illegal),
    }
}

fn is_receipt_right(trip: &Trip) -> bool {
    trip.receipt.as_ref().is_none_or(|receipt| {
        receipt.rider == trip.request.rider && Some(&receipt.driver) == trip.driver.as_ref()
    })
}
