//! What the node holds of a driver next to its reports: two bits for each slot, dense, so that a link reads them without a
//! cache miss of their own.

use std::sync::atomic::{AtomicU64, Ordering};

use kerb_ports::Slot;
use kerb_types::{DriverStatus, IndexedStatus};

use super::driver_table::DriverTable;
use super::slab::Mark;

/// Bits of a slot.
const BITS: usize = 2;
/// Slots of a word.
const WORD_SLOTS: usize = 64 / BITS;

/// A flag of a driver; the value is its bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flag {
    /// A stream of the driver is open.
    Connected = 1,
    /// An offer or a trip reserves the driver.
    Reserved = 2,
}

/// The flags of one driver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(u64);

impl Flags {
    pub(crate) fn has(self, flag: Flag) -> bool {
        self.0 & flag as u64 != 0
    }
}

/// The flags of the slots of a chunk.
pub(crate) struct FlagWords(Box<[AtomicU64]>);

impl FlagWords {
    pub(crate) fn new(slots: usize) -> Self {
        Self((0..slots.div_ceil(WORD_SLOTS)).map(|_| AtomicU64::new(0)).collect())
    }

    #[inline]
    pub(crate) fn get(&self, index: usize) -> Flags {
        let word = self.0[index / WORD_SLOTS].load(Ordering::Acquire);
        Flags(word >> (index % WORD_SLOTS * BITS) & 3)
    }

    /// Sets or clears a flag. Returns whether it changed.
    pub(crate) fn set(&self, index: usize, flag: Flag, on: bool) -> bool {
        let (word, bit) = (&self.0[index / WORD_SLOTS], (flag as u64) << (index % WORD_SLOTS * BITS));
        let before =
            if on { word.fetch_or(bit, Ordering::AcqRel) } else { word.fetch_and(!bit, Ordering::AcqRel) };
        (before & bit != 0) != on
    }
}

impl DriverTable {
    /// Records whether a stream of the driver in this slot is open. The links send a change within a batch interval.
    pub fn set_connected(&self, slot: Slot, connected: bool) {
        self.set_flag(slot, Flag::Connected, connected);
    }

    /// Records whether an offer or a trip reserves the driver in this slot. The links send a change within a batch interval.
    pub fn set_reserved(&self, slot: Slot, reserved: bool) {
        self.set_flag(slot, Flag::Reserved, reserved);
    }

    /// Whether an offer or a trip reserves the driver in this slot.
    pub fn is_reserved(&self, slot: Slot) -> bool {
        self.slab.flags(slot).has(Flag::Reserved)
    }

    /// Returns the status that index servers get for the driver in this slot, who reports `status`; `None` for an offline
    /// driver.
    #[inline]
    pub fn indexed_status(&self, slot: Slot, status: DriverStatus) -> Option<IndexedStatus> {
        let flags = self.slab.flags(slot);
        IndexedStatus::new(status, flags.has(Flag::Connected), flags.has(Flag::Reserved))
    }

    fn set_flag(&self, slot: Slot, flag: Flag, on: bool) {
        if self.slab.set_flag(slot, flag, on) {
            // After the flag: a reader that takes the mark sees it.
            self.slab.mark(Mark::State, slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_of_neighboring_slots_are_apart() {
        let words = FlagWords::new(100);
        assert!(words.set(32, Flag::Reserved, true));
        assert!(!words.set(32, Flag::Reserved, true), "a repetition changes nothing");
        assert!(words.set(33, Flag::Connected, true));
        assert!(words.get(32).has(Flag::Reserved) && !words.get(32).has(Flag::Connected));
        assert!(words.get(33).has(Flag::Connected) && !words.get(33).has(Flag::Reserved));
        assert!([0, 31, 34, 99].iter().all(|index| words.get(*index) == Flags::default()));
        assert!(words.set(32, Flag::Reserved, false) && words.get(32) == Flags::default());
    }
}
