//! What riders, drivers and the operator ask for.

use kerb_ports::{DriverAction, Error};
use kerb_trips::{
    CancelledBy, Change, Receipt, ReturnReason, RideRequest, RiderId, Trip, TripEvent, TripId, TripState,
};
use kerb_types::{DriverId, FieldError};

use super::{Market, unknown};

impl Market {
    /// A rider asks. The same request again is answered with its trip, whatever has become of it.
    ///
    /// [`Error::Invalid`]: the key was used for another request. [`Error::Overloaded`]: the rider has too many live trips,
    /// or the market too many requests. [`Error::FailedPrecondition`]: the market is paused.
    pub fn request(&mut self, now_ms: i64, request: RideRequest) -> Result<TripId, Error> {
        if let Some(number) = self.keys.get(&(request.rider.clone(), request.key.clone())) {
            return self.same_again(*number, &request);
        }
        self.takes_requests()?;
        let limit = self.rules.rider_live_max;
        if self.live_of_rider.get(&request.rider).is_some_and(|live| *live >= limit) {
            return Err(Error::Overloaded { what: "live trips of the rider", limit });
        }
        let limit = self.rules.waiting_max;
        if self.waiting.len() >= limit {
            return Err(Error::Overloaded { what: "waiting requests of the market", limit });
        }
        let number = self.open(now_ms, request);
        Ok(self.trip_id(number))
    }

    fn same_again(&self, number: u64, request: &RideRequest) -> Result<TripId, Error> {
        let first = &self.trips[&number].trip;
        if first.request == *request {
            return Ok(first.id.clone());
        }
        let description =
            format!("{:?} was used for another request, must be a new one", request.key.as_str());
        Err(FieldError::new("idempotency_key", description).into())
    }

    /// The rider calls it off.
    pub fn cancel(&mut self, now_ms: i64, rider: &RiderId, trip: &TripId, reason: &str) -> Result<(), Error> {
        self.trip_of(rider, trip)?;
        let event = TripEvent::Cancelled { by: CancelledBy::Rider, reason: reason.to_owned() };
        self.put(now_ms, trip.number, event).map(drop)
    }

    /// The operator calls it off.
    pub fn force_cancel(&mut self, now_ms: i64, trip: &TripId, reason: &str) -> Result<(), Error> {
        self.trip(trip).ok_or_else(|| unknown(trip))?;
        let event = TripEvent::Cancelled { by: CancelledBy::Operator, reason: reason.to_owned() };
        self.put(now_ms, trip.number, event).map(drop)
    }

    /// A driver acts. Answers where the trip stands then.
    pub fn act(
        &mut self,
        now_ms: i64,
        driver: &DriverId,
        id: &TripId,
        action: &DriverAction,
    ) -> Result<TripState, Error> {
        let trip = self.trip(id).ok_or_else(|| unknown(id))?;
        if *action == DriverAction::Accept {
            self.in_time(now_ms, driver, id)?;
        }
        let event = match repeated_drop_off(trip, driver, action) {
            Some(state) => return Ok(state),
            None => self.event_of(now_ms, driver, id, action),
        };
        self.put(now_ms, id.number, event)?;
        Ok(self.trips[&id.number].trip.state)
    }

    /// An offer that has run out is void, even if the timer has not come round yet.
    fn in_time(&self, now_ms: i64, driver: &DriverId, id: &TripId) -> Result<(), Error> {
        let trip = &self.trips[&id.number].trip;
        let offer = match &trip.takeover_offer {
            Some(asked) if asked.driver == *driver => Some(asked.offer),
            _ => trip
                .offer
                .filter(|_| trip.state == TripState::Offered && trip.driver.as_ref() == Some(driver)),
        };
        match offer {
            Some(offer) if now_ms >= offer.expires_ms => {
                let late_ms = now_ms - offer.expires_ms;
                Err(Error::FailedPrecondition(format!("the offer of trip {id} expired {late_ms} ms ago")))
            }
            _ => Ok(()),
        }
    }

    fn event_of(&self, now_ms: i64, driver: &DriverId, id: &TripId, action: &DriverAction) -> TripEvent {
        let driver = driver.clone();
        let trip = &self.trips[&id.number].trip;
        // Whose the trip is, for one who is asked to take it over.
        let from = trip
            .driver
            .clone()
            .filter(|_| trip.takeover_offer.as_ref().is_some_and(|asked| asked.driver == driver));
        let declined = |reason: &String| ReturnReason::Declined { reason: reason.clone() };
        match action {
            DriverAction::Accept => match from {
                Some(from) => TripEvent::Reassigned { driver, from },
                None => TripEvent::Accepted { driver },
            },
            DriverAction::Decline { reason } if from.is_some() => {
                TripEvent::ReassignmentReturned { driver, why: declined(reason) }
            }
            DriverAction::Decline { reason } => TripEvent::OfferReturned { driver, why: declined(reason) },
            DriverAction::Arrived => TripEvent::Arrived { driver },
            DriverAction::PickedUp => TripEvent::PickedUp { driver, at: None },
            DriverAction::DroppedOff => self.drop_off(now_ms, driver, id),
            DriverAction::Cancel { reason } => {
                let by = CancelledBy::Driver { driver };
                TripEvent::Cancelled { by, reason: reason.clone() }
            }
        }
    }

    /// With the receipt of the trip; with an empty one where no rider is in the vehicle, which the trip refuses.
    fn drop_off(&self, now_ms: i64, driver: DriverId, id: &TripId) -> TripEvent {
        let entry = &self.trips[&id.number];
        let (trip, request) = (&entry.trip, &entry.trip.request);
        let dropoff = entry.last.map_or(request.dropoff, |(at, _)| at);
        let receipt = Receipt::of(trip, entry.meter_m, dropoff, now_ms).unwrap_or_else(|| Receipt {
            rider: request.rider.clone(),
            driver: driver.clone(),
            vehicle_class: request.vehicle_class,
            pickup: request.pickup,
            dropoff,
            requested_ms: trip.times.requested_ms,
            accepted_ms: now_ms,
            arrived_ms: None,
            picked_up_ms: now_ms,
            dropped_off_ms: now_ms,
            distance_m: 0.0,
            wait_ms: 0,
            ride_ms: 0,
        });
        TripEvent::DroppedOff { driver, receipt: Box::new(receipt) }
    }

    /// [`Error::FailedPrecondition`] when it is paused.
    pub fn takes_requests(&self) -> Result<(), Error> {
        if self.paused {
            let text = format!("market {} is paused and takes no requests", self.id);
            return Err(Error::FailedPrecondition(text));
        }
        Ok(())
    }

    /// The operator stops or resumes the market.
    pub fn set_paused(&mut self, paused: bool) {
        if self.paused != paused {
            self.paused = paused;
            self.queued.push(Change::MarketPaused { paused });
        }
    }
}

/// A drop-off that came before: its receipt stands.
fn repeated_drop_off(trip: &Trip, driver: &DriverId, action: &DriverAction) -> Option<TripState> {
    let repeated = *action == DriverAction::DroppedOff
        && trip.state == TripState::Completed
        && trip.driver.as_ref() == Some(driver);
    repeated.then_some(trip.state)
}
