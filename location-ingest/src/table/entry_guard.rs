//! A locked entry, and everything that a writer may do with it.

use kerb_types::{Capabilities, DriverId, DriverProfile, Timestamp, VehicleClass};
use parking_lot::MutexGuard;

use super::entry::{DriverState, Entry, LockedFields};
use super::inline_id::LongIds;
use super::rate_limit::{Pace, RateLimit};

/// The lock of an entry.
pub(crate) struct EntryGuard<'a> {
    entry: &'a Entry,
    fields: MutexGuard<'a, LockedFields>,
    /// The long ids of the entry's chunk.
    long_ids: &'a LongIds,
}

impl<'a> EntryGuard<'a> {
    /// Waits for the lock.
    #[inline]
    pub(crate) fn new(entry: &'a Entry, long_ids: &'a LongIds) -> Self {
        Self { entry, fields: entry.lock(), long_ids }
    }

    /// Whether the entry belongs to this driver.
    #[inline]
    pub(crate) fn has_id(&self, id: &DriverId) -> bool {
        self.fields.id.equals(id, self.long_ids)
    }

    /// Returns the entry's driver; `None` if the slot is free.
    pub(crate) fn id(&self) -> Option<DriverId> {
        self.fields.id.get(self.long_ids)
    }

    /// Returns the profile of the entry's driver; `None` if the slot is free.
    pub(crate) fn profile(&self) -> Option<DriverProfile> {
        let vehicle_class = VehicleClass(self.fields.vehicle_class);
        let capabilities = Capabilities(self.entry.capabilities());
        self.id().map(|id| DriverProfile { id, vehicle_class, capabilities })
    }

    /// Assigns a free slot to a driver.
    pub(crate) fn assign(&mut self, profile: &DriverProfile) {
        self.fields.id.set(&profile.id, self.long_ids);
        self.set_profile(profile);
    }

    /// Replaces the driver's vehicle class and capabilities. Returns whether they changed.
    pub(crate) fn set_profile(&mut self, profile: &DriverProfile) -> bool {
        let (class, capabilities) = (profile.vehicle_class.0, profile.capabilities.0);
        let changed = (self.fields.vehicle_class, self.entry.capabilities()) != (class, capabilities);
        if changed {
            self.fields.vehicle_class = class;
            self.entry.set_capabilities(&mut self.fields, capabilities);
        }
        changed
    }

    /// Removes the driver: the slot is free.
    pub(crate) fn clear(&mut self) {
        self.write(None);
        self.fields.id.clear(self.long_ids);
        *self.fields = LockedFields::default();
    }

    /// Returns the driver's newest state; `None` before its first update.
    #[inline]
    pub(crate) fn state(&self) -> Option<DriverState> {
        self.entry.read_locked(&self.fields)
    }

    /// Returns the sequence of the newest state, or the last one that the driver has reported to another node.
    #[inline]
    pub(crate) fn last_sequence(&self) -> u64 {
        self.entry.last_sequence(&self.fields)
    }

    /// Records the last sequence that a driver without a state has reported to another node.
    pub(crate) fn set_last_sequence(&mut self, sequence: u64) {
        if self.state().is_none() {
            self.entry.set_last_sequence(&mut self.fields, sequence);
        }
    }

    /// Replaces the state. `None` resets it to that before the first update.
    #[inline]
    pub(crate) fn write(&mut self, state: Option<&DriverState>) {
        self.entry.write(&mut self.fields, state);
    }

    /// Checks an update that arrives now against the driver's rate limit.
    #[inline]
    pub(crate) fn check_rate(&mut self, limit: RateLimit, now: Timestamp) -> Pace {
        if limit == RateLimit::NONE {
            return Pace::Fine;
        }
        let mut due_us = self.fields.next_due.get(now);
        let pace = limit.check(&mut due_us, now);
        self.fields.next_due.set(due_us);
        pace
    }
}
