//! An entry under its lock: all that a writer may do with it.

use kerb_types::{Capabilities, DriverId, DriverProfile, VehicleClass};
use parking_lot::MutexGuard;

use crate::entry::{Entry, Owner, State};
use crate::name::LongIds;
use crate::rate::{Pace, RateLimit};

/// See the module.
pub(crate) struct Held<'a> {
    entry: &'a Entry,
    owner: MutexGuard<'a, Owner>,
    /// Of the entry's chunk.
    long: &'a LongIds,
}

impl<'a> Held<'a> {
    /// Waits for the lock.
    #[inline]
    pub(crate) fn new(entry: &'a Entry, long: &'a LongIds) -> Self {
        Self { entry, owner: entry.lock(), long }
    }

    /// Whether the entry is this driver's.
    #[inline]
    pub(crate) fn is_of(&self, id: &DriverId) -> bool {
        self.owner.name.is(id, self.long)
    }

    /// Whose entry it is; `None`: a free slot.
    pub(crate) fn id(&self) -> Option<DriverId> {
        self.owner.name.id(self.long)
    }

    /// The profile of whose entry it is; `None`: a free slot.
    pub(crate) fn profile(&self) -> Option<DriverProfile> {
        let vehicle_class = VehicleClass(self.owner.vehicle_class);
        let capabilities = Capabilities(self.entry.capabilities());
        self.id().map(|id| DriverProfile { id, vehicle_class, capabilities })
    }

    /// Gives a free slot its driver.
    pub(crate) fn give(&mut self, profile: &DriverProfile) {
        self.owner.name.set(&profile.id, self.long);
        self.set_kind(profile);
    }

    /// Replaces what a driver is. Answers whether that differed.
    pub(crate) fn set_kind(&mut self, profile: &DriverProfile) -> bool {
        let (class, capabilities) = (profile.vehicle_class.0, profile.capabilities.0);
        let differs = (self.owner.vehicle_class, self.entry.capabilities()) != (class, capabilities);
        if differs {
            self.owner.vehicle_class = class;
            self.entry.set_capabilities(&mut self.owner, capabilities);
        }
        differs
    }

    /// From now on nobody's.
    pub(crate) fn clear(&mut self) {
        self.write(None);
        self.owner.name.clear(self.long);
        *self.owner = Owner::default();
    }

    /// The newest state; `None` when the driver has not reported yet.
    #[inline]
    pub(crate) fn state(&self) -> Option<State> {
        self.entry.read_locked(&self.owner)
    }

    /// Replaces the state. `None`: as if it had never reported.
    #[inline]
    pub(crate) fn write(&mut self, state: Option<&State>) {
        self.entry.write(&mut self.owner, state);
    }

    /// Judges an update that comes now.
    #[inline]
    pub(crate) fn pace(&mut self, limit: RateLimit, now_ms: i64) -> Pace {
        if limit == RateLimit::NONE {
            return Pace::Fine;
        }
        let mut due_us = self.owner.due.get(now_ms);
        let pace = limit.check(&mut due_us, now_ms);
        self.owner.due.set(due_us);
        pace
    }
}
