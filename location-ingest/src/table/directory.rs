//! The directory: from a driver's id to its slot.
//!
//! It is a `DashMap` whose keys are slots only. The id is stored once, in its slot's entry. A copy in the map's buckets, of
//! which up to half are empty, would take more memory than the entry itself.

use std::convert::Infallible;
use std::hash::BuildHasher;

use dashmap::{DashMap, SharedValue};
use foldhash::quality::RandomState;
use kerb_ports::Slot;
use kerb_types::DriverId;

use super::slab::Slab;

/// Parts of the map. A part that grows hashes all of its ids again under its lock, so parts must be small.
const MAP_PARTS: usize = 64;

/// Slots by driver id. The map hashes a slot by its driver's id, so its own look-ups by key find nothing.
///
/// Lock order: a part of the map, then an entry.
pub(crate) struct Directory {
    slots: DashMap<Slot, (), RandomState>,
}

impl Directory {
    pub(crate) fn new() -> Self {
        Self { slots: DashMap::with_hasher_and_shard_amount(RandomState::default(), MAP_PARTS) }
    }

    /// Returns the number of drivers.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Returns the slot of a driver.
    pub(crate) fn find(&self, slab: &Slab, id: &DriverId) -> Option<Slot> {
        let hash = self.hash(id);
        let part = self.slots.shards()[self.part_of(hash)].read();
        part.get(hash, |(slot, _)| has_id(slab, *slot, id)).map(|(slot, _)| *slot)
    }

    /// Finds the driver's slot, or adds the one that `allocate` returns; `allocate` writes the id into the slot's entry.
    /// Then returns the result of `visit`. While `visit` runs, no other thread can add or remove the driver.
    pub(crate) fn find_or_add<T, E>(
        &self,
        slab: &Slab,
        id: &DriverId,
        allocate: impl FnOnce() -> Result<Slot, E>,
        visit: impl FnOnce(Slot) -> T,
    ) -> Result<T, E> {
        let hash = self.hash(id);
        let mut part = self.slots.shards()[self.part_of(hash)].write();
        let known = part.get(hash, |(slot, _)| has_id(slab, *slot, id)).map(|(slot, _)| *slot);
        let slot = if let Some(slot) = known {
            slot
        } else {
            let slot = allocate()?;
            part.insert(hash, (slot, SharedValue::new(())), |(slot, _)| self.hash_of(slab, *slot));
            slot
        };
        Ok(visit(slot))
    }

    /// Adds a driver that is not in the directory. The entry of `slot` has its id.
    pub(crate) fn add(&self, slab: &Slab, id: &DriverId, slot: Slot) {
        let Ok(()) = self.find_or_add(slab, id, || Ok::<_, Infallible>(slot), |_| ());
    }

    /// Removes the driver if it still has this slot and `clear_entry` returns true. Returns whether it was removed.
    pub(crate) fn remove_if(
        &self,
        slab: &Slab,
        id: &DriverId,
        slot: Slot,
        clear_entry: impl FnOnce() -> bool,
    ) -> bool {
        let hash = self.hash(id);
        let mut part = self.slots.shards()[self.part_of(hash)].write();
        let has_slot = part.get(hash, |(known, _)| *known == slot && has_id(slab, slot, id)).is_some();
        // By the slot alone: `clear_entry` has removed the id from the entry.
        has_slot && clear_entry() && part.remove_entry(hash, |(known, _)| *known == slot).is_some()
    }

    fn hash(&self, id: &DriverId) -> u64 {
        self.slots.hasher().hash_one(id.as_str())
    }

    fn hash_of(&self, slab: &Slab, slot: Slot) -> u64 {
        // Every slot of the map has a driver, so the fallback is never used.
        slab.lock(slot).id().map_or(0, |id| self.hash(&id))
    }

    fn part_of(&self, hash: u64) -> usize {
        self.slots.determine_shard(hash as usize)
    }
}

fn has_id(slab: &Slab, slot: Slot, id: &DriverId) -> bool {
    slab.lock(slot).has_id(id)
}
