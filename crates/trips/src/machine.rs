//! The machine: takes events one by one and refuses those that cannot be.

use kerb_geometry::LatLng;
use serde::{Deserialize, Serialize};

use crate::event::{CancelledBy, TripEvent};
use crate::id::TripId;
use crate::illegal::{IllegalEvent, IllegalReason};
use crate::request::{Receipt, RideRequest, finite};
use crate::state::TripState;
use crate::steps::{Step, StepNote};
use kerb_types::DriverId;
use kerb_types::TravelSource;

/// A trip and all that is known of it. Read the fields; change them by [`Trip::apply`] alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trip {
    /// Which.
    pub id: TripId,
    /// What the rider asked for.
    pub request: RideRequest,
    /// Where it stands.
    pub state: TripState,
    /// The driver to whom it is offered or who has it; after the end, who had it then.
    pub driver: Option<DriverId>,
    /// The offer that this driver has, or accepted.
    pub offer: Option<Offer>,
    /// A driver who is asked to take the trip over from its own.
    #[serde(default)]
    pub asked: Option<Asked>,
    /// Drivers whose offer came to nothing: they are not asked again.
    pub refused_by: Vec<DriverId>,
    /// Offers made.
    pub offers: u32,
    /// When what happened.
    pub times: TripTimes,
    /// The way with the rider.
    pub meter: Meter,
    /// What is charged and paid, once completed.
    pub receipt: Option<Box<Receipt>>,
    /// Who called it off.
    pub cancelled_by: Option<CancelledBy>,
    /// Their words; empty when not called off.
    pub cancel_reason: String,
    /// Every change of state or driver in order.
    pub steps: Vec<Step>,
}

/// An offer to a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Expected seconds to the pickup.
    pub pickup_eta_s: u32,
    /// What that was computed from; `None` in a record that is older than this field.
    pub travel_source: Option<TravelSource>,
    /// Until when it may be accepted, milliseconds since the Unix epoch.
    pub expires_ms: i64,
}

/// A driver who is asked to take a trip over, and has not answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Who.
    pub driver: DriverId,
    /// What was offered.
    pub offer: Offer,
    /// When, milliseconds since the Unix epoch.
    pub asked_ms: i64,
}

/// When what happened, milliseconds since the Unix epoch. What a driver did is forgotten when the driver is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TripTimes {
    /// The rider asked. A returned offer or a lost driver does not make the trip younger.
    pub requested_ms: i64,
    /// The driver was asked.
    pub offered_ms: Option<i64>,
    /// The driver accepted.
    pub accepted_ms: Option<i64>,
    /// The driver told of being at the pickup.
    pub arrived_ms: Option<i64>,
    /// The rider got in.
    pub picked_up_ms: Option<i64>,
    /// The trip ended, one way or another.
    pub ended_ms: Option<i64>,
}

/// The way with the rider so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Meter {
    /// Meters since the pick-up.
    #[serde(serialize_with = "finite")]
    pub distance_m: f64,
    /// Where the rider got in, when the driver told.
    pub from: Option<LatLng>,
    /// Where the meters end.
    pub last: Option<LatLng>,
}

/// What an event that was taken came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The trip is another than before.
    Changed,
    /// It was so already: the same event came again.
    Repeated,
}

impl Trip {
    /// A new trip.
    pub fn requested(id: TripId, request: RideRequest, at_ms: i64) -> Self {
        let state = TripState::Requested;
        Self {
            id,
            request,
            state,
            driver: None,
            offer: None,
            asked: None,
            refused_by: Vec::new(),
            offers: 0,
            times: TripTimes::since(at_ms),
            meter: Meter::default(),
            receipt: None,
            cancelled_by: None,
            cancel_reason: String::new(),
            steps: vec![Step { at_ms, state, driver: None, note: StepNote::None }],
        }
    }

    /// When the trip lost its driver last, milliseconds since the Unix epoch; `None`: it never did. The rider's wait
    /// begins anew then, but the trip is as old as it is.
    pub fn lost_ms(&self) -> Option<i64> {
        self.steps.iter().rev().find(|step| step.note == StepNote::DriverLost).map(|step| step.at_ms)
    }

    /// The drivers who are promised to the trip and to no other: its own first, then who is asked to take it over.
    pub fn promised(&self) -> impl Iterator<Item = &DriverId> {
        let own = self.driver.as_ref().filter(|_| self.state.has_driver());
        own.into_iter().chain(self.asked.as_ref().map(|asked| &asked.driver))
    }

