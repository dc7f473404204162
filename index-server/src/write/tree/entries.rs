//! Writes the entries of leaves.

use kerb_geometry::LatLng;
use kerb_types::ShardId;

use crate::store::Store;
use crate::store::entry::Attributes;
use crate::store::indices::{BLOCK_ENTRIES, BlockIndex, EntryIndex, LeafIndex};
use crate::store::page::{LEAF_BLOCKS, Leaf};
use crate::sync::{Rule, undone};
use crate::write::page_pools::PagePools;

/// A free entry of a leaf.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FreeEntry {
    pub(super) leaf: LeafIndex,
    /// The entry's bit in the leaf's mask.
    pub(super) bit: u32,
    /// Level of the leaf's cell.
    pub(crate) level: u8,
}

/// Inserts a driver into a free entry and returns the entry's index.
pub(crate) fn insert(
    store: &Store,
    pages: &mut PagePools,
    shard: ShardId,
    free_entry: FreeEntry,
    attributes: Attributes,
    position: LatLng,
) -> EntryIndex {
    let leaf = store.leaves.get(free_entry.leaf);
    let k = (free_entry.bit / BLOCK_ENTRIES) as usize;
    let mut block = leaf.block(k);
    if block.is_none() {
        block = pages.take_block(store, shard, free_entry.leaf);
        leaf.set_block(k, block);
    }
    let entry = EntryIndex::in_block(block, free_entry.bit % BLOCK_ENTRIES);
    // The summary comes before the entry: a search that skips the leaf has read the summary before the driver came.
    if !undone(Rule::SummaryBeforeEntry) {
        leaf.header.widen_summary(attributes.summary());
    }
    store.entry(entry).fill(attributes, position);
    // The mask comes last: it makes the entry visible.
    leaf.set_mask(leaf.mask() | 1 << free_entry.bit);
    pages.counts_of(shard).drivers += 1;
    entry
}

/// Moves the last driver of a chain's head to the vacated entry `hole` of another leaf of the chain. Returns the entry
/// that it left.
pub(super) fn fill_from_head(store: &Store, head: &Leaf, leaf: &Leaf, hole: EntryIndex) -> EntryIndex {
    let entry = head.entry_at(head.mask().ilog2());
    let (attributes, position) = (store.entry(entry).attributes(), store.entry(entry).position());
    // The position stays, but a search may read the hole before the move and the head after it.
    if !undone(Rule::LogChainMove) {
        store.move_log.log(attributes.record());
    }
    // The entry is vacant while its position changes, so that no search takes the new position for the old driver's.
    store.entry(hole).set_attributes(Attributes::VACANT);
    leaf.header.widen_summary(attributes.summary());
    store.entry(hole).fill(attributes, position);
    store.records.get(attributes.record()).set_entry(hole);
    entry
}

/// The position of a block among the blocks of its leaf.
pub(super) fn block_position(leaf: &Leaf, block: BlockIndex) -> usize {
    (0..LEAF_BLOCKS).find(|k| leaf.block(*k) == block).expect("a block is in the leaf that it belongs to")
}
