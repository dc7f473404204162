//! Makes the kinds of pages exact again, some at a time. Who enters a leaf or changes adds to them ([`super::tree`]);
//! who leaves does not take away, because that would need a look at all others in the leaf, and those who move are
//! many.

use std::sync::Arc;

use kerb_geometry::{Cell, Morton};
use kerb_types::ShardId;

use super::{Writer, tree};
use crate::store::Store;
use crate::store::kinds::Kinds;
use crate::store::page::Link;
use crate::sync::size;

/// Updates to one leaf that is made exact: every leaf once while everybody reports four or five times.
const UPDATES_A_LEAF: usize = size(128, 1);
/// Looks at what may be a leaf, at most, to find one.
const LOOKS_MAX: usize = 64;

/// Where it goes on: leaf by leaf in the order of their codes, then the next shard, and round.
#[derive(Default)]
pub(crate) struct Sweep {
    shard: u16,
    code: u64,
    /// Updates that no leaf was made exact for.
    due: usize,
}

impl Writer {
    /// After so many updates.
    pub(crate) fn sweep(&mut self, updates: usize) {
        let store = Arc::clone(&self.store);
        self.sweep.due += updates;
        while self.sweep.due >= UPDATES_A_LEAF {
            self.sweep.due -= UPDATES_A_LEAF;
            let shards = self.sharding.shards();
            (0..LOOKS_MAX).any(|_| self.sweep.step(&store, shards));
        }
    }
}

impl Sweep {
    /// Makes the next leaf and the nodes above it exact; false when there was none.
    fn step(&mut self, store: &Store, shards: u16) -> bool {
        let (was_leaf, last) = make_exact(store, ShardId(self.shard), Morton(self.code));
        self.code = last.0.wrapping_add(1);
        if self.code == 0 {
            self.shard = (self.shard + 1) % shards;
        }
        was_leaf
    }
}

/// Makes the pages on the way to a code exact. Whether there was a leaf, and the last code that was looked at.
fn make_exact(store: &Store, shard: ShardId, code: Morton) -> (bool, Morton) {
    let (mut way, mut len) = ([0; Cell::MAX_LEVEL as usize + 1], 0);
    let (mut link, mut cell) = (store.shard(shard).root.load(), Cell::ROOT);
    let (was_leaf, last) = loop {
        match link {
            Link::Nothing => break (false, cell.last()),
            Link::Leaf(number) => {
                make_leaf_exact(store, number);
                break (true, cell.last());
            }
            Link::Node(number) => {
                let node = store.nodes.get(number);
                let below = node.cell();
                if code < below.first() {
                    break (false, Morton(below.first().0 - 1));
                } else if code > below.last() {
                    break (false, cell.last());
                }
                way[len] = number;
                len += 1;
                let child = below.child_index(code);
                (link, cell) = (node.children[child].load(), below.child(child));
            }
        }
    };
    // A node is made exact when the last of what is below it is.
    for number in way[..len].iter().rev() {
        let node = store.nodes.get(*number);
        if node.cell().last() > last {
            break;
        }
        let children = node.children.iter().map(|child| tree::kinds_below(store, child.load()));
        node.page.lower(children.fold(Kinds::NONE, Kinds::and));
    }
    (was_leaf, last)
}

/// A chain's head has the kinds of the whole chain, which may be long: it stays as it is.
fn make_leaf_exact(store: &Store, number: u32) {
    let leaf = store.leaves.get(number);
    if leaf.next.load() == Link::Nothing {
        let mut kinds = Kinds::NONE;
        tree::each_entry(store, leaf, |entry| kinds = kinds.and(entry.traits().kinds()));
        leaf.page.lower(kinds);
    }
}
