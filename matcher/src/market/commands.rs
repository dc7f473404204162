//! The commands of riders, drivers and the operator.

use kerb_ports::DriverAction;
use kerb_trips::{
    CancelledBy, Change, Receipt, ReturnReason, RideRequest, RiderId, Trip, TripEvent, TripId, TripState,
};
use kerb_types::{DriverId, FieldError, Millis, Timestamp};

use crate::error::MatcherError;
use crate::market::acceptance::check_offer_open;
use crate::market::{Market, unknown_trip};

impl Market {
    /// Opens the trip of a request. A repeated request returns the first trip, whatever its state.
    ///
    /// [`MatcherError::Invalid`]: the key belongs to a different request. [`MatcherError::Overloaded`]: the rider has too
    /// many live trips, or the market too many waiting requests. [`MatcherError::FailedPrecondition`]: the market is
    /// paused.
    pub fn request(&mut self, now: Timestamp, request: RideRequest) -> Result<TripId, MatcherError> {
        self.request_across_markets(now, request, 0)
    }

    /// Opens the trip of a request of a rider who has `live_in_others` live trips in other markets. Otherwise as
    /// [`Market::request`].
    pub fn request_across_markets(
        &mut self,
        now: Timestamp,
        request: RideRequest,
        live_in_others: usize,
    ) -> Result<TripId, MatcherError> {
        if let Some(number) = self.trips.by_key(&request.rider, &request.key) {
            return self.repeated_request(now, number, &request);
        }
        if let Some(number) = self.trips.used_keys().get(&request.rider, &request.key) {
            return Err(used_key(&request, &format!("trip {}, which has ended", self.trips.id_of(number))));
        }
        self.check_accepts_requests()?;
        let limit = self.rules.rider_live_max;
        if self.trips.live_trips(&request.rider) + live_in_others >= limit {
            return Err(MatcherError::Overloaded { what: "live trips of the rider", limit });
        }
        let limit = self.rules.waiting_max;
        if self.trips.waiting().len() >= limit {
            return Err(MatcherError::Overloaded { what: "waiting requests of the market", limit });
        }
        Ok(self.open(now, request))
    }

    fn repeated_request(
        &self,
        now: Timestamp,
        number: u64,
        request: &RideRequest,
    ) -> Result<TripId, MatcherError> {
        let first = self.trips.entry(number).trip();
        // Its timer may not have run yet.
        if first.times.ended_ms.is_some_and(|ended_ms| ended_ms + self.rules.ended_kept_ms <= now) {
            return Err(used_key(request, &format!("trip {}, which has ended", first.id)));
        }
        if first.request == *request {
            return Ok(first.id.clone());
        }
        Err(used_key(request, "another request"))
    }

    /// Cancels a rider's own trip.
    pub fn cancel(
        &mut self,
        now: Timestamp,
        rider: &RiderId,
        trip: &TripId,
        reason: &str,
    ) -> Result<(), MatcherError> {
        self.trip_of(rider, trip)?;
        let event = TripEvent::Cancelled { by: CancelledBy::Rider, reason: reason.to_owned() };
        self.apply(now, trip.number, event).map(drop)
    }

    /// Cancels a trip for the operator.
    pub fn force_cancel(&mut self, now: Timestamp, trip: &TripId, reason: &str) -> Result<(), MatcherError> {
        self.trip(trip).ok_or_else(|| unknown_trip(trip))?;
        let event = TripEvent::Cancelled { by: CancelledBy::Operator, reason: reason.to_owned() };
        self.apply(now, trip.number, event).map(drop)
    }

    /// Applies a driver's action. Returns the state of the trip after it.
    pub fn act(
        &mut self,
        now: Timestamp,
        driver: &DriverId,
        id: &TripId,
        action: &DriverAction,
    ) -> Result<TripState, MatcherError> {
        let trip = self.trip(id).ok_or_else(|| unknown_trip(id))?;
        if *action == DriverAction::Accept {
            check_offer_open(now, driver, trip)?;
        }
        if is_repeated_drop_off(trip, driver, action) || self.is_late_decline(trip, driver, action) {
            return Ok(trip.state);
        }
        let event = self.event_of(now, driver, trip, action);
        self.apply(now, id.number, event)?;
        Ok(self.trips.entry(id.number).trip().state)
    }

    /// Whether the driver declines an offer that has already ended. The no is of no use, and no fault.
    fn is_late_decline(&self, trip: &Trip, driver: &DriverId, action: &DriverAction) -> bool {
        matches!(action, DriverAction::Decline { .. })
            && trip.reserved_drivers().all(|reserved| reserved != driver)
            && self.trips.entry(trip.id.number).had_offer(driver)
    }

    fn event_of(&self, now: Timestamp, driver: &DriverId, trip: &Trip, action: &DriverAction) -> TripEvent {
        let driver = driver.clone();
        // For the holder of a takeover offer: the trip's present driver.
        let from = trip
            .driver
            .clone()
            .filter(|_| trip.takeover_offer.as_ref().is_some_and(|takeover| takeover.driver == driver));
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
            DriverAction::DroppedOff => self.drop_off(now, driver, trip),
            DriverAction::Cancel { reason } => {
                let by = CancelledBy::Driver { driver };
                TripEvent::Cancelled { by, reason: reason.clone() }
            }
        }
    }

    /// Returns the drop-off event with the trip's receipt. Without a rider in the vehicle the receipt is empty, and the
    /// trip rejects the event.
    pub(super) fn drop_off(&self, now: Timestamp, driver: DriverId, trip: &Trip) -> TripEvent {
        let meter = self.trips.entry(trip.id.number).meter();
        let request = &trip.request;
        let dropoff = meter.last_position().unwrap_or(request.dropoff);
        let receipt = Receipt::of(trip, meter.distance_m(), dropoff, now).unwrap_or_else(|| Receipt {
            rider: request.rider.clone(),
            driver: driver.clone(),
            vehicle_class: request.vehicle_class,
            pickup: request.pickup,
            dropoff,
            requested_ms: trip.times.requested_ms,
            accepted_ms: now,
            arrived_ms: None,
            picked_up_ms: now,
            dropped_off_ms: now,
            distance_m: 0.0,
            wait_ms: Millis::ZERO,
            ride_ms: Millis::ZERO,
        });
        TripEvent::DroppedOff { driver, receipt: Box::new(receipt) }
    }

    /// Returns [`MatcherError::FailedPrecondition`] if the market is paused.
    pub fn check_accepts_requests(&self) -> Result<(), MatcherError> {
        if self.paused {
            let text = format!("market {} is paused and takes no requests", self.id);
            return Err(MatcherError::FailedPrecondition(text));
        }
        Ok(())
    }

    /// Pauses or resumes the market for the operator.
    pub fn set_paused(&mut self, paused: bool) {
        if self.paused != paused {
            self.paused = paused;
            self.pending.changes.push(Change::MarketPaused { paused });
        }
    }
}

/// Returns the error for a key that was used before.
pub(crate) fn used_key(request: &RideRequest, used_for: &str) -> MatcherError {
    let key = request.key.as_str();
    FieldError::new("idempotency_key", format!("{key:?} was used for {used_for}, must be a new one")).into()
}

/// Whether the action repeats the drop-off that ended the trip. The first receipt stays.
fn is_repeated_drop_off(trip: &Trip, driver: &DriverId, action: &DriverAction) -> bool {
    *action == DriverAction::DroppedOff
        && trip.state == TripState::Completed
        && trip.driver.as_ref() == Some(driver)
}
