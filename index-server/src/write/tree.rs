//! The writer's side of a shard's tree: makes room, inserts a driver, removes one.
//!
//! A tree is a compressed quadtree over Morton codes. A node's cell may lie levels below the link to it, so empty levels
//! cost nothing. A leaf splits when it is full and its drivers are not all at one position. Drivers at one position form
//! a chain of leaves of the deepest level, whose head has the summary of the whole chain. Each function leaves the tree
//! valid for a search at any instant, as [`crate::index`] argues.

mod entries;
mod path;
mod reshape;

use kerb_geometry::{Cell, LatLng, Morton};
use kerb_types::ShardId;

use super::page_pools::PagePools;
use crate::store::Store;
use crate::store::entry::Attributes;
use crate::store::filter_summary::FilterSummary;
use crate::store::indices::{BLOCK_ENTRIES, BlockIndex, EntryIndex, LeafIndex};
use crate::store::page::{FULL_MASK, LEAF_ENTRIES, PageLink, PageLinkCell};
use entries::{block_position, fill_from_head};
use path::descend;
use reshape::{fork, reclaim_pages, split, widen};

pub(crate) use entries::{FreeEntry, insert};
pub(crate) use path::{for_each_driver, for_each_entry, summary_below};

/// A leaf with at most so many drivers left may merge with its siblings.
const SPARSE_MAX: u32 = LEAF_ENTRIES / 8;

/// Returns a free entry of this leaf for a driver of these attributes at this code, if inserting there needs no change
/// above the leaf. The leaf was in the shard's tree lately.
#[inline]
pub(crate) fn free_entry_in(
    store: &Store,
    index: LeafIndex,
    code: Morton,
    summary: FilterSummary,
) -> Option<FreeEntry> {
    let leaf = store.leaves.get(index);
    let (cell, mask) = (leaf.cell(), leaf.mask());
    // Leaf 0 is in no tree. The pages above a leaf contain its summary, so they need no change if the leaf contains the
    // driver's. While this leaf is in the tree, no other leaf has the code.
    let fits = !index.is_none()
        && !leaf.header.is_retired()
        && mask != FULL_MASK
        && cell.contains(code)
        && leaf.header.summary().contains(summary);
    fits.then(|| FreeEntry { leaf: index, bit: (!mask).trailing_zeros(), level: cell.level() })
}

/// Finds or makes a free entry for a driver at this code. The summaries of the nodes above contain the driver's
/// attributes then.
pub(crate) fn make_room(
    store: &Store,
    pages: &mut PagePools,
    shard: ShardId,
    code: Morton,
    summary: FilterSummary,
) -> FreeEntry {
    // Each turn brings the tree one change closer to a free entry.
    loop {
        let (_, step) = descend(store, shard, code, summary);
        match step.link.load() {
            PageLink::Empty => {
                let leaf = pages.take_leaf(store, shard, step.cell);
                step.link.store(PageLink::Leaf(leaf));
            }
            // The descent stops at a node only if the code is outside its cell.
            PageLink::Node(node) => {
                fork(store, pages, shard, step.link, store.nodes.get(node).cell(), code);
            }
            PageLink::Leaf(index) => {
                let leaf = store.leaves.get(index);
                let (cell, mask) = (leaf.cell(), leaf.mask());
                if !cell.contains(code) {
                    widen(store, pages, shard, &step, index, code);
                } else if mask != FULL_MASK {
                    return FreeEntry { leaf: index, bit: (!mask).trailing_zeros(), level: cell.level() };
                } else if cell.level() == Cell::MAX_LEVEL {
                    let head = pages.take_leaf(store, shard, cell);
                    store.leaves.get(head).header.widen_summary(leaf.header.summary());
                    store.leaves.get(head).next.store(PageLink::Leaf(index));
                    step.link.store(PageLink::Leaf(head));
                } else {
                    split(store, pages, shard, step.link, index, code);
                }
            }
        }
    }
}

/// Adds attributes to the pages above an entry, before its driver gets them. A search that skips one of the pages has
/// then read its summary before this change.
pub(crate) fn widen_summaries_above(
    store: &Store,
    pages: &PagePools,
    shard: ShardId,
    entry: EntryIndex,
    position: LatLng,
    summary: FilterSummary,
) {
    let leaf = store.leaves.get(pages.leaf_of(entry.block()));
    // The pages above a leaf contain its summary.
    if leaf.header.summary().contains(summary) {
        return;
    }
    // The leaf may be in a chain, whose head has the summary of all its leaves.
    if let PageLink::Leaf(head) = descend(store, shard, position.into(), summary).1.link.load() {
        store.leaves.get(head).header.widen_summary(summary);
    }
    leaf.header.widen_summary(summary);
}

/// Removes the driver of this entry and code from the tree. Its record must already lead to another entry or to none.
pub(crate) fn remove(
    store: &Store,
    pages: &mut PagePools,
    shard: ShardId,
    code: Morton,
    mut entry: EntryIndex,
) {
    let index = pages.leaf_of(entry.block());
    let mut leaf = store.leaves.get(index);
    if leaf.cell().level() == Cell::MAX_LEVEL
        && let PageLink::Leaf(head) = descend(store, shard, code, FilterSummary::EMPTY).1.link.load()
        && head != index
    {
        // All leaves of a chain but the head are full, so the head's last driver takes the entry.
        let hole = leaf;
        leaf = store.leaves.get(head);
        entry = fill_from_head(store, leaf, hole, entry);
    }
    let k = block_position(leaf, entry.block());
    // A leaf has few blocks.
    let bit = k as u32 * BLOCK_ENTRIES + entry.offset();
    store.entry(entry).set_attributes(Attributes::VACANT);
    let mask = leaf.mask() & !(1 << bit);
    leaf.set_mask(mask);
    pages.counts_of(shard).drivers -= 1;
    if (mask >> (k as u32 * BLOCK_ENTRIES)).trailing_zeros() >= BLOCK_ENTRIES {
        let block = leaf.block(k);
        leaf.set_block(k, BlockIndex::NONE);
        pages.retire_block(store, shard, block);
    }
    if mask.count_ones() <= SPARSE_MAX {
        reclaim_pages(store, pages, shard, code);
    }
}

/// Unlinks the whole tree and calls `f` with each driver that was in it.
pub(crate) fn clear(store: &Store, pages: &mut PagePools, shard: ShardId, mut f: impl FnMut(Attributes)) {
    let root = &store.shard(shard).root;
    let mut links = vec![root.load()];
    root.store(PageLink::Empty);
    while let Some(link) = links.pop() {
        match link {
            PageLink::Empty => {}
            PageLink::Node(node) => {
                links.extend(store.nodes.get(node).children.iter().map(PageLinkCell::load));
                pages.retire_node(store, shard, node);
            }
            PageLink::Leaf(index) => {
                let leaf = store.leaves.get(index);
                for_each_entry(store, leaf, |entry| f(entry.attributes()));
                links.push(leaf.next.load());
                pages.retire_leaf(store, shard, index);
            }
        }
    }
    pages.counts_of(shard).drivers = 0;
}
