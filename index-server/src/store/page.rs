//! The pages of a tree: inner nodes, leaves, and the links between them.
//!
//! All fields are atomics; [`crate::index`] argues what a search may rely on at any instant.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use kerb_geometry::{Cell, Morton};

use super::arena::Element;
use super::filter_summary::FilterSummary;
use super::indices::{BLOCK_ENTRIES, BlockIndex, EntryIndex, LeafIndex, NodeIndex};
use crate::sync::{AtomicU32, AtomicU64, Rule, size, undone};

/// Maximum number of blocks of a leaf.
pub(crate) const LEAF_BLOCKS: usize = size(6, 2);
/// Maximum number of entries of a leaf. 24, 32, 40, 48 and 64 were measured at 1 M drivers in one city: larger leaves
/// save moves and memory, smaller ones save a nearest search distances. At 48 both are near their best.
pub(crate) const LEAF_ENTRIES: u32 = BLOCK_ENTRIES * LEAF_BLOCKS as u32;
/// The mask of a full leaf.
pub(crate) const FULL_MASK: u64 = u64::MAX >> (64 - LEAF_ENTRIES);

/// A link from a root or a node to the page below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageLink {
    Empty,
    Node(NodeIndex),
    Leaf(LeafIndex),
}

/// A [`PageLink`] in an atomic word. No page has number 0, so 0 is the empty link.
#[derive(Default)]
pub(crate) struct PageLinkCell(AtomicU32);

const LEAF_BIT: u32 = 1 << 31;

impl PageLink {
    /// Decodes a word of a [`PageLinkCell`].
    #[inline]
    pub(crate) fn from_word(word: u32) -> Self {
        match word {
            0 => Self::Empty,
            word if word & LEAF_BIT != 0 => Self::Leaf(LeafIndex::new(word & !LEAF_BIT)),
            word => Self::Node(NodeIndex::new(word)),
        }
    }
}

impl PageLinkCell {
    #[inline]
    pub(crate) fn load(&self) -> PageLink {
        PageLink::from_word(self.load_word())
    }

    /// Loads the link in its encoded form, see [`PageLink::from_word`].
    #[inline]
    pub(crate) fn load_word(&self) -> u32 {
        // Pairs with the release in `store`: the page that the link leads to is complete.
        self.0.load(Acquire)
    }

    /// Publishes a page together with all stores before this one.
    #[inline]
    pub(crate) fn store(&self, link: PageLink) {
        let word = match link {
            PageLink::Empty => 0,
            PageLink::Node(node) => node.get(),
            PageLink::Leaf(leaf) => leaf.get() | LEAF_BIT,
        };
        let order = if undone(Rule::EntriesBeforeLink) { Relaxed } else { Release };
        self.0.store(word, order);
    }
}

/// What nodes and leaves have in common: the cell and the filter summary of the drivers below.
///
/// The cell is set before the page is published, and never while a search can reach the page.
#[derive(Default)]
pub(crate) struct PageHeader {
    code: AtomicU64,
    /// The cell's level in the lower 8 bits, then [`RETIRED`], and the summary in the upper 48.
    level_summary: AtomicU64,
}

/// Marks a page that is no longer in its tree.
const RETIRED: u64 = 1 << 8;

impl PageHeader {
    #[inline]
    pub(crate) fn cell(&self) -> Cell {
        // The lower 8 bits are the level.
        Cell::of(Morton(self.code.load(Relaxed)), self.level_summary.load(Relaxed) as u8)
    }

    /// Sets the cell, and an empty summary. The page is not published yet, so relaxed stores are enough.
    pub(crate) fn set_cell(&self, cell: Cell) {
        self.code.store(cell.first().0, Relaxed);
        self.level_summary.store(u64::from(cell.level()), Relaxed);
    }

    #[inline]
    pub(crate) fn summary(&self) -> FilterSummary {
        FilterSummary(self.level_summary.load(Relaxed) >> 16)
    }

    /// Adds the attributes of drivers that will be below.
    #[inline]
    pub(crate) fn widen_summary(&self, summary: FilterSummary) {
        if !self.summary().contains(summary) {
            self.set_summary(self.summary().union(summary));
        }
    }

    /// Removes all attributes that are not in `summary`, the attributes of the drivers below.
    #[inline]
    pub(crate) fn narrow_summary(&self, summary: FilterSummary) {
        if !summary.contains(self.summary()) {
            self.set_summary(self.summary().intersection(summary));
        }
    }

    /// Notes for the writer that the page is not reachable from the root any more. Searches do not read this bit.
    pub(crate) fn retire(&self) {
        self.level_summary.store(self.level_summary.load(Relaxed) | RETIRED, Relaxed);
    }

    #[inline]
    pub(crate) fn is_retired(&self) -> bool {
        self.level_summary.load(Relaxed) & RETIRED != 0
    }

    fn set_summary(&self, summary: FilterSummary) {
        let level = self.level_summary.load(Relaxed) & 0xffff;
        // A release, like every store that a search may see before it reads the move log.
        self.level_summary.store(summary.0 << 16 | level, Release);
    }
}

/// An inner node. Its cell may lie several levels below the link that leads here, because empty levels are skipped. A
/// new node has at least two children.
#[derive(Default)]
#[repr(align(32))]
pub(crate) struct Node {
    pub(crate) header: PageHeader,
    pub(crate) children: [PageLinkCell; 4],
}

impl Element for Node {
    type Index = NodeIndex;
}

impl Node {
    #[inline]
    pub(crate) fn cell(&self) -> Cell {
        self.header.cell()
    }
}

/// A leaf: some entries of one cell.
#[derive(Default)]
#[repr(align(64))]
pub(crate) struct Leaf {
    /// Bit i is set while entry i % 8 of block i / 8 has a driver.
    mask: AtomicU64,
    pub(crate) header: PageHeader,
    /// The next leaf of a chain. Leaves of the deepest level form a chain when more drivers are at one position than
    /// one leaf holds.
    pub(crate) next: PageLinkCell,
    blocks: [AtomicU32; LEAF_BLOCKS],
}

impl Element for Leaf {
    type Index = LeafIndex;
}

impl Leaf {
    #[inline]
    pub(crate) fn cell(&self) -> Cell {
        self.header.cell()
    }

    #[inline]
    pub(crate) fn mask(&self) -> u64 {
        self.mask.load(Acquire)
    }

    /// Publishes the entries that were stored before.
    #[inline]
    pub(crate) fn set_mask(&self, mask: u64) {
        self.mask.store(mask, Release);
    }

    /// The block of entries `8 k` to `8 k + 7`.
    #[inline]
    pub(crate) fn block(&self, k: usize) -> BlockIndex {
        BlockIndex::new(self.blocks[k].load(Acquire))
    }

    /// The entry that belongs to a bit of the mask. Its block may be missing.
    #[inline]
    pub(crate) fn entry_at(&self, bit: u32) -> EntryIndex {
        EntryIndex::in_block(self.block((bit / BLOCK_ENTRIES) as usize), bit % BLOCK_ENTRIES)
    }

    #[inline]
    pub(crate) fn set_block(&self, k: usize, block: BlockIndex) {
        self.blocks[k].store(block.get(), Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_the_sizes_of_cache_lines() {
        assert_eq!((size_of::<Node>(), size_of::<Leaf>()), (32, 64));
    }
}
