//! All drivers that a node knows: registration, look-ups, and the restored state at the start.
//!
//! `update`, `retirement` and `expiry` add the other operations.

use kerb_ports::Slot;
use kerb_types::{DriverId, DriverProfile, Millis, ShardId, Sharding};
use parking_lot::Mutex;

use super::directory::Directory;
use super::entry::DriverState;
use super::registered_driver::RegisteredDriver;
use super::reverse_index::ReverseIndex;
use super::slab::{Mark, Slab};
use crate::error::IngestError;

/// The most drivers that a table can have. Slots are 32-bit numbers, and this many drivers take 8 GiB of entries.
pub(crate) const DRIVERS_MAX: usize = 1 << 27;

/// All drivers that this node knows.
pub struct DriverTable {
    pub(super) sharding: Sharding,
    pub(super) directory: Directory,
    pub(super) slab: Slab,
    pub(super) reverse_index: ReverseIndex,
    /// The order of a driver's updates ends this long after the last one; see `update_order`.
    pub(super) order_ends_after: Millis,
    /// Slots that were allocated since the last [`DriverTable::take_newcomers`], each once.
    newcomers: Mutex<Vec<Slot>>,
    /// Slots that are free once the store has removed their last driver.
    pub(super) waiting_for_flush: Mutex<Vec<Slot>>,
}

impl DriverTable {
    /// Creates an empty table with room for `drivers_max`.
    pub fn new(sharding: Sharding, drivers_max: usize) -> Self {
        Self {
            sharding,
            directory: Directory::new(),
            slab: Slab::new(drivers_max),
            reverse_index: ReverseIndex::new(sharding.shards()),
            order_ends_after: Millis::MAX,
            newcomers: Mutex::default(),
            waiting_for_flush: Mutex::default(),
        }
    }

    /// Ends the order of a driver's updates this long after the last one: the next update may have any sequence. Without it
    /// an order never ends.
    #[must_use]
    pub fn with_order_ending_after(mut self, span: Millis) -> Self {
        self.order_ends_after = span;
        self
    }

    /// Returns the number of drivers.
    pub fn len(&self) -> usize {
        self.directory.len()
    }

    /// Whether the table has no driver.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of drivers in the reverse index.
    pub fn searchable(&self) -> usize {
        self.reverse_index.len()
    }

    /// Returns how positions map to shards.
    pub fn sharding(&self) -> Sharding {
        self.sharding
    }

    /// Returns the end of the slots: every slot of the table is below it.
    pub fn slots_end(&self) -> Slot {
        self.slab.end()
    }

    /// Finds a driver's entry or creates it, and replaces a different profile. `visit` runs while the driver cannot be
    /// retired, so [`DriverTable::retire`] sees its effects.
    ///
    /// [`IngestError::Overloaded`]: the table is full.
    pub fn register(
        &self,
        profile: &DriverProfile,
        visit: impl FnOnce(Slot),
    ) -> Result<RegisteredDriver, IngestError> {
        let allocate = || {
            let slot = self.slab.allocate()?;
            self.slab.lock(slot).assign(profile);
            self.mark_profile(slot);
            self.newcomers.lock().push(slot);
            Ok(slot)
        };
        self.directory.find_or_add(&self.slab, &profile.id, allocate, |slot| {
            visit(slot);
            if self.slab.lock(slot).set_profile(profile) {
                self.mark_profile(slot);
            }
            RegisteredDriver::new(slot, profile)
        })
    }

    /// Registers a driver again after [`StaleSlot`](super::update::StaleSlot). A profile that another stream has registered
    /// meanwhile stays.
    pub fn register_again(&self, driver: &RegisteredDriver) -> Result<RegisteredDriver, IngestError> {
        match self.slot(&driver.id) {
            Some(slot) => Ok(driver.in_slot(slot)),
            None => self.register(&driver.profile(), |_| ()),
        }
    }

