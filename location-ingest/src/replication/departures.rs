//! The drivers that have left an index server's shards and stay on the server until their handover is over.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

use foldhash::quality::RandomState;
use kerb_ports::Slot;

use super::handover::Tick;

/// Drivers that wait for their removal from one index server.
///
/// The driver stays on the server until the handover's tick is released, so every search finds it on one of the two
/// servers. A search that finds it on both keeps the newer state.
#[derive(Debug, Default)]
pub(crate) struct Departures {
    /// Each departure with the tick whose release ends it, in the order of ticks.
    queue: VecDeque<(Tick, Slot)>,
    /// The departure of each slot that counts. The queue also holds departures of drivers that have come back since.
    by_slot: HashMap<Slot, Tick, RandomState>,
}

impl Departures {
    /// Adds a departure that ends with the release of `tick`. A slot that departs already keeps its earlier tick.
    pub(crate) fn add(&mut self, slot: Slot, tick: Tick) {
        if let Entry::Vacant(departure) = self.by_slot.entry(slot) {
            departure.insert(tick);
            self.queue.push_back((tick, slot));
        }
    }

    /// Cancels the departure of a driver that has come back.
    #[inline]
    pub(crate) fn cancel(&mut self, slot: Slot) {
        // Almost always empty, and the emptiness check is cheaper than hashing the slot.
        if !self.by_slot.is_empty() {
            self.by_slot.remove(&slot);
        }
    }

    /// Takes the next slot whose handover is over.
    pub(crate) fn take_released(&mut self, released: Tick) -> Option<Slot> {
        while let Some(&(tick, slot)) = self.queue.front()
            && tick <= released
        {
            self.queue.pop_front();
            // Another tick, or none, means that the driver came back after this departure.
            if self.by_slot.get(&slot) == Some(&tick) {
                self.by_slot.remove(&slot);
                return Some(slot);
            }
        }
        None
    }

    pub(crate) fn clear(&mut self) {
        self.queue.clear();
        self.by_slot.clear();
    }
}