    /// How often a driver took the trip over from another.
    pub fn reassigned(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step.note, StepNote::Reassigned { .. })).count()
    }

    /// Takes an event, or says why not; then nothing has changed. An event that comes again after it was taken, from the
    /// same driver or party, is no mistake: [`Outcome::Repeated`].
    pub fn apply(&mut self, event: &TripEvent, at_ms: i64) -> Result<Outcome, IllegalEvent> {
        if self.has_taken(event) {
            return Ok(Outcome::Repeated);
        }
        let kind = event.kind();
        let illegal = |why| IllegalEvent::new(&self.id, self.state, kind, why);
        let is_foreign = |driver| self.driver.as_ref().is_some_and(|own| own != driver);
        if event.of_driver().is_some_and(is_foreign) {
            return Err(illegal(IllegalReason::NotYours));
        }
        let next = self.state.after(kind).ok_or_else(|| illegal(IllegalReason::NotLegal))?;
        if let Some(why) = self.why_not_asked(event) {
            return Err(illegal(why));
        }
        self.take(event, next, at_ms);
        Ok(Outcome::Changed)
    }

    /// What is wrong with whom the event asks, or with who answers, where the state allows it.
    fn why_not_asked(&self, event: &TripEvent) -> Option<IllegalReason> {
        let asked = self.asked.as_ref().map(|asked| &asked.driver);
        match event {
            TripEvent::Offered { driver, .. } | TripEvent::ReassignmentOffered { driver, .. }
                if self.refused_by.contains(driver) =>
            {
                Some(IllegalReason::ReturnedBefore)
            }
            TripEvent::ReassignmentOffered { driver, .. }
                if asked.is_some() || self.driver.as_ref() == Some(driver) =>
            {
                Some(IllegalReason::AskedAlready)
            }
            _ if event.of_asked().is_some_and(|driver| asked != Some(driver)) => {
                Some(IllegalReason::NotAsked)
            }
            _ => None,
        }
    }

    /// Whether this very event has made the trip what it is. A lost driver's own events, and all before a
    /// cancellation, count no more: who repeats them must learn that it is over.
    fn has_taken(&self, event: &TripEvent) -> bool {
        let times = &self.times;
        let own = |driver: &DriverId| self.driver.as_ref() == Some(driver);
        let done =
            |time: Option<i64>, driver| time.is_some() && own(driver) && self.state != TripState::Cancelled;
        match event {
            TripEvent::Requested(request) => **request == self.request,
            TripEvent::Offered { driver, .. } => {
                self.state == TripState::Offered && own(driver) && self.offer == offer_of(event)
            }
            TripEvent::OfferReturned { driver, .. } | TripEvent::ReassignmentReturned { driver, .. } => {
                self.refused_by.contains(driver)
            }
            TripEvent::ReassignmentOffered { driver, .. } => self
                .asked
                .as_ref()
                .is_some_and(|asked| asked.driver == *driver && Some(asked.offer) == offer_of(event)),
            TripEvent::Reassigned { driver, from } => {
                let taken = StepNote::Reassigned { from: from.clone() };
                own(driver) && self.steps.last().is_some_and(|step| step.note == taken)
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

    /// Makes it so. The event is possible.
    fn take(&mut self, event: &TripEvent, next: TripState, at_ms: i64) {
        self.state = next;
        // Whatever happens to the trip answers who was asked to take it over, or makes the query void.
        let asked = self.asked.take();
        let concerned = match event {
            TripEvent::Reassigned { driver, .. } => Some(driver),
            _ => event.of_driver().or(self.driver.as_ref()),
        };
        let concerned = concerned.cloned();
        match event {
            TripEvent::Requested(_) | TripEvent::Expired => {}
            TripEvent::Offered { driver, .. } => {
                self.driver = Some(driver.clone());
                self.offer = offer_of(event);
                self.offers += 1;
                self.times.offered_ms = Some(at_ms);
            }
            TripEvent::OfferReturned { driver, .. } => {
                self.refused_by.push(driver.clone());
                self.wait_again();
            }
            TripEvent::ReassignmentOffered { driver, .. } => {
                self.asked =
                    offer_of(event).map(|offer| Asked { driver: driver.clone(), offer, asked_ms: at_ms });
                self.offers += 1;
            }
            TripEvent::ReassignmentReturned { driver, .. } => self.refused_by.push(driver.clone()),
            TripEvent::Reassigned { driver, .. } => {
                self.driver = Some(driver.clone());
                self.offer = asked.as_ref().map(|asked| asked.offer);
                self.times.offered_ms = asked.map(|asked| asked.asked_ms);
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
            self.steps.push(Step { at_ms, state: next, driver, note: StepNote::of(event) });
        }
    }

    /// Without a driver, as old as it is.
    fn wait_again(&mut self) {
        self.driver = None;
        self.offer = None;
        self.times = TripTimes::since(self.times.requested_ms);
    }
}

/// What an offer's event offers.
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
    fn since(requested_ms: i64) -> Self {
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
