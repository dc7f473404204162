//! Walks a tree: down to a code, or over all of its drivers.

use kerb_geometry::{Cell, Morton};
use kerb_types::ShardId;

use crate::store::Store;
use crate::store::entry::{Attributes, Entry};
use crate::store::filter_summary::FilterSummary;
use crate::store::indices::BLOCK_ENTRIES;
use crate::store::page::{LEAF_BLOCKS, Leaf, PageLink, PageLinkCell};

/// A link on the way to a code, and the largest cell that it may lead to.
pub(super) struct PathLink<'a> {
    pub(super) link: &'a PageLinkCell,
    pub(super) cell: Cell,
}

/// Returns the last link on the way to a code: it is empty, or leads to a leaf, or to a node whose cell does not contain
/// the code. The first value is the link to the node that the last link is in. The summaries of the nodes on the way
/// contain `summary` from now on.
pub(super) fn descend(
    store: &Store,
    shard: ShardId,
    code: Morton,
    summary: FilterSummary,
) -> (Option<PathLink<'_>>, PathLink<'_>) {
    let mut parent = None;
    let mut step = PathLink { link: &store.shard(shard).root, cell: Cell::ROOT };
    while let PageLink::Node(node) = step.link.load() {
        let node = store.nodes.get(node);
        let cell = node.cell();
        if !cell.contains(code) {
            break;
        }
        node.header.widen_summary(summary);
        let child = cell.child_index(code);
        parent = Some(step);
        step = PathLink { link: &node.children[child], cell: cell.child(child) };
    }
    (parent, step)
}

/// Calls `f` with every driver of the shard.
pub(crate) fn for_each_driver(store: &Store, shard: ShardId, mut f: impl FnMut(Attributes)) {
    let mut links = vec![store.shard(shard).root.load()];
    while let Some(link) = links.pop() {
        match link {
            PageLink::Empty => {}
            PageLink::Node(node) => {
                links.extend(store.nodes.get(node).children.iter().map(PageLinkCell::load));
            }
            PageLink::Leaf(leaf) => {
                let leaf = store.leaves.get(leaf);
                for_each_entry(store, leaf, |entry| f(entry.attributes()));
                links.push(leaf.next.load());
            }
        }
    }
}

/// Calls `f` with every occupied entry of a leaf.
pub(crate) fn for_each_entry(store: &Store, leaf: &Leaf, mut f: impl FnMut(Entry<'_>)) {
    let mask = leaf.mask();
    for k in 0..LEAF_BLOCKS {
        let mut bits = mask >> (k as u32 * BLOCK_ENTRIES) & 0xff;
        while bits != 0 {
            f(store.blocks.get(leaf.block(k)).entry(bits.trailing_zeros()));
            bits &= bits - 1;
        }
    }
}

/// The summary of the page that a link leads to.
pub(crate) fn summary_below(store: &Store, link: PageLink) -> FilterSummary {
    match link {
        PageLink::Empty => FilterSummary::EMPTY,
        PageLink::Node(node) => store.nodes.get(node).header.summary(),
        PageLink::Leaf(leaf) => store.leaves.get(leaf).header.summary(),
    }
}
