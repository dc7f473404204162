//! From the journal to the market again: records one by one, or a snapshot first.

use kerb_ports::Error;
use kerb_trips::{Change, MarketId, Outcome, Record, StepNote, Trip, TripEvent, TripId, Version};
use kerb_types::DriverId;

use super::trip_table::Entry;
use super::{Market, Reservations, Rules, snapshot};

impl Market {
    /// The market as it is, to begin from instead of from its first record. Nothing may be queued.
    pub fn snapshot(&self) -> Vec<u8> {
        assert!(self.queued.is_empty() && self.effects.is_empty(), "a snapshot holds what is durable");
        let mut trips: Vec<&Trip> = self.trips.values().map(|entry| &entry.trip).collect();
        trips.sort_unstable_by_key(|trip| trip.id.number);
        snapshot::write(self.paused, self.next_number, &trips)
    }

    /// The market of a snapshot.
    pub fn restore(
        id: MarketId,
        rules: Rules,
        reservations: Reservations,
        version: Version,
        snapshot: &[u8],
    ) -> Result<Self, Error> {
        let read = snapshot::read(snapshot).map_err(|error| {
            Error::Internal(format!(
                "the snapshot of market {id} at version {version} cannot be read: {error}"
            ))
        })?;
        let mut market = Self::new(id, rules, reservations);
        market.version = version;
        market.paused = read.paused;
        market.next_number = read.next_number;
        market.trips.reserve(read.trips.len());
        market.keys.reserve(read.trips.len());
        for trip in read.trips {
            if trip.id.market != market.id {
                return Err(Error::Internal(format!(
                    "the snapshot of market {} at version {version} holds trip {}",
                    market.id, trip.id
                )));
            }
            market.adopt(trip);
        }
        Ok(market)
    }

    /// A durable record. [`Error::Internal`] for one that does not follow from those before.
    pub fn replay(&mut self, version: Version, record: &Record) -> Result<(), Error> {
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
        // Claims follow once all is read.
        self.ending.clear();
        self.version = version;
        Ok(())
    }

    /// All records were read: the drivers who are promised here are claimed, and nobody else of this market's any more.
    /// Answers whom another market claims, which is nobody when both were written by matchers that fence.
    pub fn renew_reservations(&self) -> Vec<DriverId> {
        let promises = self.by_driver.iter().map(|(driver, number)| (driver.clone(), self.trip_id(*number)));
        self.reservations.renew(&self.id, promises)
    }

    fn replay_event(&mut self, at_ms: i64, trip: &TripId, event: &TripEvent) -> Result<(), Error> {
        if let TripEvent::Requested(request) = event {
            self.insert(trip.number, (**request).clone(), at_ms);
            return Ok(());
        }
        if !self.trips.contains_key(&trip.number) {
            return Err(Error::Internal(format!("trip {trip} was never requested")));
        }
        if self.take(at_ms, trip.number, event)? == Outcome::Repeated {
            return Err(Error::Internal(format!("trip {trip} has taken {} before", event.kind())));
        }
        Ok(())
    }

    fn broken(&self, version: Version, why: &str) -> Error {
        Error::Internal(format!("record {version} of market {} does not hold: {why}", self.id))
    }

    /// Takes a trip of a snapshot into the lists.
    fn adopt(&mut self, mut trip: Trip) {
        let number = trip.id.number;
        // One name for all of them.
        trip.id = self.trip_id(number);
        let rider = trip.request.rider.clone();
        self.keys.insert((rider.clone(), trip.request.key.clone()), number);
        if trip.state.is_live() {
            *self.live_of_rider.entry(rider).or_default() += 1;
        }
        if trip.state == kerb_trips::TripState::Requested {
            self.waiting.insert((trip.times.requested_ms, number));
        }
        for driver in trip.reserved_drivers() {
            self.by_driver.insert(driver.clone(), number);
        }
        for step in &trip.steps {
            if let StepNote::Reassigned { from } = &step.note {
                self.begin_cooldown(from, step.at_ms);
            }
        }
        self.trips.insert(number, Entry::new(trip, self.rules.k_min));
        self.set_due(number);
    }
}
