//! The state machine of a trip: it applies events one by one and rejects illegal ones.

use kerb_geometry::LatLng;
use serde::{Deserialize, Serialize};

use crate::event::{CancelledBy, ReturnReason, TripEvent};
use crate::finite;
use crate::id::TripId;
use crate::illegal::{IllegalEvent, IllegalReason};
use crate::request::{Receipt, RideRequest};
use crate::state::TripState;
use crate::steps::{StepNote, TripStep};
use kerb_types::TravelSource;
use kerb_types::{DriverId, Timestamp};

/// A trip and its history. The fields are for reading; only [`Trip::apply`] changes them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trip {
    /// The market and the number of the trip.
    pub id: TripId,
    /// The rider's request.
    pub request: RideRequest,
    /// The current state.
    pub state: TripState,
    /// The driver who has the offer or the trip. After the end it is the last driver.
    pub driver: Option<DriverId>,
    /// The offer that this driver received.
    pub offer: Option<Offer>,
    /// The open takeover offer to a second driver.
    #[serde(default, rename = "asked")]
    pub takeover_offer: Option<TakeoverOffer>,
    /// Drivers who declined an offer of this trip. They receive no further one.
    #[serde(rename = "refused_by")]
    pub declined_by: Vec<DriverId>,
    /// The number of offers so far, takeover offers included.
    pub offers: u32,
    /// The times of the events so far.
    pub times: TripTimes,
    /// The distance with the rider.
    pub meter: Meter,
    /// The bill; `None` until the trip is completed.
    pub receipt: Option<Box<Receipt>>,
    /// The party that cancelled the trip.
    pub cancelled_by: Option<CancelledBy>,
    /// Free text of that party; empty for a trip that is not cancelled.
    pub cancel_reason: String,
    /// Every change of state or driver, in order.
    pub steps: Vec<TripStep>,
}

/// The terms of an offer to a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Expected travel time to the pickup in seconds.
    pub pickup_eta_s: u32,
    /// The source of `pickup_eta_s`; `None` in a record that is older than this field.
    pub travel_source: Option<TravelSource>,
    /// The deadline for acceptance, in milliseconds since the Unix epoch.
    pub expires_ms: Timestamp,
}

/// An open offer to a second driver to take the trip over from its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakeoverOffer {
    /// The second driver.
    pub driver: DriverId,
    /// The terms of the offer.
    pub offer: Offer,
    /// When the matcher made the offer, in milliseconds since the Unix epoch.
    #[serde(rename = "asked_ms")]
    pub offered_ms: Timestamp,
}

/// The times of a trip's events, in milliseconds since the Unix epoch. When the trip loses its driver, the times of that
/// driver's events are cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TripTimes {
    /// The rider's request. A returned offer or a lost driver does not change it.
    pub requested_ms: Timestamp,
    /// The offer to the driver.
    pub offered_ms: Option<Timestamp>,
    /// The driver's acceptance.
    pub accepted_ms: Option<Timestamp>,
    /// The driver's report of arrival at the pickup.
    pub arrived_ms: Option<Timestamp>,
    /// The driver's report that the rider got in.
    pub picked_up_ms: Option<Timestamp>,
    /// The end of the trip, for whatever reason.
    pub ended_ms: Option<Timestamp>,
}

/// The measured path with the rider so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Meter {
    /// Meters since the pick-up.
    #[serde(with = "finite")]
    pub distance_m: f64,
    /// The position of the pick-up; `None` if it is not known.
    pub from: Option<LatLng>,
    /// The newest position that `distance_m` includes.
    pub last: Option<LatLng>,
}

/// The effect of a legal event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The event changed the trip.
    Changed,
    /// The event repeats an earlier one and changed nothing.
    Repeated,
}

impl Trip {
    /// Returns a new trip, requested at `at_ms`.
    pub fn requested(id: TripId, request: RideRequest, at_ms: Timestamp) -> Self {
        let state = TripState::Requested;
        Self {
            id,
            request,
            state,
            driver: None,
            offer: None,
            takeover_offer: None,
            declined_by: Vec::new(),
            offers: 0,
            times: TripTimes::since(at_ms),
            meter: Meter::default(),
            receipt: None,
            cancelled_by: None,
            cancel_reason: String::new(),
            steps: vec![TripStep { at_ms, state, driver: None, note: StepNote::None }],
        }
    }

    /// Returns when the trip last lost its driver, in milliseconds since the Unix epoch; `None` if it never did. The
    /// maximum wait starts anew at that time, but the request time stays.
    pub fn driver_lost_ms(&self) -> Option<Timestamp> {
        self.steps.iter().rev().find(|step| step.note == StepNote::DriverLost).map(|step| step.at_ms)
    }

