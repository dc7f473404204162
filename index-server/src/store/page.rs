//! What the trees are made of: nodes, leaves, blocks of entries, and the links between them. All atomics: what a
//! reader may do at any instant is argued for in [`crate::index`].

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use kerb_geometry::{Cell, LatLng, Morton};
use kerb_types::{Capabilities, DriverStatus, VehicleClass};

use super::kinds::Kinds;
use super::record::Kind;
use crate::sync::{AtomicU32, AtomicU64, Rule, size, undone};

/// Entries of a block: two cache lines, which processors fetch as a pair.
pub(crate) const BLOCK: u32 = 8;
/// Blocks of a leaf, at most.
pub(crate) const BLOCKS: usize = size(6, 2);
/// Entries of a leaf, at most. 24, 32, 40, 48 and 64 were measured at 1 M drivers in one city: larger leaves save
/// moves and memory, smaller ones save a nearest search distances; at 48 both are near their best.
pub(crate) const LEAF: u32 = BLOCK * BLOCKS as u32;
/// A leaf's mask when it is full.
pub(crate) const FULL: u64 = u64::MAX >> (64 - LEAF);

/// Where a tree goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    Nothing,
    Node(u32),
    Leaf(u32),
}

/// A link in a word. Node 0 is never used, so 0 is nothing.
#[derive(Default)]
pub(crate) struct LinkCell(AtomicU32);

const LEAF_BIT: u32 = 1 << 31;

impl Link {
    /// The link that a word of a [`LinkCell`] stands for; 0 is nothing.
    #[inline]
    pub(crate) fn of_word(word: u32) -> Self {
        match word {
            0 => Self::Nothing,
            word if word & LEAF_BIT != 0 => Self::Leaf(word & !LEAF_BIT),
            word => Self::Node(word),
        }
    }
}

impl LinkCell {
    #[inline]
    pub(crate) fn load(&self) -> Link {
        Link::of_word(self.load_word())
    }

    /// See [`Link::of_word`].
    #[inline]
    pub(crate) fn load_word(&self) -> u32 {
        self.0.load(Acquire)
    }

    /// Publishes what was stored before it.
    #[inline]
    pub(crate) fn store(&self, link: Link) {
        let word = match link {
            Link::Nothing => 0,
            Link::Node(node) => node,
            Link::Leaf(leaf) => leaf | LEAF_BIT,
        };
        let order = if undone(Rule::EntriesBeforeLink) { Relaxed } else { Release };
        self.0.store(word, order);
    }
}

/// What a page is for: its cell, which is set before the page is published and never while it can be reached, and the
/// kinds of the drivers below, at least.
#[derive(Default)]
pub(crate) struct Page {
    code: AtomicU64,
    /// The cell's level in the lower 8 bits, [`RETIRED`], and the kinds in the upper 48.
    level_kinds: AtomicU64,
}

/// The page was taken out of its tree.
const RETIRED: u64 = 1 << 8;

impl Page {
    #[inline]
    pub(crate) fn cell(&self) -> Cell {
        Cell::of(Morton(self.code.load(Relaxed)), self.level_kinds.load(Relaxed) as u8)
    }

    /// With nobody below.
    pub(crate) fn set_cell(&self, cell: Cell) {
        self.code.store(cell.first().0, Relaxed);
        self.level_kinds.store(u64::from(cell.level()), Relaxed);
    }

    #[inline]
    pub(crate) fn kinds(&self) -> Kinds {
        Kinds(self.level_kinds.load(Relaxed) >> 16)
    }

    /// Adds kinds that will be below.
    #[inline]
    pub(crate) fn raise(&self, kinds: Kinds) {
        if !self.kinds().hold(kinds) {
            self.set_kinds(self.kinds().and(kinds));
        }
    }

    /// Takes the kinds away that are not among these, the ones that are below.
    #[inline]
    pub(crate) fn lower(&self, kinds: Kinds) {
        if !kinds.hold(self.kinds()) {
            self.set_kinds(self.kinds().only(kinds));
        }
    }

    /// The writer's own mark: the page cannot be reached from the root any more.
    pub(crate) fn retire(&self) {
        self.level_kinds.store(self.level_kinds.load(Relaxed) | RETIRED, Relaxed);
    }

    #[inline]
    pub(crate) fn is_retired(&self) -> bool {
        self.level_kinds.load(Relaxed) & RETIRED != 0
    }

    /// A release, like every store that a search may see before it asks the journal.
    fn set_kinds(&self, kinds: Kinds) {
        let level = self.level_kinds.load(Relaxed) & 0xffff;
        self.level_kinds.store(kinds.0 << 16 | level, Release);
    }
}

/// A cell of the tree that has at least two children when it is made. Its cell may lie several levels below the
/// link that leads here: empty levels are skipped.
#[derive(Default)]
#[repr(align(32))]
pub(crate) struct Node {
    pub(crate) page: Page,
    pub(crate) children: [LinkCell; 4],
}

impl Node {
    #[inline]
    pub(crate) fn cell(&self) -> Cell {
        self.page.cell()
    }
}

