//! The trips of a market and the indexes over them. This module is the only one that changes either.

mod due;
mod entry;
mod meter;
mod reserved_drivers;
mod used_keys;
mod volatile;

use std::collections::{BTreeSet, HashMap};

use foldhash::quality::RandomState;
use kerb_trips::{EventKind, IdempotencyKey, MarketId, Outcome, RideRequest, RiderId};
use kerb_trips::{Trip, TripEvent, TripId, TripState};
use kerb_types::{DriverId, Timestamp};

use crate::error::MatcherError;
use crate::market::rules::Rules;
use due::due_ms;
pub(super) use entry::TripEntry;
pub(super) use reserved_drivers::ReservedDrivers;
pub(super) use used_keys::{UsedKey, UsedKeys};

/// The trips of a market by number, and the indexes over them.
pub(super) struct TripTable {
    market: MarketId,
    /// Number of the next new trip.
    next_number: u64,
    entries: HashMap<u64, TripEntry, RandomState>,
    /// The trip of each idempotency key.
    by_key: HashMap<(RiderId, IdempotencyKey), u64, RandomState>,
    /// The keys of trips that have left the table.
    used_keys: UsedKeys,
    /// Number of live trips of each rider who has any.
    live_by_rider: HashMap<RiderId, usize, RandomState>,
    /// Requests without a driver, oldest first: time of the request, and number.
    waiting: BTreeSet<(Timestamp, u64)>,
    wait_starts: u64,
    /// The trip that each reserved driver is reserved for.
    by_driver: HashMap<DriverId, u64, RandomState>,
    /// The trips with a timer, by due time.
    due: BTreeSet<(Timestamp, u64)>,
}

/// The result of applying an event to a trip.
pub(super) struct TripChange {
    pub(super) outcome: Outcome,
    /// The drivers that were reserved for the trip before the event.
    pub(super) reserved_before: ReservedDrivers,
    /// The drivers that the event released from the trip.
    pub(super) released: Vec<DriverId>,
}

impl TripTable {
    pub(super) fn new(market: MarketId) -> Self {
        Self {
            market,
            next_number: 1,
            entries: HashMap::default(),
            by_key: HashMap::default(),
            used_keys: UsedKeys::default(),
            live_by_rider: HashMap::default(),
            waiting: BTreeSet::new(),
            wait_starts: 0,
            by_driver: HashMap::default(),
            due: BTreeSet::new(),
        }
    }

    /// An empty table whose next trip has this number, with memory for `capacity` trips.
    pub(super) fn with_capacity(market: MarketId, next_number: u64, capacity: usize) -> Self {
        let mut table = Self::new(market);
        table.next_number = next_number;
        table.entries.reserve(capacity);
        table.by_key.reserve(capacity);
        table
    }

    pub(super) fn id_of(&self, number: u64) -> TripId {
        TripId { market: self.market.clone(), number }
    }

    pub(super) fn next_number(&self) -> u64 {
        self.next_number
    }

    /// Returns the entry of a trip; `None` for an unknown trip and for another market's.
    pub(super) fn get(&self, id: &TripId) -> Option<&TripEntry> {
        if id.market == self.market { self.entries.get(&id.number) } else { None }
    }

    /// Returns the entry of a trip that is in the table. Panics for another number.
    pub(super) fn entry(&self, number: u64) -> &TripEntry {
        &self.entries[&number]
    }

    /// Whether the table has a trip with this number.
    pub(super) fn contains(&self, number: u64) -> bool {
        self.entries.contains_key(&number)
    }

    /// Returns all entries, in no order.
    pub(super) fn entries(&self) -> impl Iterator<Item = &TripEntry> {
        self.entries.values()
    }

    /// Returns the number of the trip that the rider requested with this key.
    pub(super) fn by_key(&self, rider: &RiderId, key: &IdempotencyKey) -> Option<u64> {
        self.by_key.get(&(rider.clone(), key.clone())).copied()
    }

    /// Returns the keys of trips that have left the table.
    pub(super) fn used_keys(&self) -> &UsedKeys {
        &self.used_keys
    }

    /// Adds a key of a snapshot.
    pub(super) fn restore_key(&mut self, used: UsedKey) {
        self.used_keys.add(used);
    }

    /// Forgets the keys whose time is over.
    pub(super) fn expire_keys(&mut self, now: Timestamp) {
        self.used_keys.expire(now);
    }

    /// Returns the number of the trip that the driver is reserved for.
    pub(super) fn by_driver(&self, driver: &DriverId) -> Option<u64> {
        self.by_driver.get(driver).copied()
    }

    /// Returns the reserved drivers with their trips, in no order.
    pub(super) fn reserved(&self) -> impl Iterator<Item = (&DriverId, &Trip)> {
        self.by_driver.iter().map(|(driver, number)| (driver, self.entries[number].trip()))
    }

    /// Returns the number of live trips of a rider.
    pub(super) fn live_trips(&self, rider: &RiderId) -> usize {
        self.live_by_rider.get(rider).copied().unwrap_or(0)
    }

    /// Returns the requests without a driver, oldest first.
    pub(super) fn waiting(&self) -> impl ExactSizeIterator<Item = &TripEntry> {
        self.waiting.iter().map(|(_, number)| &self.entries[number])
    }

