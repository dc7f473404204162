//! A market: its trips, and every decision about them. No I/O; `now` is an argument.
//!
//! A decision changes the state at once and queues a change for the next record ([`Market::take_record`]). Clients see it
//! only after the record is durable ([`Market::committed`]). If the append fails, the caller drops the market and reads it
//! from the journal again. So every decision that a client has seen is in the journal, and the order of the journal
//! reserves no driver for two trips and no trip for two drivers.

mod acceptance;
mod commands;
mod cooldowns;
mod effect;
mod en_route;
mod offers;
mod pending_record;
mod replay;
mod reservations;
mod rules;
mod snapshot;
mod timers;
mod trip_table;

use kerb_trips::{
    Change, IdempotencyKey, MarketId, Outcome, Record, RideRequest, RiderId, Trip, TripEvent, TripId,
    TripState, Version,
};
use kerb_types::{DriverId, Timestamp};

pub(crate) use commands::used_key;
use cooldowns::Cooldowns;
pub use effect::Effect;
pub use en_route::{EnRouteView, Reassignment};
pub use offers::Proposal;
use pending_record::PendingRecord;
pub use reservations::Reservations;
pub use rules::Rules;
use trip_table::{TripChange, TripTable};

use crate::error::MatcherError;

/// A market: its trips, its part of the reservations, and the decisions that are not durable yet.
pub struct Market {
    id: MarketId,
    rules: Rules,
    /// Version of the newest durable record.
    version: Version,
    paused: bool,
    trips: TripTable,
    /// The reservations of all markets of the process.
    reservations: Reservations,
    cooldowns: Cooldowns,
    pending: PendingRecord,
}

/// A request without a driver.
#[derive(Clone, Copy)]
pub struct WaitingTrip<'a> {
    /// The trip, in the state `Requested`.
    pub trip: &'a Trip,
    /// Number of candidates in the next window.
    pub k: u32,
    /// Time of the window that deferred the request first; `None` before one has.
    pub deferred_since_ms: Option<Timestamp>,
    /// Drivers whose offer ended without a decline, and until when they get no other one.
    pub undecided: &'a [(DriverId, Timestamp)],
}

/// The trips of a rider in a market, and the one of a key.
#[derive(Debug)]
pub(crate) struct RiderTrips {
    /// The trip that was requested with the key.
    pub(crate) with_key: Option<Trip>,
    /// The trip that was requested with the key, and has left the market.
    pub(crate) ended_with_key: Option<TripId>,
    /// Number of the rider's live trips.
    pub(crate) live: usize,
}

/// The number of live trips in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Trips without a driver.
    pub waiting: usize,
    /// Trips that are offered to a driver.
    pub offered: usize,
    /// Trips whose driver is on the way to the pickup.
    pub en_route: usize,
    /// Trips whose driver waits at the pickup.
    pub arrived: usize,
    /// Trips with the rider in the vehicle.
    pub on_trip: usize,
    /// Time of the oldest request without a driver, in milliseconds since the Unix epoch.
    pub oldest_waiting_ms: Option<Timestamp>,
}

impl Market {
    /// An empty market. The caller replays its records, and then claims its reservations
    /// ([`Market::renew_reservations`]).
    pub fn new(id: MarketId, rules: Rules, reservations: Reservations) -> Self {
        Self {
            trips: TripTable::new(id.clone()),
            id,
            rules,
            version: Version::EMPTY,
            paused: false,
            reservations,
            cooldowns: Cooldowns::default(),
            pending: PendingRecord::default(),
        }
    }

    /// Returns the name of the market.
    pub fn id(&self) -> &MarketId {
        &self.id
    }

    /// Returns the version of the newest durable record.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Whether the market takes no requests and makes no offers.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Returns a record of all decisions since the last one; `None` without a decision.
    pub fn take_record(&mut self, now: Timestamp) -> Option<Record> {
        if self.pending.changes.is_empty() {
            return None;
        }
        let changes = std::mem::take(&mut self.pending.changes);
        Some(Record { at_ms: now, matcher: self.rules.matcher.clone(), changes })
    }

    /// Returns the rules. After [`Market::own`], their `matcher` includes the version of the takeover.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Marks the market as owned by this matcher, whose fence is the newest record. Later records add the version of the
    /// fence to the name of the matcher, which distinguishes them from the records of another process with the same name.
    pub fn own(&mut self) {
        self.rules.matcher = format!("{}@{}", self.rules.matcher, self.version);
    }

    /// Returns an empty record. Once it is durable, a delayed append under an older version fails.
    pub fn fence(&self, now: Timestamp) -> Record {
        Record { at_ms: now, matcher: self.rules.matcher.clone(), changes: Vec::new() }
    }

    /// Marks the last record as durable under this version. Ends the reservations that the record released, and returns
    /// the effects.
    pub fn committed(&mut self, version: Version) -> Vec<Effect> {
        assert!(self.pending.changes.is_empty(), "a record holds all decisions");
        self.version = version;
        for (driver, trip) in self.pending.released.drain(..) {
            // A later decision of the same record may have reserved the driver for this trip again.
            if self.trips.by_driver(&driver).is_none_or(|number| number != trip.number) {
                self.reservations.release(&driver, &trip);
            }
        }
        std::mem::take(&mut self.pending.effects)
    }

