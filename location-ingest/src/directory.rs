//! Which slot a driver has: a `DashMap` of slots alone. An id stands once, in its slot's entry: a copy of it in the map's
//! buckets, of which up to half are empty, would cost more memory than the entry itself.

use std::convert::Infallible;
use std::hash::BuildHasher;

use dashmap::{DashMap, SharedValue};
use foldhash::quality::RandomState;
use kerb_ports::Slot;
use kerb_types::DriverId;

use crate::slab::Slab;

/// The map is cut into so many, so that the one that grows is small: growing reads every id of it again, under its lock.
const SHARDS: usize = 64;

/// See the module. Slots are hashed by their drivers' ids, so the map's own look-ups by key find nothing. Locks are
/// taken in the order map, entry.
pub(crate) struct Directory {
    slots: DashMap<Slot, (), RandomState>,
}

impl Directory {
    pub(crate) fn new() -> Self {
        Self { slots: DashMap::with_hasher_and_shard_amount(RandomState::default(), SHARDS) }
    }

    /// Drivers in it.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The slot of a driver.
    pub(crate) fn find(&self, slab: &Slab, id: &DriverId) -> Option<Slot> {
        let hash = self.hash(id);
        let shard = self.slots.shards()[self.shard(hash)].read();
        shard.get(hash, |(slot, _)| is_of(slab, *slot, id)).map(|(slot, _)| *slot)
    }

    /// The driver's slot, or the one that `new` gives it with its id in the entry; and what `held` makes of it,
    /// which runs while the driver can neither be added nor removed elsewhere.
    pub(crate) fn find_or_add<T, E>(
        &self,
        slab: &Slab,
        id: &DriverId,
        new: impl FnOnce() -> Result<Slot, E>,
        held: impl FnOnce(Slot) -> T,
    ) -> Result<T, E> {
        let hash = self.hash(id);
        let mut shard = self.slots.shards()[self.shard(hash)].write();
        let known = shard.get(hash, |(slot, _)| is_of(slab, *slot, id)).map(|(slot, _)| *slot);
        let slot = if let Some(slot) = known {
            slot
        } else {
            let slot = new()?;
            shard.insert(hash, (slot, SharedValue::new(())), |(slot, _)| self.hash_of(slab, *slot));
            slot
        };
        Ok(held(slot))
    }

    /// Adds a driver who is not in it, with the slot that has its id.
    pub(crate) fn add(&self, slab: &Slab, id: &DriverId, slot: Slot) {
        let Ok(()) = self.find_or_add(slab, id, || Ok::<_, Infallible>(slot), |_| ());
    }

    /// Removes the driver when it still has this slot and `is_over` says so, which may empty the entry. Answers
    /// whether it was removed.
    pub(crate) fn remove_if(
        &self,
        slab: &Slab,
        id: &DriverId,
        slot: Slot,
        is_over: impl FnOnce() -> bool,
    ) -> bool {
        let hash = self.hash(id);
        let mut shard = self.slots.shards()[self.shard(hash)].write();
        let has_it = shard.get(hash, |(of, _)| *of == slot && is_of(slab, slot, id)).is_some();
        has_it && is_over() && shard.remove_entry(hash, |(of, _)| *of == slot).is_some()
    }

    fn hash(&self, id: &DriverId) -> u64 {
        self.slots.hasher().hash_one(id.as_str())
    }

    /// Of a driver in the map: every one has an id.
    fn hash_of(&self, slab: &Slab, slot: Slot) -> u64 {
        slab.hold(slot).id().map_or(0, |id| self.hash(&id))
    }

    fn shard(&self, hash: u64) -> usize {
        self.slots.determine_shard(hash as usize)
    }
}

fn is_of(slab: &Slab, slot: Slot, id: &DriverId) -> bool {
    slab.hold(slot).is_of(id)
}
