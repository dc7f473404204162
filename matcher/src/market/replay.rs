//! Restores a market from its journal: from a snapshot, and record by record.

use kerb_trips::{Change, MarketId, Outcome, Record, StepNote, Trip, TripEvent, TripId, Version};
use kerb_types::{DriverId, Timestamp};

use crate::error::MatcherError;
use crate::market::trip_table::{TripEntry, TripTable};
use crate::market::{Market, Reservations, Rules, snapshot};

impl Market {
    /// Encodes the market, as a start of later reads instead of the first record. No decision may be pending.
    pub fn snapshot(&self) -> Vec<u8> {
        let pending = &self.pending;
        assert!(
            pending.changes.is_empty() && pending.effects.is_empty(),
            "a snapshot only holds durable state"
        );
        let mut trips: Vec<&Trip> = self.trips.entries().map(TripEntry::trip).collect();
        trips.sort_unstable_by_key(|trip| trip.id.number);
        let used_keys: Vec<_> = self.trips.used_keys().all().collect();
        snapshot::write(self.paused, self.trips.next_number(), &trips, &used_keys)
    }

    /// Decodes a snapshot of the market.
    pub fn restore(
        id: MarketId,
        rules: Rules,
        reservations: Reservations,
        version: Version,
        snapshot: &[u8],
    ) -> Result<Self, MatcherError> {
        let read = snapshot::read(snapshot).map_err(|error| {
            MatcherError::Internal(format!(
                "the snapshot of market {id} at version {version} cannot be read: {error}"
            ))
        })?;
        let mut market = Self::new(id, rules, reservations);
        market.version = version;
        market.paused = read.paused;
        market.trips = TripTable::with_capacity(market.id.clone(), read.next_number, read.trips.len());
        for trip in read.trips {
            if trip.id.market != market.id {
                return Err(MatcherError::Internal(format!(
                    "the snapshot of market {} at version {version} holds trip {}",
                    market.id, trip.id
                )));
            }
            market.restore_trip(trip);
        }
        read.used_keys.into_iter().for_each(|used| market.trips.restore_key(used));
        Ok(market)
    }

    fn restore_trip(&mut self, trip: Trip) {
        for step in &trip.steps {
            if let StepNote::Reassigned { from } = &step.note {
                self.cooldowns.begin(from, step.at_ms, self.rules.reassignment_cooldown_ms);
            }
        }
        self.trips.restore(&self.rules, trip);
    }

    /// Applies a durable record. [`MatcherError::Internal`] for a record that does not follow from those before.
    pub fn replay(&mut self, version: Version, record: &Record) -> Result<(), MatcherError> {
        if version != self.version + 1 {
            return Err(self.broken(version, &format!("it comes after version {}", self.version)));
        }
        for change in &record.changes {
            match change {
                Change::MarketPaused { paused } => self.paused = *paused,
                Change::Trip { trip, event } => self
                    .replay_event(record.at_ms, trip, event)
                    .map_err(|error| self.broken(version, &error.to_string()))?,
            }
        }
        self.version = version;
        Ok(())
    }

    /// Claims the reservations of a market whose records are all read, and ends every other reservation of the market.
    /// Returns the drivers that another market has reserved; there are none if all matchers fence.
    pub fn renew_reservations(&self) -> Vec<DriverId> {
        let reserved = self.trips.reserved().map(|(driver, trip)| (driver.clone(), trip.id.clone()));
        self.reservations.renew(&self.id, reserved)
    }

    fn replay_event(
        &mut self,
        at_ms: Timestamp,
        trip: &TripId,
        event: &TripEvent,
    ) -> Result<(), MatcherError> {
        if let TripEvent::Requested(request) = event {
            // The table would forget the first trip, but not its timer and its reserved driver.
            if self.trips.contains(trip.number) {
                return Err(MatcherError::Internal(format!("trip {trip} was requested before")));
            }
            self.trips.insert(&self.rules, trip.number, (**request).clone(), at_ms);
            return Ok(());
        }
        if !self.trips.contains(trip.number) {
            return Err(MatcherError::Internal(format!("trip {trip} was never requested")));
        }
        // The reservations follow when all records are read, so the released drivers do not matter here.
        let change = self.apply_unqueued(at_ms, trip.number, event)?;
        if change.outcome == Outcome::Repeated {
            return Err(MatcherError::Internal(format!("trip {trip} has taken {} before", event.kind())));
        }
        Ok(())
    }

    fn broken(&self, version: Version, reason: &str) -> MatcherError {
        MatcherError::Internal(format!("record {version} of market {} does not hold: {reason}", self.id))
    }
}
