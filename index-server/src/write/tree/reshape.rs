//! Splits, widens and merges pages.
//!
//! Entries are copied, never moved: a search that reads the old page sees all of its drivers. The link to the new page
//! is stored when the page is complete.

use kerb_geometry::{Cell, LatLng, Morton};
use kerb_types::ShardId;

use super::entries::{FreeEntry, insert};
use super::path::{PathLink, descend, for_each_entry, summary_below};
use crate::store::Store;
use crate::store::entry::Attributes;
use crate::store::filter_summary::FilterSummary;
use crate::store::indices::LeafIndex;
use crate::store::page::{LEAF_ENTRIES, Leaf, Node, PageLink, PageLinkCell};
use crate::store::record::RecordMeta;
use crate::write::page_pools::PagePools;

/// Siblings merge when they have at most so many drivers together: the new leaf is half full, so it does not split again
/// at once.
const MERGED_MAX: u32 = LEAF_ENTRIES / 2;

/// Entries that are copied together.
type EntryCopies = Vec<(Attributes, LatLng)>;

/// Puts a node above the page that a link leads to, whose cell is `below`. The node's cell contains the code too.
pub(super) fn fork(
    store: &Store,
    pages: &mut PagePools,
    shard: ShardId,
    link: &PageLinkCell,
    below: Cell,
    code: Morton,
) {
    let cell = Cell::common_ancestor(below.first(), code);
    let index = pages.take_node(store, shard, cell);
    let node = store.nodes.get(index);
    node.header.widen_summary(summary_below(store, link.load()));
    node.children[cell.child_index(below.first())].store(link.load());
    link.store(PageLink::Node(index));
}

/// Makes room for a code outside of the cell of the leaf that `step` leads to: a wider leaf if the leaf has few drivers,
/// a fork if it has many or is a chain.
pub(super) fn widen(
    store: &Store,
    pages: &mut PagePools,
    shard: ShardId,
    step: &PathLink<'_>,
    index: LeafIndex,
    code: Morton,
) {
    let leaf = store.leaves.get(index);
    if leaf.mask().count_ones() > MERGED_MAX || leaf.next.load() != PageLink::Empty {
        fork(store, pages, shard, step.link, leaf.cell(), code);
        return;
    }
    let wide = new_leaf(store, pages, shard, step.cell, &copy_entries(store, leaf));
    step.link.store(PageLink::Leaf(wide));
    pages.retire_leaf(store, shard, index);
}

/// Splits a full leaf at the smallest cell that contains its drivers and the code.
pub(super) fn split(
    store: &Store,
    pages: &mut PagePools,
    shard: ShardId,
    link: &PageLinkCell,
    index: LeafIndex,
    code: Morton,
) {
    let all = copy_entries(store, store.leaves.get(index));
    let cell = all.iter().fold(Cell::of(code, Cell::MAX_LEVEL), |cell, (_, position)| {
        let wider = Cell::common_ancestor(cell.first(), (*position).into());
        if wider.level() < cell.level() { wider } else { cell }
    });
    if cell.level() == Cell::MAX_LEVEL {
        // All drivers are at the code: the leaf becomes the first of a chain.
        let chain = new_leaf(store, pages, shard, cell, &all);
        link.store(PageLink::Leaf(chain));
    } else {
        let parent = pages.take_node(store, shard, cell);
        let mut quarters: [EntryCopies; 4] = Default::default();
        for (attributes, position) in all {
            store.nodes.get(parent).header.widen_summary(attributes.summary());
            quarters[cell.child_index(position.into())].push((attributes, position));
        }
        for (child, quarter) in quarters.iter().enumerate().filter(|(_, quarter)| !quarter.is_empty()) {
            let leaf = new_leaf(store, pages, shard, cell.child(child), quarter);
            store.nodes.get(parent).children[child].store(PageLink::Leaf(leaf));
        }
        link.store(PageLink::Node(parent));
    }
    pages.retire_leaf(store, shard, index);
}

/// Unlinks the leaf at a code if it is empty. Also unlinks the node above it if that has one child left or few drivers.
pub(super) fn reclaim_pages(store: &Store, pages: &mut PagePools, shard: ShardId, code: Morton) {
    let (parent, step) = descend(store, shard, code, FilterSummary::EMPTY);
    if let PageLink::Leaf(index) = step.link.load() {
        let leaf = store.leaves.get(index);
        if leaf.mask() == 0 {
            if let PageLink::Leaf(next) = leaf.next.load() {
                // The next leaf becomes the head of the chain.
                store.leaves.get(next).header.widen_summary(leaf.header.summary());
            }
            step.link.store(leaf.next.load());
            pages.retire_leaf(store, shard, index);
        }
    }
    let Some(parent) = parent else { return };
    let PageLink::Node(index) = parent.link.load() else { return };
    let node = store.nodes.get(index);
    let children = || node.children.iter().map(PageLinkCell::load).filter(|link| *link != PageLink::Empty);
    if children().count() <= 1 {
        parent.link.store(children().next().unwrap_or(PageLink::Empty));
        pages.retire_node(store, shard, index);
    } else if let Some(merged) = mergeable_entries(store, node) {
        let leaf = new_leaf(store, pages, shard, parent.cell, &merged);
        parent.link.store(PageLink::Leaf(leaf));
        for link in children() {
            if let PageLink::Leaf(child) = link {
                pages.retire_leaf(store, shard, child);
            }
        }
        pages.retire_node(store, shard, index);
    }
}

/// The entries of a node's children, if all children are leaves and have few drivers together.
fn mergeable_entries(store: &Store, node: &Node) -> Option<EntryCopies> {
    let mut count = 0;
    for link in node.children.iter().map(PageLinkCell::load) {
        match link {
            PageLink::Empty => {}
            PageLink::Node(_) => return None,
            PageLink::Leaf(index) => {
                let leaf = store.leaves.get(index);
                count += leaf.mask().count_ones();
                if count > MERGED_MAX || leaf.next.load() != PageLink::Empty {
                    return None;
                }
            }
        }
    }
    let mut all = EntryCopies::with_capacity(count as usize);
    for link in node.children.iter().map(PageLinkCell::load) {
        if let PageLink::Leaf(index) = link {
            all.extend(copy_entries(store, store.leaves.get(index)));
        }
    }
    Some(all)
}

/// Makes a leaf of copied drivers, to which their records lead from now on. The old leaf keeps its entries for the
/// searches that still read it.
fn new_leaf(
    store: &Store,
    pages: &mut PagePools,
    shard: ShardId,
    cell: Cell,
    drivers: &[(Attributes, LatLng)],
) -> LeafIndex {
    let index = pages.take_leaf(store, shard, cell);
    for (bit, (attributes, position)) in (0..).zip(drivers) {
        let free_entry = FreeEntry { leaf: index, bit, level: cell.level() };
        let entry = insert(store, pages, shard, free_entry, *attributes, *position);
        let record = store.records.get(attributes.record());
        record.set_meta(RecordMeta { level: cell.level(), ..record.meta() });
        record.set_entry(entry);
    }
    // `insert` counts them, and the old leaf's drivers are counted already. There are at most `LEAF_ENTRIES`.
    pages.counts_of(shard).drivers -= drivers.len() as u32;
    index
}

fn copy_entries(store: &Store, leaf: &Leaf) -> EntryCopies {
    let mut all = EntryCopies::with_capacity(LEAF_ENTRIES as usize);
    for_each_entry(store, leaf, |entry| all.push((entry.attributes(), entry.position())));
    all
}