    /// Returns how often a trip began to wait for a driver.
    pub(super) fn wait_starts(&self) -> u64 {
        self.wait_starts
    }

    /// Returns the due time and the number of the trip whose timer is due first.
    pub(super) fn next_due(&self) -> Option<(Timestamp, u64)> {
        self.due.first().copied()
    }

    /// Adds the trip of a new request.
    pub(super) fn insert(&mut self, rules: &Rules, number: u64, request: RideRequest, at_ms: Timestamp) {
        let trip = Trip::requested(self.id_of(number), request, at_ms);
        self.next_number = self.next_number.max(number.saturating_add(1));
        self.add(rules, trip);
    }

    /// Adds a trip of a snapshot.
    pub(super) fn restore(&mut self, rules: &Rules, mut trip: Trip) {
        // All trips share one allocation of the market's name.
        trip.id = self.id_of(trip.id.number);
        self.add(rules, trip);
    }

    fn add(&mut self, rules: &Rules, trip: Trip) {
        let (number, rider) = (trip.id.number, &trip.request.rider);
        self.by_key.insert((rider.clone(), trip.request.key.clone()), number);
        if trip.state.is_live() {
            *self.live_by_rider.entry(rider.clone()).or_default() += 1;
        }
        if trip.state == TripState::Requested {
            self.waiting.insert((trip.times.requested_ms, number));
            self.wait_starts += 1;
        }
        for driver in trip.reserved_drivers() {
            self.by_driver.insert(driver.clone(), number);
        }
        self.entries.insert(number, TripEntry::new(trip, rules.k_min));
        self.set_due(rules, number);
    }

    /// Applies an event to a trip that is in the table, and updates the indexes. A repeated event changes nothing.
    pub(super) fn apply(
        &mut self,
        rules: &Rules,
        at_ms: Timestamp,
        number: u64,
        event: &TripEvent,
    ) -> Result<TripChange, MatcherError> {
        let entry = self.entries.get_mut(&number).expect("the caller has looked it up");
        let (state_before, reserved_before) = (entry.trip.state, ReservedDrivers::of(&entry.trip));
        let outcome = entry.trip.apply(event, at_ms)?;
        let mut released = Vec::new();
        if outcome == Outcome::Changed {
            entry.meter.apply(event, at_ms);
            entry.note_return(event, at_ms, rules.silence_ms);
            // A meter checkpoint changes neither state nor drivers, and is the most frequent event.
            if event.kind() != EventKind::Metered {
                released = self.update_indexes(rules, number, state_before, &reserved_before);
            }
        }
        Ok(TripChange { outcome, reserved_before, released })
    }

    /// Updates the indexes after a change of a trip. Returns the drivers that the trip released.
    fn update_indexes(
        &mut self,
        rules: &Rules,
        number: u64,
        state_before: TripState,
        reserved_before: &ReservedDrivers,
    ) -> Vec<DriverId> {
        let entry = self.entries.get_mut(&number).expect("the caller has just changed it");
        let (state, requested_ms) = (entry.trip.state, entry.trip.times.requested_ms);
        let reserved = ReservedDrivers::of(&entry.trip);
        if reserved_before.own != reserved.own {
            // What is known about the previous driver does not hold for the next one.
            (entry.disconnected_since_ms, entry.driver_position) = (None, None);
        }
        let released: Vec<DriverId> = reserved_before.without(&reserved).cloned().collect();
        for driver in &released {
            self.by_driver.remove(driver);
        }
        for driver in reserved.without(reserved_before) {
            self.by_driver.insert(driver.clone(), number);
        }
        if state_before == TripState::Requested {
            self.waiting.remove(&(requested_ms, number));
        }
        if state == TripState::Requested {
            self.waiting.insert((requested_ms, number));
            self.wait_starts += u64::from(state_before != TripState::Requested);
        }
        if state_before.is_live() && !state.is_live() {
            self.remove_live(number);
        }
        self.set_due(rules, number);
        released
    }

    fn remove_live(&mut self, number: u64) {
        let rider = &self.entries[&number].trip.request.rider;
        if let Some(live) = self.live_by_rider.get_mut(rider) {
            *live -= 1;
            if *live == 0 {
                self.live_by_rider.remove(rider);
            }
        }
    }

    /// Sets the timer of a trip by its state.
    fn set_due(&mut self, rules: &Rules, number: u64) {
        let entry = self.entries.get_mut(&number).expect("the caller has just changed it");
        let due_ms = due_ms(entry, rules);
        if let Some(before_ms) = std::mem::replace(&mut entry.due_ms, due_ms) {
            self.due.remove(&(before_ms, number));
        }
        if let Some(due_ms) = due_ms {
            self.due.insert((due_ms, number));
        }
    }

    /// Removes an ended trip whose timer is due. Its key stays used for a while.
    pub(super) fn remove(&mut self, rules: &Rules, number: u64) {
        let entry = self.entries.remove(&number).expect("it has a timer");
        self.due.remove(&(entry.due_ms.expect("it was due"), number));
        let (rider, key) = (entry.trip.request.rider, entry.trip.request.key);
        self.by_key.remove(&(rider.clone(), key.clone()));
        let until_ms = entry.trip.times.ended_ms.unwrap_or_default() + rules.keys_kept_ms;
        self.used_keys.add(UsedKey { rider, key, trip: number, until_ms });
    }
}
