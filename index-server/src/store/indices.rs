//! Types for the numbers that name records, pages and entries.
//!
//! All of them are a `u32` at run time. As types they keep a leaf's number from being used where a block's belongs.
//! Numbers count from 1: 0 stands for "none", so an atomic word that is still zero leads nowhere.

/// Entries of a block. Their positions fill one cache line and their attributes another; processors fetch such a pair
/// together.
pub(crate) const BLOCK_ENTRIES: u32 = 8;

macro_rules! indices {
    ($($(#[doc = $doc:literal])+ $name:ident;)+) => {
        $(
            $(#[doc = $doc])+
            #[repr(transparent)]
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub(crate) struct $name(u32);

            impl $name {
                /// The index that an atomic word of 0 holds. It names no element.
                pub(crate) const NONE: Self = Self(0);

                #[inline]
                pub(crate) const fn new(number: u32) -> Self {
                    Self(number)
                }

                /// The number, for an atomic word or as a position in an array.
                #[inline]
                pub(crate) const fn get(self) -> u32 {
                    self.0
                }

                #[allow(dead_code, reason = "only some kinds of index are tested")]
                #[inline]
                pub(crate) const fn is_none(self) -> bool {
                    self.0 == 0
                }
            }

            impl From<u32> for $name {
                #[inline]
                fn from(number: u32) -> Self {
                    Self(number)
                }
            }

            impl From<$name> for u32 {
                #[inline]
                fn from(index: $name) -> Self {
                    index.0
                }
            }
        )+
    };
}

indices! {
    /// Names a driver's record, and its id.
    RecordIndex;
    /// Names an inner node of a tree.
    NodeIndex;
    /// Names a leaf of a tree.
    LeafIndex;
    /// Names a block of entries.
    BlockIndex;
    /// Names an entry: the number of its block times [`BLOCK_ENTRIES`], plus its position in the block.
    EntryIndex;
}

impl EntryIndex {
    /// The entry at `offset`, below [`BLOCK_ENTRIES`], of a block.
    #[inline]
    pub(crate) const fn in_block(block: BlockIndex, offset: u32) -> Self {
        Self(block.0 * BLOCK_ENTRIES + offset)
    }

    #[inline]
    pub(crate) const fn block(self) -> BlockIndex {
        BlockIndex(self.0 / BLOCK_ENTRIES)
    }

    /// Position in the block, below [`BLOCK_ENTRIES`].
    #[inline]
    pub(crate) const fn offset(self) -> u32 {
        self.0 % BLOCK_ENTRIES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_index_is_its_block_and_offset() {
        let index = EntryIndex::in_block(BlockIndex::new(7), 5);
        assert_eq!((index.block(), index.offset()), (BlockIndex::new(7), 5));
        assert!(EntryIndex::in_block(BlockIndex::NONE, 0).is_none());
    }
}
