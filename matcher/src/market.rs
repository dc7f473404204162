//! A market: its trips, and every decision about them. Pure: `now_ms` comes in, records and effects go out.
//!
//! A decision changes the state at once and queues what is to be written ([`Market::take_record`]). Nobody is told
//! before the record is durable ([`Market::committed`]); when it does not become so, the market is thrown away and
//! read again from its journal. So a promise that anybody has heard of stands in the journal, in an order in which no
//! driver and no trip is promised twice.

mod commands;
mod effect;
mod offers;
mod reassign;
mod replay;
mod reservations;
mod rules;
mod snapshot;
mod timers;
mod trip_table;

use std::collections::{BTreeSet, HashMap};

use foldhash::quality::RandomState;
use kerb_ports::Error;
use kerb_trips::{Change, MarketId, Record, RiderId, Trip, TripId, TripState, Version};
use kerb_types::DriverId;

pub use effect::Effect;
pub use offers::Proposal;
pub use reassign::{EnRouteView, Reassignment};
pub use reservations::Reservations;
pub use rules::Rules;
use trip_table::Entry;

/// One market.
pub struct Market {
    id: MarketId,
    rules: Rules,
    reservations: Reservations,
    /// Of the newest durable record.
    version: Version,
    paused: bool,
    next_number: u64,
    trips: HashMap<u64, Entry, RandomState>,
    keys: HashMap<trip_table::Key, u64, RandomState>,
    live_of_rider: HashMap<RiderId, usize, RandomState>,
    /// Requests without a driver, oldest first.
    waiting: BTreeSet<(i64, u64)>,
    /// The trip that a driver is promised to here.
    by_driver: HashMap<DriverId, u64, RandomState>,
    /// When drivers last lost a trip to a nearer one: those who are to be spared, and some who were.
    cooldowns: HashMap<DriverId, i64, RandomState>,
    /// When a trip is to be looked at again.
    due: BTreeSet<(i64, u64)>,
    queued: Vec<Change>,
    effects: Vec<Effect>,
    /// Promises whose end is queued.
    ending: Vec<(DriverId, TripId)>,
}

/// A request that waits for a driver.
#[derive(Clone, Copy)]
pub struct WaitingTrip<'a> {
    /// The trip.
    pub trip: &'a Trip,
    /// Candidates to look at.
    pub k: u32,
    /// Windows in which it waited for a driver who was to be free soon.
    pub deferrals: u32,
}

/// Trips by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Without a driver.
    pub waiting: usize,
    /// A driver is asked.
    pub offered: usize,
    /// A driver is under way to the pickup.
    pub en_route: usize,
    /// A driver waits at the pickup.
    pub arrived: usize,
    /// The rider is in the vehicle.
    pub on_trip: usize,
    /// When the oldest waiting request was made, milliseconds since the Unix epoch.
    pub oldest_waiting_ms: Option<i64>,
}

impl Market {
    /// An empty market. A caller replays its records into it, then takes its reservations
    /// ([`Market::renew_reservations`]).
    pub fn new(id: MarketId, rules: Rules, reservations: Reservations) -> Self {
        Self {
            id,
            rules,
            reservations,
            version: 0,
            paused: false,
            next_number: 1,
            trips: HashMap::default(),
            keys: HashMap::default(),
            live_of_rider: HashMap::default(),
            waiting: BTreeSet::new(),
            by_driver: HashMap::default(),
            cooldowns: HashMap::default(),
            due: BTreeSet::new(),
            queued: Vec::new(),
            effects: Vec::new(),
            ending: Vec::new(),
        }
    }

    /// Its name.
    pub fn id(&self) -> &MarketId {
        &self.id
    }

    /// Of the newest durable record.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Takes no requests and makes no offers.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// All that was decided since the last record; `None` when nothing was.
    pub fn take_record(&mut self, now_ms: i64) -> Option<Record> {
        if self.queued.is_empty() {
            return None;
        }
        let changes = std::mem::take(&mut self.queued);
        Some(Record { at_ms: now_ms, matcher: self.rules.matcher.clone(), changes })
    }

