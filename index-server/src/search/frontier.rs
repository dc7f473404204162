//! The nearest unread cells first (Hjaltason and Samet, "Distance browsing in spatial databases", 1999), some leaves
//! at a time: leaves, blocks and records of a group are fetched together, so that their cache misses overlap.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;

use kerb_geometry::{Circle, LatLng};
use kerb_ports::DriverFilter;

use super::sight::traits_pass;
use super::{Asked, Effort, Stop};
use crate::store::Store;
use crate::store::kinds::Sought;
use crate::store::page::{BLOCK, BLOCKS, Leaf, Link, Traits};

/// Leaves of a group of a search for few. Nearest of 1 M on a busy machine, median: 9.7 µs with 1, 7.9 with 2, 8.9 with
/// 4, 10.6 with 8, which reads leaves that it would not have needed.
pub(crate) const FEW: usize = 2;
/// Leaves of a group of a search for many, at most: it needs nearly all that it reads.
pub(crate) const MANY: usize = 16;

/// Links with the least distance of what is behind them.
#[derive(Default)]
pub(crate) struct Queue {
    nearest: BinaryHeap<Reverse<Ahead>>,
    /// Not wanted when they were found, see [`Frontier::reopen`].
    later: Vec<Ahead>,
}

/// A link to go to, after a lower bound of its distance, in one word that orders by the bound: a distance is not
/// negative, so its bits order it, and without the lower half of them it is a little less (by a millionth).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Ahead(u64);

impl Ahead {
    #[inline]
    fn new(bound: f64, link_word: u32) -> Self {
        Self(bound.to_bits() >> 32 << 32 | u64::from(link_word))
    }

    #[inline]
    fn bound(self) -> f64 {
        f64::from_bits(self.0 >> 32 << 32)
    }

    #[inline]
    fn link(self) -> Link {
        Link::of_word(self.0 as u32)
    }
}

/// What of a circle's surroundings is unread.
pub(crate) struct Frontier<'a> {
    store: &'a Store,
    circle: &'a Circle,
    sought: Sought,
    queue: &'a mut Queue,
}

/// Leaves to read.
#[derive(Default)]
pub(crate) struct Group {
    leaves: [u32; MANY],
    len: usize,
}

impl Group {
    /// A group of up to [`MANY`] leaves, as long as there are any.
    pub(crate) fn fill(leaves: &mut Vec<u32>) -> Option<Self> {
        let mut group = Self::default();
        while group.len < MANY
            && let Some(leaf) = leaves.pop()
        {
            group.push(leaf);
        }
        (group.len > 0).then_some(group)
    }

    pub(crate) fn leaves(&self) -> &[u32] {
        &self.leaves[..self.len]
    }

    fn push(&mut self, leaf: u32) {
        self.leaves[self.len] = leaf;
        self.len += 1;
    }
}

impl<'a> Frontier<'a> {
    /// The roots of the asked shards; nodes without anybody who is sought are passed by.
    pub(crate) fn new(
        store: &'a Store,
        circle: &'a Circle,
        sought: Sought,
        queue: &'a mut Queue,
        asked: &Asked,
    ) -> Self {
        queue.nearest.clear();
        queue.later.clear();
        for shard in asked.iter() {
            let word = store.shard(shard).root.load_word();
            let cell = match Link::of_word(word) {
                Link::Nothing => continue,
                Link::Leaf(number) => store.leaves.get(number).cell(),
                Link::Node(number) => store.nodes.get(number).cell(),
            };
            let bound = circle.origin().lower_bound(&cell.bounds());
            if bound <= circle.hav_max() {
                queue.nearest.push(Reverse(Ahead::new(bound, word)));
            }
        }
        Self { store, circle, sought, queue }
    }

    /// Wants more than before: what was left out is looked at again.
    pub(crate) fn reopen(&mut self) {
        self.queue.nearest.extend(self.queue.later.drain(..).map(Reverse));
    }

    /// The next leaves whose distance is wanted, at most `many`; none when there is no such leaf. What is certainly
    /// nearer than `hav_min` is left out.
    pub(crate) fn next(&mut self, many: usize, wanted: impl Fn(f64) -> bool, hav_min: f64) -> Option<Group> {
        let mut group = Group::default();
        while group.len < many
            && let Some(Reverse(ahead)) = self.queue.nearest.peek().copied()
            && wanted(ahead.bound())
        {
            self.queue.nearest.pop();
            match ahead.link() {
                Link::Nothing => {}
                Link::Leaf(number) => group.push(number),
                Link::Node(number) => self.open(number, &wanted, hav_min),
            }
        }
        (group.len > 0).then_some(group)
    }

