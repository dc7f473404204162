//! The reverse index: shard → slots. It answers what an index server needs without touching the rest of the
//! table.

use std::sync::atomic::Ordering;

use kerb_ports::Slot;
use kerb_types::ShardId;
use parking_lot::Mutex;

use crate::slab::{Slab, slots_of};

/// A list of slots a shard. A slot knows its place in its list, so that removal is one swap.
pub(crate) struct ReverseIndex {
    lists: Box<[Mutex<Vec<Slot>>]>,
}

impl ReverseIndex {
    /// Empty lists of `shards` shards.
    pub(crate) fn new(shards: u16) -> Self {
        Self { lists: (0..shards).map(|_| Mutex::default()).collect() }
    }

    /// Adds a slot that is in no list. The caller holds the entry's lock.
    pub(crate) fn insert(&self, slab: &Slab, shard: ShardId, slot: Slot) {
        let mut list = self.list(shard).lock();
        slab.entry(slot).place.store(list.len() as u32, Ordering::Relaxed);
        list.push(slot);
    }

    /// Removes a slot that is in this list. The caller holds the entry's lock.
    pub(crate) fn remove(&self, slab: &Slab, shard: ShardId, slot: Slot) {
        let mut list = self.list(shard).lock();
        let place = slab.entry(slot).place.load(Ordering::Relaxed);
        let removed = list.swap_remove(place as usize);
        assert_eq!(removed, slot, "a slot knows its place in shard {shard}");
        if let Some(moved) = list.get(place as usize) {
            slab.entry(*moved).place.store(place, Ordering::Relaxed);
        }
    }

    /// All slots of some shards, below `end` or younger, in order, each once: a driver that moves while the lists
    /// are read may stand in two.
    ///
    /// Sorted by a bitmap, which costs a few instructions a slot: 125 KB at 1 M drivers, which a core's cache holds.
    pub(crate) fn collect(&self, end: Slot, shards: impl IntoIterator<Item = ShardId>) -> Vec<Slot> {
        let mut bits = vec![0_u64; end as usize / 64 + 1];
        let mut count = 0;
        for shard in shards {
            let list = self.list(shard).lock();
            count += list.len();
            for slot in list.iter() {
                let word = *slot as usize / 64;
                if word >= bits.len() {
                    bits.resize(word + 1, 0);
                }
                bits[word] |= 1 << (slot % 64);
            }
        }
        let mut slots = Vec::with_capacity(count);
        slots.extend(bits.into_iter().enumerate().flat_map(|(word, bits)| slots_of(word, bits)));
        slots
    }

    /// Slots in all lists.
    pub(crate) fn len(&self) -> usize {
        self.lists.iter().map(|list| list.lock().len()).sum()
    }

    fn list(&self, shard: ShardId) -> &Mutex<Vec<Slot>> {
        &self.lists[usize::from(shard.0)]
    }
}
