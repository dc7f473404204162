//! Visits the cells around a point, nearest first (Hjaltason and Samet, "Distance browsing in spatial databases", 1999).
//!
//! Leaves are read in groups: the leaves, blocks and records of a group are prefetched together, so that their cache
//! misses overlap.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;

use kerb_geometry::Circle;

use super::leaf_group::LeafGroup;
use super::shard_set::ShardSet;
use crate::store::Store;
use crate::store::filter_summary::FilterMask;
use crate::store::indices::{BLOCK_ENTRIES, NodeIndex};
use crate::store::page::{LEAF_BLOCKS, Leaf, PageLink};

/// Links, by the least distance of what is behind them.
#[derive(Default)]
pub(crate) struct PageQueue {
    nearest: BinaryHeap<Reverse<QueuedLink>>,
    /// Links that were beyond the limit when they were found, see [`Frontier::reopen`].
    postponed: Vec<QueuedLink>,
}

/// A link and a lower bound of its distance, in one word that orders by the bound.
///
/// A distance is not negative, so its bits have its order. Cutting off the lower half of the bits makes the bound less
/// by a millionth.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct QueuedLink(u64);

impl QueuedLink {
    #[inline]
    fn new(bound: f64, link_word: u32) -> Self {
        Self(bound.to_bits() >> 32 << 32 | u64::from(link_word))
    }

    #[inline]
    fn bound(self) -> f64 {
        f64::from_bits(self.0 >> 32 << 32)
    }

    #[inline]
    fn link(self) -> PageLink {
        // The lower half of the word.
        PageLink::from_word(self.0 as u32)
    }
}

/// The unread cells around a circle's center.
pub(crate) struct Frontier<'a> {
    store: &'a Store,
    circle: &'a Circle,
    filter_mask: FilterMask,
    queue: &'a mut PageQueue,
}

impl<'a> Frontier<'a> {
    /// Begins at the roots of `shards`. Nodes whose summary does not match the filter are skipped.
    pub(crate) fn new(
        store: &'a Store,
        circle: &'a Circle,
        filter_mask: FilterMask,
        queue: &'a mut PageQueue,
        shards: &ShardSet,
    ) -> Self {
        queue.nearest.clear();
        queue.postponed.clear();
        for shard in shards.iter() {
            let word = store.shard(shard).root.load_word();
            let cell = match PageLink::from_word(word) {
                PageLink::Empty => continue,
                PageLink::Leaf(leaf) => store.leaves.get(leaf).cell(),
                PageLink::Node(node) => store.nodes.get(node).cell(),
            };
            let bound = circle.origin().lower_bound(&cell.bounds());
            if bound <= circle.hav_max() {
                queue.nearest.push(Reverse(QueuedLink::new(bound, word)));
            }
        }
        Self { store, circle, filter_mask, queue }
    }

    /// Queues the postponed links again, because the limit has grown.
    pub(crate) fn reopen(&mut self) {
        self.queue.nearest.extend(self.queue.postponed.drain(..).map(Reverse));
    }

    /// Returns the nearest leaves whose distance is `wanted`, at most `leaves_max`; `None` when no such leaf is left.
    /// Cells that are certainly nearer than `hav_min` are skipped.
    pub(crate) fn next(
        &mut self,
        leaves_max: usize,
        wanted: impl Fn(f64) -> bool,
        hav_min: f64,
    ) -> Option<LeafGroup> {
        let mut group = LeafGroup::default();
        while group.len() < leaves_max
            && let Some(Reverse(queued)) = self.queue.nearest.peek().copied()
            && wanted(queued.bound())
        {
            self.queue.nearest.pop();
            match queued.link() {
                PageLink::Empty => {}
                PageLink::Leaf(leaf) => group.push(leaf),
                PageLink::Node(node) => self.open(node, &wanted, hav_min),
            }
        }
        (group.len() > 0).then_some(group)
    }

    /// Queues the rest of a chain of leaves, whose drivers are all at one position. `wanted` gets the exact distance, so
    /// that a chain at the distance of the farthest result of a full answer is not read.
    #[inline]
    pub(crate) fn push_chain_rest(&mut self, leaf: &Leaf, wanted: impl Fn(f64) -> bool) {
        let rest = leaf.next.load_word();
        if rest == 0 {
            return;
        }
        let first = leaf.mask().trailing_zeros();
        let (k, offset) = ((first / BLOCK_ENTRIES) as usize, first % BLOCK_ENTRIES);
        let block = (k < LEAF_BLOCKS).then(|| leaf.block(k)).filter(|block| !block.is_none());
        // The position is unknown if the leaf is empty. Distance 0 is a lower bound.
        let hav = block.map_or(0.0, |block| {
            self.circle.origin().hav(self.store.blocks.get(block).entry(offset).position())
        });
        let rest = QueuedLink::new(hav, rest);
        if wanted(hav) {
            self.queue.nearest.push(Reverse(rest));
        } else {
            self.queue.postponed.push(rest);
        }
    }

    fn open(&mut self, node: NodeIndex, wanted: impl Fn(f64) -> bool, hav_min: f64) {
        let node = self.store.nodes.get(node);
        if !self.filter_mask.may_match(node.header.summary()) {
            return;
        }
        let cell = node.cell();
        let bounds = self.circle.origin().lower_bounds_of_children(cell);
        for (i, (bound, child)) in bounds.into_iter().zip(&node.children).enumerate() {
            let word = child.load_word();
            if word == 0 {
                continue;
            }
            let on_previous_page = || self.circle.origin().upper_bound(&cell.child(i).bounds()) < hav_min;
            if !wanted(bound) {
                if bound <= self.circle.hav_max() {
                    self.queue.postponed.push(QueuedLink::new(bound, word));
                }
            } else if !(hav_min > 0.0 && on_previous_page()) {
                prefetch(self.store, PageLink::from_word(word));
                self.queue.nearest.push(Reverse(QueuedLink::new(bound, word)));
            }
        }
    }
}

/// Loads a word of the page behind a link into the cache, while the queue is busy. No other load depends on it.
#[inline]
fn prefetch(store: &Store, link: PageLink) {
    match link {
        PageLink::Empty => {}
        PageLink::Node(node) => {
            black_box(store.nodes.get(node).header.summary());
        }
        PageLink::Leaf(leaf) => {
            black_box(store.leaves.get(leaf).mask());
        }
    }
}