    /// The rest of a chain of leaves, all of whose drivers are at one place. Whether it is wanted is asked of the exact
    /// distance, so that a crowd as far as the farthest of a full answer is not read.
    #[inline]
    pub(crate) fn push_rest(&mut self, leaf: &Leaf, wanted: impl Fn(f64) -> bool) {
        let rest = leaf.next.load_word();
        if rest == 0 {
            return;
        }
        let (k, bit) =
            ((leaf.mask().trailing_zeros() / BLOCK) as usize, leaf.mask().trailing_zeros() % BLOCK);
        let block = if k < BLOCKS { leaf.block(k) } else { 0 };
        // An empty leaf's chain is as near as may be.
        let hav = if block == 0 {
            0.0
        } else {
            self.circle.origin().hav(self.store.blocks.get(block).entry(bit).position())
        };
        let rest = Ahead::new(hav, rest);
        if wanted(hav) {
            self.queue.nearest.push(Reverse(rest));
        } else {
            self.queue.later.push(rest);
        }
    }

    fn open(&mut self, number: u32, wanted: impl Fn(f64) -> bool, hav_min: f64) {
        let node = self.store.nodes.get(number);
        if !self.sought.may_be_in(node.page.kinds()) {
            return;
        }
        let cell = node.cell();
        let bounds = self.circle.origin().lower_bounds_of_children(cell);
        for (i, (bound, child)) in bounds.into_iter().zip(&node.children).enumerate() {
            let word = child.load_word();
            if word == 0 {
                continue;
            }
            let read_before = || self.circle.origin().upper_bound(&cell.child(i).bounds()) < hav_min;
            if !wanted(bound) {
                if bound <= self.circle.hav_max() {
                    self.queue.later.push(Ahead::new(bound, word));
                }
            } else if !(hav_min > 0.0 && read_before()) {
                fetch(self.store, Link::of_word(word));
                self.queue.nearest.push(Reverse(Ahead::new(bound, word)));
            }
        }
    }
}

/// Loads a word of what a link leads to, while the queue is busy; nothing waits for it.
#[inline]
fn fetch(store: &Store, link: Link) {
    match link {
        Link::Nothing => {}
        Link::Node(number) => {
            black_box(store.nodes.get(number).page.kinds());
        }
        Link::Leaf(number) => {
            black_box(store.leaves.get(number).mask());
        }
    }
}

/// Shows the blocks of a group's leaves with the bits of the entries that are taken, leaf by leaf, of those leaves that
/// may have somebody who is sought; after each leaf, the leaf.
#[inline]
pub(crate) fn read_group<S>(
    store: &Store,
    group: &Group,
    sought: Sought,
    effort: &mut Effort<'_>,
    state: &mut S,
    mut block: impl FnMut(&mut S, u32, u64),
    mut leaf_done: impl FnMut(&mut S, &Leaf),
) -> Result<(), Stop> {
    for number in group.leaves() {
        black_box(store.leaves.get(*number).mask());
    }
    for number in group.leaves() {
        let leaf = store.leaves.get(*number);
        if sought.may_be_in(leaf.page.kinds()) {
            fetch_entries(store, leaf);
        }
    }
    for number in group.leaves() {
        let leaf = store.leaves.get(*number);
        let mask = if sought.may_be_in(leaf.page.kinds()) {
            effort.spend()?;
            leaf.mask()
        } else {
            0
        };
        for k in 0..BLOCKS {
            let bits = mask >> (k as u32 * BLOCK) & 0xff;
            let number = leaf.block(k);
            // No block: its last driver has left since the mask was read; the journal names who moved.
            if bits != 0 && number != 0 {
                block(state, number, bits);
            }
        }
        leaf_done(state, leaf);
    }
    Ok(())
}

/// Loads a word of each line of the leaf's positions and traits; none of the loads waits for another.
#[inline]
fn fetch_entries(store: &Store, leaf: &Leaf) {
    for k in 0..BLOCKS {
        let block = leaf.block(k);
        if block != 0 {
            let entry = store.blocks.get(block).entry(0);
            black_box((entry.position_bits(), entry.traits()));
        }
    }
}

/// Shows the drivers of some entries of a block whose traits pass. The position is looked at before the traits: who
/// came into the entry in between is in the journal.
#[inline]
pub(crate) fn each_passing(
    store: &Store,
    number: u32,
    mut bits: u64,
    filter: &DriverFilter,
    mut f: impl FnMut(Traits, LatLng),
) {
    let block = store.blocks.get(number);
    while bits != 0 {
        let entry = block.entry(bits.trailing_zeros());
        bits &= bits - 1;
        let position = entry.position();
        let traits = entry.traits();
        if traits != Traits::NOBODY && traits_pass(filter, traits) {
            f(traits, position);
        }
    }
}

impl Effort<'_> {
    /// One more leaf.
    #[inline]
    fn spend(&mut self) -> Result<(), Stop> {
        self.leaves += 1;
        if self.leaves > self.leaves_max {
            return Err(Stop::TooLong);
        }
        if self.leaves.is_multiple_of(1_024) && (self.given_up)() {
            return Err(Stop::GivenUp);
        }
        Ok(())
    }
}
