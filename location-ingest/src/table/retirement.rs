//! Retirement: a driver leaves the table, and later its slot is free for another one.

use kerb_ports::Slot;

use super::driver_table::DriverTable;
use super::entry::DriverState;
use super::flags::Flag;

impl DriverTable {
    /// Removes a driver from the table if `may_retire` returns true for its newest state. Its slot is not free before
    /// [`DriverTable::release`]. Returns whether the driver was removed.
    pub fn retire(&self, slot: Slot, may_retire: impl Fn(Option<&DriverState>) -> bool) -> bool {
        let Some(id) = self.slab.lock(slot).id() else { return false };
        // Runs under the directory's lock: the driver cannot register meanwhile.
        let clear_entry = || {
            let mut entry = self.slab.lock(slot);
            let state = entry.state();
            let retires = may_retire(state.as_ref());
            if retires {
                if let Some(state) = state.filter(|state| state.indexed) {
                    self.reverse_index.remove(&self.slab, state.shard, slot);
                }
                entry.clear();
                // The slot's next driver begins without them.
                self.slab.set_flag(slot, Flag::Connected, false);
                self.slab.set_flag(slot, Flag::Reserved, false);
            }
            retires
        };
        let retired = self.directory.remove_if(&self.slab, &id, slot, clear_entry);
        if retired {
            self.mark_profile(slot);
        }
        retired
    }

    /// Frees a retired driver's slot. The caller has checked that no link uses it.
    pub fn release(&self, slot: Slot) {
        self.slab.release(slot);
    }

    /// Frees a retired driver's slot after the next flush of the store, which removes the driver from disk. Otherwise the
    /// store could hold a new driver's state next to the old one's profile.
    pub(crate) fn release_after_flush(&self, slot: Slot) {
        self.waiting_for_flush.lock().push(slot);
    }

    /// Takes the slots of [`DriverTable::release_after_flush`].
    pub(crate) fn take_waiting_for_flush(&self) -> Vec<Slot> {
        std::mem::take(&mut self.waiting_for_flush.lock())
    }
}