    /// Records the last sequence that the driver has reported to another node: the driver's first update here may continue it.
    pub(crate) fn set_last_sequence(&self, driver: &RegisteredDriver, sequence: u64) {
        let mut entry = self.slab.lock(driver.slot);
        if entry.has_id(&driver.id) {
            entry.set_last_sequence(sequence);
        }
    }

    /// Returns the slot of a driver.
    pub fn slot(&self, id: &DriverId) -> Option<Slot> {
        self.directory.find(&self.slab, id)
    }

    /// Returns the profile of the driver in a slot; `None` if the slot is free.
    pub fn profile(&self, slot: Slot) -> Option<DriverProfile> {
        self.slab.lock(slot).profile()
    }

    /// Whether the slot has a driver.
    pub(crate) fn is_used(&self, slot: Slot) -> bool {
        self.slab.lock(slot).id().is_some()
    }

    /// Returns the newest state in a slot without a wait for a lock; `None` before the first update.
    #[inline]
    pub fn state(&self, slot: Slot) -> Option<DriverState> {
        self.slab.entry(slot).read()
    }

    /// Hands the newest state in each of some slots to `visit`. For many slots it is several times as fast as
    /// [`DriverTable::state`].
    #[inline]
    pub fn states(&self, slots: &[Slot], mut visit: impl FnMut(Slot, Option<DriverState>)) {
        self.slab.entries(slots, |slot, entry| visit(slot, entry.read()));
    }

    /// Brings the entries of some slots into the cache. Each slot is allocated or 0.
    #[inline]
    pub(crate) fn prefetch(&self, slots: &[Slot]) {
        if self.slab.end() > Slot::new(0) {
            let sum = slots.iter().fold(0, |sum, slot| sum ^ self.slab.entry(*slot).prefetch());
            // Without a use of the sum, the compiler would remove the loads.
            std::hint::black_box(sum);
        }
    }

    /// Restores stored drivers, each in its slot; the slots between are free. Computes each state's shard anew. Only legal
    /// as the first call.
    ///
    /// [`IngestError::Overloaded`]: a slot is beyond the table's room.
    pub fn restore(
        &self,
        stored: Vec<(Slot, DriverProfile, Option<DriverState>)>,
    ) -> Result<(), IngestError> {
        let end = stored.iter().map(|(slot, ..)| slot.get() + 1).max().unwrap_or(0);
        let mut used = vec![false; end as usize];
        for (slot, ..) in &stored {
            used[slot.index()] = true;
        }
        self.slab.restore(Slot::new(end), |slot| used[slot.index()])?;
        for (slot, profile, state) in stored {
            self.restore_driver(slot, &profile, state);
        }
        Ok(())
    }

    fn restore_driver(&self, slot: Slot, profile: &DriverProfile, state: Option<DriverState>) {
        let mut entry = self.slab.lock(slot);
        entry.assign(profile);
        if let Some(mut state) = state {
            state.shard = self.sharding.shard_of(&profile.id, state.position);
            if state.indexed {
                self.reverse_index.insert(&self.slab, state.shard, slot);
            }
            entry.write(Some(&state));
        }
        // The directory locks the entry itself.
        drop(entry);
        self.directory.add(&self.slab, &profile.id, slot);
        self.newcomers.lock().push(slot);
    }

    /// Takes the slots that were allocated since the last call.
    pub(crate) fn take_newcomers(&self) -> Vec<Slot> {
        std::mem::take(&mut self.newcomers.lock())
    }

    /// Returns the slots of the indexed drivers of some shards, from the reverse index alone. They are in order, because the
    /// entries are read fastest in order.
    pub fn slots_in(&self, shards: impl IntoIterator<Item = ShardId>) -> Vec<Slot> {
        self.reverse_index.collect(self.slots_end(), shards)
    }

    /// Returns the entries with their marks.
    pub(crate) fn slab(&self) -> &Slab {
        &self.slab
    }

    /// Marks a profile. Its mark comes before the mark of the state, so a reader that takes the mark of the state also finds it.
    pub(super) fn mark_profile(&self, slot: Slot) {
        self.slab.mark(Mark::Profile, slot);
        self.slab.mark(Mark::State, slot);
    }
}
