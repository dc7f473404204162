//! The entries of leaves: a driver's position, and the attributes that a filter reads.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use kerb_geometry::LatLng;
use kerb_types::{Capabilities, IndexedStatus, VehicleClass};

use super::arena::Element;
use super::filter_summary::FilterSummary;
use super::indices::{BLOCK_ENTRIES, BlockIndex, RecordIndex};
use super::record::VehicleKind;
use crate::sync::AtomicU64;

/// Eight entries: a cache line of positions, which is all that a search needs of most entries, and one of attributes.
#[derive(Default)]
#[repr(align(128))]
pub(crate) struct Block {
    positions: [AtomicU64; BLOCK_ENTRIES as usize],
    attributes: [AtomicU64; BLOCK_ENTRIES as usize],
}

impl Element for Block {
    type Index = BlockIndex;
}

impl Block {
    /// The entry at `offset`, below [`BLOCK_ENTRIES`].
    #[inline]
    pub(crate) fn entry(&self, offset: u32) -> Entry<'_> {
        let offset = offset as usize;
        Entry { attributes: &self.attributes[offset], position: &self.positions[offset] }
    }

    /// All positions, as [`LatLng::to_bits`] packs them. The value at a vacant entry has no meaning.
    #[inline]
    pub(crate) fn positions(&self) -> [u64; BLOCK_ENTRIES as usize] {
        self.positions.each_ref().map(|position| position.load(Relaxed))
    }
}

/// A place for a driver in a leaf.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    attributes: &'a AtomicU64,
    position: &'a AtomicU64,
}

impl Entry<'_> {
    #[inline]
    pub(crate) fn attributes(self) -> Attributes {
        Attributes(self.attributes.load(Acquire))
    }

    #[inline]
    pub(crate) fn position(self) -> LatLng {
        LatLng::from_bits(self.position.load(Relaxed))
    }

    /// As [`Entry::position`], also valid for an entry that never had a driver.
    #[inline]
    pub(crate) fn position_bits(self) -> u64 {
        self.position.load(Relaxed)
    }

    /// Puts a driver into a vacant entry.
    #[inline]
    pub(crate) fn fill(self, attributes: Attributes, position: LatLng) {
        // The position comes first: a search that sees the attributes, and then reads the position, gets this position
        // or a later one.
        self.position.store(position.to_bits(), Relaxed);
        self.attributes.store(attributes.0, Release);
    }

    /// Moves the driver within the leaf.
    #[inline]
    pub(crate) fn set_position(self, position: LatLng) {
        self.position.store(position.to_bits(), Release);
    }

    /// Changes the driver's attributes, or makes the entry vacant.
    #[inline]
    pub(crate) fn set_attributes(self, attributes: Attributes) {
        self.attributes.store(attributes.0, Release);
    }
}

/// What a filter reads, and whose entry it is, in one word: record index 32 bits, capabilities 16, vehicle class 6,
/// status 3. Zero means vacant, because no status has number 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attributes(u64);

impl Attributes {
    pub(crate) const VACANT: Self = Self(0);

    #[inline]
    pub(crate) fn new(record: RecordIndex, kind: VehicleKind, status: IndexedStatus) -> Self {
        let kind = u64::from(kind.capabilities.0) << 32 | u64::from(kind.class.0 & 63) << 48;
        Self(kind | u64::from(status as u8) << 54 | u64::from(record.get()))
    }

    #[inline]
    pub(crate) fn record(self) -> RecordIndex {
        // The lower half of the word.
        RecordIndex::new(self.0 as u32)
    }

    #[inline]
    pub(crate) fn with_status(self, status: IndexedStatus) -> Self {
        Self(self.0 & !(7 << 54) | u64::from(status as u8) << 54)
    }

    pub(crate) fn kind(self) -> VehicleKind {
        VehicleKind { class: self.class(), capabilities: self.capabilities() }
    }

    // The casts below cut one field out of the word.

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

    /// The status of an entry that has a driver.
    pub(crate) fn status(self) -> IndexedStatus {
        let status = IndexedStatus::from_number(self.status_number());
        status.expect("the status of an entry is stored from a status")
    }

    /// The attributes that every page above this entry must contain.
    #[inline]
    pub(crate) fn summary(self) -> FilterSummary {
        FilterSummary::of_driver(self.status_number(), self.class(), self.capabilities())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_return_what_was_stored() {
        let kind = VehicleKind { class: VehicleClass(63), capabilities: Capabilities(0xABCD) };
        let record = RecordIndex::new(u32::MAX);
        let attributes =
            Attributes::new(record, kind, IndexedStatus::OnTrip).with_status(IndexedStatus::Unreachable);
        assert_eq!(attributes.record(), record);
        assert_eq!(attributes.kind(), kind);
        assert_eq!(attributes.status(), IndexedStatus::Unreachable);
    }

    #[test]
    fn a_block_has_the_size_of_two_cache_lines() {
        assert_eq!(size_of::<Block>(), 128);
    }
}
