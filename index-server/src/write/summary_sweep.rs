//! Makes the filter summaries of pages exact again, some pages at a time.
//!
//! A driver that enters a leaf or changes there adds to the summaries at once ([`super::tree`]). A driver that leaves
//! does not remove anything: that would need a look at all other drivers of the leaf, and many drivers move.

use std::sync::Arc;

use kerb_geometry::{Cell, Morton};
use kerb_types::ShardId;

use super::{Writer, tree};
use crate::store::Store;
use crate::store::filter_summary::FilterSummary;
use crate::store::indices::{LeafIndex, NodeIndex};
use crate::store::page::PageLink;
use crate::sync::size;

/// Updates after which one leaf is made exact. Every leaf has its turn once while each driver reports four or five times.
const UPDATES_PER_LEAF: usize = size(128, 1);
/// Maximum number of steps to find a leaf.
const STEPS_MAX: usize = 64;

/// The progress of the sweep: leaf by leaf in the order of their codes, then the next shard, and around.
#[derive(Default)]
pub(crate) struct SummarySweep {
    shard: u16,
    code: u64,
    /// Updates for which no leaf was made exact yet.
    updates_due: usize,
}

impl Writer {
    /// Continues the sweep after this number of updates.
    pub(crate) fn sweep_summaries(&mut self, updates: usize) {
        let store = Arc::clone(&self.store);
        self.summary_sweep.updates_due += updates;
        while self.summary_sweep.updates_due >= UPDATES_PER_LEAF {
            self.summary_sweep.updates_due -= UPDATES_PER_LEAF;
            let shards = self.sharding.shards();
            (0..STEPS_MAX).any(|_| self.summary_sweep.step(&store, shards));
        }
    }
}

impl SummarySweep {
    /// Makes the next leaf and the nodes above it exact. Returns false when there was no leaf at the current code.
    fn step(&mut self, store: &Store, shards: u16) -> bool {
        let (was_leaf, last) = make_exact(store, ShardId(self.shard), Morton(self.code));
        self.code = last.0.wrapping_add(1);
        if self.code == 0 {
            self.shard = (self.shard + 1) % shards;
        }
        was_leaf
    }
}

/// Makes the pages on the way to a code exact. Returns whether there was a leaf, and the last code that is done.
fn make_exact(store: &Store, shard: ShardId, code: Morton) -> (bool, Morton) {
    let (mut path, mut len) = ([NodeIndex::NONE; Cell::MAX_LEVEL as usize + 1], 0);
    let (mut link, mut cell) = (store.shard(shard).root.load(), Cell::ROOT);
    let (was_leaf, last) = loop {
        match link {
            PageLink::Empty => break (false, cell.last()),
            PageLink::Leaf(leaf) => {
                make_leaf_exact(store, leaf);
                break (true, cell.last());
            }
            PageLink::Node(index) => {
                let node = store.nodes.get(index);
                let below = node.cell();
                if code < below.first() {
                    break (false, Morton(below.first().0 - 1));
                } else if code > below.last() {
                    break (false, cell.last());
                }
                path[len] = index;
                len += 1;
                let child = below.child_index(code);
                (link, cell) = (node.children[child].load(), below.child(child));
            }
        }
    };
    // A node is made exact when the last of its descendants is.
    for index in path[..len].iter().rev() {
        let node = store.nodes.get(*index);
        if node.cell().last() > last {
            break;
        }
        let children = node.children.iter().map(|child| tree::summary_below(store, child.load()));
        node.header.narrow_summary(children.fold(FilterSummary::EMPTY, FilterSummary::union));
    }
    (was_leaf, last)
}

fn make_leaf_exact(store: &Store, index: LeafIndex) {
    let leaf = store.leaves.get(index);
    // The head of a chain has the summary of the whole chain, which may be long. It stays as it is.
    if leaf.next.load() == PageLink::Empty {
        let mut summary = FilterSummary::EMPTY;
        tree::for_each_entry(store, leaf, |entry| summary = summary.union(entry.attributes().summary()));
        leaf.header.narrow_summary(summary);
    }
}