    /// What it decides by; `matcher` names the version of the take-over too, once there was one.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The newest record is this matcher's fence, so the market is its own: later records name that version beside the
    /// matcher, which tells them from those of any other one, even of the same name.
    pub fn own(&mut self) {
        self.rules.matcher = format!("{}@{}", self.rules.matcher, self.version);
    }

    /// A record that changes nothing: what was written under an older version, and may still be on its way, cannot come
    /// after it.
    pub fn fence(&self, now_ms: i64) -> Record {
        Record { at_ms: now_ms, matcher: self.rules.matcher.clone(), changes: Vec::new() }
    }

    /// The record is durable under this version: what is to be told now.
    pub fn committed(&mut self, version: Version) -> Vec<Effect> {
        assert!(self.queued.is_empty(), "a record holds all that was decided");
        self.version = version;
        for (driver, trip) in self.ending.drain(..) {
            if self.by_driver.get(&driver).is_none_or(|number| *number != trip.number) {
                self.reservations.release(&driver, &trip);
            }
        }
        std::mem::take(&mut self.effects)
    }

    /// A live trip, or one that ended not long ago.
    pub fn trip(&self, id: &TripId) -> Option<&Trip> {
        self.entry(id).map(|entry| &entry.trip)
    }

    /// A rider's own trip. [`Error::NotFound`] for an unknown one and for another rider's.
    pub fn trip_of(&self, rider: &RiderId, id: &TripId) -> Result<&Trip, Error> {
        self.trip(id).filter(|trip| trip.request.rider == *rider).ok_or_else(|| unknown(id))
    }

    /// Requests without a driver, oldest first.
    pub fn waiting(&self) -> impl Iterator<Item = WaitingTrip<'_>> {
        self.waiting.iter().map(|(_, number)| {
            let entry = &self.trips[number];
            WaitingTrip { trip: &entry.trip, k: entry.k, deferrals: entry.deferrals }
        })
    }

    /// Trips whose driver is under way, from the acceptance to the drop-off.
    pub fn assigned(&self) -> impl Iterator<Item = (&DriverId, &Trip)> {
        let trips = self.by_driver.iter().map(|(driver, number)| (driver, &self.trips[number].trip));
        trips
            .filter(|(driver, trip)| trip.state != TripState::Offered && trip.driver.as_ref() == Some(driver))
    }

    /// Meters since the pick-up, by the positions that came so far.
    pub fn metered_m(&self, id: &TripId) -> Option<f64> {
        self.entry(id).map(|entry| entry.meter_m)
    }

    /// Trips by state.
    pub fn counts(&self) -> Counts {
        let oldest_waiting_ms = self.waiting.first().map(|(requested_ms, _)| *requested_ms);
        let mut counts = Counts { waiting: self.waiting.len(), oldest_waiting_ms, ..Counts::default() };
        for (driver, number) in &self.by_driver {
            let trip = &self.trips[number].trip;
            match trip.state {
                // Asked to take it over: it is its own driver's that counts.
                _ if trip.driver.as_ref() != Some(driver) => {}
                TripState::Offered => counts.offered += 1,
                TripState::EnRoute => counts.en_route += 1,
                TripState::Arrived => counts.arrived += 1,
                TripState::OnTrip => counts.on_trip += 1,
                state => unreachable!("no driver is promised to a trip that is {state}"),
            }
        }
        counts
    }

    fn entry(&self, id: &TripId) -> Option<&Entry> {
        if id.market == self.id { self.trips.get(&id.number) } else { None }
    }

    fn trip_id(&self, number: u64) -> TripId {
        TripId { market: self.id.clone(), number }
    }
}

fn unknown(trip: &TripId) -> Error {
    Error::NotFound { what: "trip", id: trip.to_string() }
}