    /// Returns the drivers who are reserved for this trip: its own first, then the one with the takeover offer.
    pub fn reserved_drivers(&self) -> impl Iterator<Item = &DriverId> {
        let own = self.driver.as_ref().filter(|_| self.state.has_driver());
        own.into_iter().chain(self.takeover_offer.as_ref().map(|takeover| &takeover.driver))
    }

    /// Returns how many times a second driver took the trip over.
    pub fn reassignment_count(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step.note, StepNote::Reassigned { .. })).count()
    }

    /// Applies an event. On an error nothing has changed. An event that repeats an applied one of the same driver or party
    /// succeeds with [`Outcome::Repeated`].
    pub fn apply(&mut self, event: &TripEvent, at_ms: Timestamp) -> Result<Outcome, IllegalEvent> {
        if self.has_applied(event) {
            return Ok(Outcome::Repeated);
        }
        let kind = event.kind();
        let illegal = |why| IllegalEvent::new(&self.id, self.state, kind, why);
        let is_foreign = |driver| self.driver.as_ref().is_some_and(|own| own != driver);
        if event.required_driver().is_some_and(is_foreign) {
            return Err(illegal(IllegalReason::OtherDriver));
        }
        let next = self.state.after(kind).ok_or_else(|| illegal(IllegalReason::NotLegal))?;
        if let Some(why) = self.offer_violation(event) {
            return Err(illegal(why));
        }
        self.apply_legal(event, next, at_ms);
        Ok(Outcome::Changed)
    }

    /// Returns the rule about offers that the event violates. The event is legal in the trip's state.
    fn offer_violation(&self, event: &TripEvent) -> Option<IllegalReason> {
        let takeover = self.takeover_offer.as_ref().map(|takeover| &takeover.driver);
        match event {
            TripEvent::Offered { driver, .. } | TripEvent::ReassignmentOffered { driver, .. }
                if self.declined_by.contains(driver) =>
            {
                Some(IllegalReason::DeclinedBefore)
            }
            TripEvent::ReassignmentOffered { driver, .. }
                if takeover.is_some() || self.driver.as_ref() == Some(driver) =>
            {
                Some(IllegalReason::TakeoverOfferOpen)
            }
            _ if event.required_takeover_driver().is_some_and(|driver| takeover != Some(driver)) => {
                Some(IllegalReason::NoTakeoverOffer)
            }
            _ => None,
        }
    }

    /// Whether the trip has already applied this event. The events of a lost driver, and those before a cancellation, do not
    /// count: a driver who repeats one must learn that the trip has ended.
    fn has_applied(&self, event: &TripEvent) -> bool {
        let times = &self.times;
        let own = |driver: &DriverId| self.driver.as_ref() == Some(driver);
        let done = |time: Option<Timestamp>, driver| {
            time.is_some() && own(driver) && self.state != TripState::Cancelled
        };
        match event {
            TripEvent::Requested(request) => **request == self.request,
            TripEvent::Offered { driver, .. } => {
                self.state == TripState::Offered && own(driver) && self.offer == offer_of(event)
            }
            TripEvent::OfferReturned { driver, .. } | TripEvent::ReassignmentReturned { driver, .. } => {
                self.has_returned(driver)
            }
            TripEvent::ReassignmentOffered { driver, .. } => {
                self.takeover_offer.as_ref().is_some_and(|takeover| {
                    takeover.driver == *driver && Some(takeover.offer) == offer_of(event)
                })
            }
            TripEvent::Reassigned { driver, from } => {
                let reassigned = StepNote::Reassigned { from: from.clone() };
                own(driver) && self.steps.last().is_some_and(|step| step.note == reassigned)
            }
            TripEvent::Accepted { driver } => done(times.accepted_ms, driver),
            TripEvent::DriverLost { driver } => self.steps.last().is_some_and(|step| {
                step.note == StepNote::DriverLost && step.driver.as_ref() == Some(driver)
            }),
            TripEvent::Arrived { driver } => done(times.arrived_ms, driver),
            TripEvent::PickedUp { driver, .. } => done(times.picked_up_ms, driver),
            TripEvent::Metered { distance_m, at } => {
                self.state == TripState::OnTrip
                    && self.meter.distance_m.to_bits() == distance_m.to_bits()
                    && self.meter.last == Some(*at)
            }
            TripEvent::DroppedOff { driver, .. } => self.state == TripState::Completed && own(driver),
            TripEvent::Expired => self.state == TripState::Expired,
            TripEvent::Cancelled { by, .. } => self.cancelled_by.as_ref() == Some(by),
        }
    }

    /// Applies an event that is legal and new.
    fn apply_legal(&mut self, event: &TripEvent, next: TripState, at_ms: Timestamp) {
        self.state = next;
        // Every event ends an open takeover offer: it either answers the offer or makes it void.
        let takeover = self.takeover_offer.take();
        let concerned = match event {
            TripEvent::Reassigned { driver, .. } => Some(driver),
            _ => event.required_driver().or(self.driver.as_ref()),
        };
        let concerned = concerned.cloned();
        match event {
            TripEvent::Requested(_) | TripEvent::Expired => {}
            TripEvent::Offered { driver, .. } => {
                self.driver = Some(driver.clone());
                self.offer = offer_of(event);
                self.offers = self.offers.saturating_add(1);
                self.times.offered_ms = Some(at_ms);
            }
            TripEvent::OfferReturned { driver, why } => {
                self.record_return(driver, why);
                self.wait_again();
            }
            TripEvent::ReassignmentOffered { driver, .. } => {
                self.takeover_offer = offer_of(event).map(|offer| TakeoverOffer {
                    driver: driver.clone(),
                    offer,
                    offered_ms: at_ms,
                });
                self.offers = self.offers.saturating_add(1);
            }
            TripEvent::ReassignmentReturned { driver, why } => self.record_return(driver, why),
            TripEvent::Reassigned { driver, .. } => {
                self.driver = Some(driver.clone());
                self.offer = takeover.as_ref().map(|takeover| takeover.offer);
                self.times.offered_ms = takeover.map(|takeover| takeover.offered_ms);
                self.times.accepted_ms = Some(at_ms);
            }
            TripEvent::DriverLost { .. } => self.wait_again(),
            TripEvent::Accepted { .. } => self.times.accepted_ms = Some(at_ms),
            TripEvent::Arrived { .. } => self.times.arrived_ms = Some(at_ms),
            TripEvent::PickedUp { at, .. } => {
                self.times.picked_up_ms = Some(at_ms);
                self.meter = Meter { distance_m: 0.0, from: *at, last: *at };
            }
            TripEvent::Metered { distance_m, at } => {
                self.meter.distance_m = *distance_m;
                self.meter.last = Some(*at);
            }
            TripEvent::DroppedOff { receipt, .. } => self.receipt = Some(receipt.clone()),
            TripEvent::Cancelled { by, reason } => {
                self.cancelled_by = Some(by.clone());
                self.cancel_reason.clone_from(reason);
            }
        }
        if !next.is_live() {
            self.times.ended_ms = Some(at_ms);
        }
        if event.kind().is_step() {
            let driver = concerned.or_else(|| self.driver.clone());
            self.steps.push(TripStep { at_ms, state: next, driver, note: StepNote::of(event) });
        }
    }

    /// Whether the driver returned an offer of this trip and has no newer one.
    fn has_returned(&self, driver: &DriverId) -> bool {
        let holds_offer = self.state == TripState::Offered && self.driver.as_ref() == Some(driver)
            || self.takeover_offer.as_ref().is_some_and(|takeover| takeover.driver == *driver);
        let returned = |step: &TripStep| {
            step.driver.as_ref() == Some(driver) && matches!(step.note, StepNote::OfferReturned { .. })
        };
        !holds_offer && (self.declined_by.contains(driver) || self.steps.iter().any(returned))
    }

    /// Records that an offer ended. Only the driver's own no keeps the trip from being offered to it again: a lost
    /// connection and a missed deadline are not the driver's will.
    fn record_return(&mut self, driver: &DriverId, why: &ReturnReason) {
        if matches!(why, ReturnReason::Declined { .. }) {
            self.declined_by.push(driver.clone());
        }
    }

    /// Removes the driver. The request time stays.
    fn wait_again(&mut self) {
        self.driver = None;
        self.offer = None;
        self.times = TripTimes::since(self.times.requested_ms);
    }
}

/// Returns the terms of the offer that an event makes.
fn offer_of(event: &TripEvent) -> Option<Offer> {
    let (pickup_eta_s, travel_source, expires_ms) = match event {
        TripEvent::Offered { pickup_eta_s, travel_source, expires_ms, .. } => {
            (*pickup_eta_s, *travel_source, *expires_ms)
        }
        TripEvent::ReassignmentOffered { pickup_eta_s, travel_source, expires_ms, .. } => {
            (*pickup_eta_s, Some(*travel_source), *expires_ms)
        }
        _ => return None,
    };
    Some(Offer { pickup_eta_s, travel_source, expires_ms })
}

impl TripTimes {
    fn since(requested_ms: Timestamp) -> Self {
        Self {
            requested_ms,
            offered_ms: None,
            accepted_ms: None,
            arrived_ms: None,
            picked_up_ms: None,
            ended_ms: None,
        }
    }
}