    /// Returns a live trip, or one that ended less than [`Rules::ended_kept_ms`] ago.
    pub fn trip(&self, id: &TripId) -> Option<&Trip> {
        self.trips.get(id).map(trip_table::TripEntry::trip)
    }

    /// Returns a rider's own trip. [`MatcherError::NotFound`] for an unknown trip and for another rider's.
    pub fn trip_of(&self, rider: &RiderId, id: &TripId) -> Result<&Trip, MatcherError> {
        self.trip(id).filter(|trip| trip.request.rider == *rider).ok_or_else(|| unknown_trip(id))
    }

    /// Returns the trip that the rider requested with this key, and the number of the rider's live trips.
    pub(crate) fn trips_of(&self, rider: &RiderId, key: &IdempotencyKey) -> RiderTrips {
        let with_key = self.trips.by_key(rider, key).map(|number| self.trips.entry(number).trip().clone());
        let ended = self.trips.used_keys().get(rider, key).map(|number| self.trips.id_of(number));
        RiderTrips { with_key, ended_with_key: ended, live: self.trips.live_trips(rider) }
    }

    /// Returns the riders of all trips, one for each trip.
    pub(crate) fn riders(&self) -> impl Iterator<Item = &RiderId> {
        self.trips.entries().map(|entry| &entry.trip().request.rider)
    }

    /// Returns the requests without a driver, oldest first.
    pub fn waiting(&self) -> impl Iterator<Item = WaitingTrip<'_>> {
        self.trips.waiting().map(|entry| WaitingTrip {
            trip: entry.trip(),
            k: entry.k(),
            deferred_since_ms: entry.deferred_since_ms(),
            undecided: entry.undecided(),
        })
    }

    /// Returns how often a request began to wait: new ones, and those that lost an offer or a driver.
    pub fn wait_starts(&self) -> u64 {
        self.trips.wait_starts()
    }

    /// Returns the trips that a driver has accepted and not ended, with their drivers, in no order.
    pub fn assigned(&self) -> impl Iterator<Item = (&DriverId, &Trip)> {
        self.trips
            .reserved()
            .filter(|(driver, trip)| trip.state != TripState::Offered && trip.driver.as_ref() == Some(driver))
    }

    /// Returns the meters from the pick-up to the last known position.
    pub fn metered_m(&self, id: &TripId) -> Option<f64> {
        self.trips.get(id).map(|entry| entry.meter().distance_m())
    }

    /// Returns the number of live trips in each state.
    pub fn counts(&self) -> Counts {
        let mut waiting = self.trips.waiting();
        let mut counts = Counts { waiting: waiting.len(), ..Counts::default() };
        counts.oldest_waiting_ms = waiting.next().map(|entry| entry.trip().times.requested_ms);
        for (driver, trip) in self.trips.reserved() {
            match trip.state {
                // The driver only has a takeover offer; the trip counts with its own driver.
                _ if trip.driver.as_ref() != Some(driver) => {}
                TripState::Offered => counts.offered += 1,
                TripState::EnRoute => counts.en_route += 1,
                TripState::Arrived => counts.arrived += 1,
                TripState::OnTrip => counts.on_trip += 1,
                state => unreachable!("no driver is reserved for a trip that is {state}"),
            }
        }
        counts
    }

    /// Adds the trip of a request, and queues the change.
    fn open(&mut self, now: Timestamp, request: RideRequest) -> TripId {
        let number = self.trips.next_number();
        let trip = self.trips.id_of(number);
        let event = TripEvent::Requested(Box::new(request.clone()));
        self.trips.insert(&self.rules, number, request, now);
        self.pending.effects.push(Effect::TripChanged { trip: trip.clone() });
        self.pending.changes.push(Change::Trip { trip: trip.clone(), event });
        trip
    }

    /// Applies an event to a trip of this market, and queues the change. A repeated event changes nothing.
    fn apply(&mut self, now: Timestamp, number: u64, event: TripEvent) -> Result<Outcome, MatcherError> {
        let change = self.apply_unqueued(now, number, &event)?;
        if change.outcome == Outcome::Changed {
            let trip = self.trips.entry(number).trip();
            self.pending.effects.extend(effect::effects_of(&event, trip, &change.reserved_before));
            self.pending.released.extend(change.released.into_iter().map(|driver| (driver, trip.id.clone())));
            self.pending.changes.push(Change::Trip { trip: trip.id.clone(), event });
        }
        Ok(change.outcome)
    }

    /// Applies an event to a trip of this market, without queueing it: for a replay.
    fn apply_unqueued(
        &mut self,
        at_ms: Timestamp,
        number: u64,
        event: &TripEvent,
    ) -> Result<TripChange, MatcherError> {
        let change = self.trips.apply(&self.rules, at_ms, number, event)?;
        if let (Outcome::Changed, TripEvent::Reassigned { from, .. }) = (change.outcome, event) {
            self.cooldowns.begin(from, at_ms, self.rules.reassignment_cooldown_ms);
        }
        Ok(change)
    }
}

/// The error for a trip that the market does not have.
pub(crate) fn unknown_trip(trip: &TripId) -> MatcherError {
    MatcherError::NotFound { what: "trip", id: trip.to_string() }
}