/// Some entries of one cell.
#[derive(Default)]
#[repr(align(64))]
pub(crate) struct Leaf {
    /// Bit i: entry i % 8 of block i / 8 is taken.
    mask: AtomicU64,
    pub(crate) page: Page,
    /// More entries at the same place: leaves of the deepest level form a chain when they are full.
    pub(crate) next: LinkCell,
    /// Numbers of blocks; 0 is none.
    blocks: [AtomicU32; BLOCKS],
}

impl Leaf {
    #[inline]
    pub(crate) fn cell(&self) -> Cell {
        self.page.cell()
    }

    #[inline]
    pub(crate) fn mask(&self) -> u64 {
        self.mask.load(Acquire)
    }

    /// Publishes the entries stored before it.
    #[inline]
    pub(crate) fn set_mask(&self, mask: u64) {
        self.mask.store(mask, Release);
    }

    #[inline]
    pub(crate) fn block(&self, k: usize) -> u32 {
        self.blocks[k].load(Acquire)
    }

    #[inline]
    pub(crate) fn set_block(&self, k: usize, block: u32) {
        self.blocks[k].store(block, Release);
    }
}

/// Eight entries: a cache line of positions, which is all that a search needs of most, and one of traits.
#[derive(Default)]
#[repr(align(128))]
pub(crate) struct Block {
    positions: [AtomicU64; BLOCK as usize],
    traits: [AtomicU64; BLOCK as usize],
}

impl Block {
    /// The entry with this number, below [`BLOCK`].
    #[inline]
    pub(crate) fn entry(&self, i: u32) -> Entry<'_> {
        let i = i as usize;
        Entry { traits: &self.traits[i], position: &self.positions[i] }
    }

    /// The positions, as [`LatLng::to_bits`] packs them; of an entry that is not taken, anything.
    #[inline]
    pub(crate) fn positions(&self) -> [u64; BLOCK as usize] {
        self.positions.each_ref().map(|position| position.load(Relaxed))
    }
}

/// A driver in a leaf.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    traits: &'a AtomicU64,
    position: &'a AtomicU64,
}

impl Entry<'_> {
    #[inline]
    pub(crate) fn traits(self) -> Traits {
        Traits(self.traits.load(Acquire))
    }

    #[inline]
    pub(crate) fn position(self) -> LatLng {
        LatLng::from_bits(self.position.load(Relaxed))
    }

    /// As [`Entry::position`], also of an entry that was never taken.
    #[inline]
    pub(crate) fn position_bits(self) -> u64 {
        self.position.load(Relaxed)
    }

    /// Puts a driver here. Whoever sees the traits, and then looks at the position, sees this one or a later one.
    #[inline]
    pub(crate) fn put(self, traits: Traits, position: LatLng) {
        self.position.store(position.to_bits(), Relaxed);
        self.traits.store(traits.0, Release);
    }

    /// The same driver, moved within the leaf.
    #[inline]
    pub(crate) fn set_position(self, position: LatLng) {
        self.position.store(position.to_bits(), Release);
    }

    /// The same driver, or nobody.
    #[inline]
    pub(crate) fn set_traits(self, traits: Traits) {
        self.traits.store(traits.0, Release);
    }
}

/// What a filter asks about, in a word beside the position: record number 32 bits, capabilities 16, class 6,
/// status 3. Zero is nobody, because no status is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Traits(pub(crate) u64);

impl Traits {
    pub(crate) const NOBODY: Self = Self(0);

    #[inline]
    pub(crate) fn new(record: u32, kind: Kind, status: DriverStatus) -> Self {
        let kind = u64::from(kind.capabilities.0) << 32 | u64::from(kind.class.0 & 63) << 48;
        Self(kind | u64::from(status as u8) << 54 | u64::from(record))
    }

    #[inline]
    pub(crate) fn record(self) -> u32 {
        self.0 as u32
    }

    #[inline]
    pub(crate) fn with_status(self, status: DriverStatus) -> Self {
        Self(self.0 & !(7 << 54) | u64::from(status as u8) << 54)
    }

    pub(crate) fn kind(self) -> Kind {
        Kind { class: self.class(), capabilities: self.capabilities() }
    }

    #[inline]
    pub(crate) fn capabilities(self) -> Capabilities {
        Capabilities((self.0 >> 32) as u16)
    }

    #[inline]
    pub(crate) fn class(self) -> VehicleClass {
        VehicleClass((self.0 >> 48) as u8 & 63)
    }

    #[inline]
    pub(crate) fn status_number(self) -> u8 {
        (self.0 >> 54) as u8 & 7
    }

    /// What a page above it must have.
    #[inline]
    pub(crate) fn kinds(self) -> Kinds {
        Kinds::of(self.status_number(), self.class(), self.capabilities())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traits_keep_what_they_are_given() {
        let kind = Kind { class: VehicleClass(63), capabilities: Capabilities(0xABCD) };
        let traits = Traits::new(u32::MAX, kind, DriverStatus::OnTrip).with_status(DriverStatus::OnBreak);
        assert_eq!(traits.record(), u32::MAX);
        assert_eq!(traits.kind(), kind);
        assert_eq!(traits.status_number(), DriverStatus::OnBreak as u8);
    }

    #[test]
    fn sizes_are_those_of_cache_lines() {
        assert_eq!((size_of::<Node>(), size_of::<Leaf>()), (32, 64));
        assert_eq!(size_of::<Block>(), 128);
    }
}
