//! Reads the leaves of a nearest search and collects its candidates.

use std::collections::BinaryHeap;

use kerb_geometry::{Circle, LatLng};
use kerb_ports::DriverFilter;

use super::super::bounding_box::BoundingBox;
use super::super::frontier::Frontier;
use super::super::leaf_group::for_each_passing;
use crate::store::Store;
use crate::store::indices::{BlockIndex, RecordIndex};

/// The bounding box, which takes two roots to narrow, is narrowed when the limit is below this share of the box's.
const NARROW_BELOW: f64 = 0.8;

/// A driver as its leaf shows it: the bits of its distance, and its record. A distance is not negative, so its bits have
/// its order.
type Candidate = (u64, RecordIndex);

/// The buffers of a nearest search.
#[derive(Default)]
pub(crate) struct NearestBuffers {
    /// The nearest candidates, as many as are missing in the answer, with the farthest on top.
    pub(super) nearest: BinaryHeap<Candidate>,
    /// Entries that were read but are too far away for now: a block, and the bits of its entries.
    skipped: Vec<(BlockIndex, u8)>,
    /// Candidates that are too far away for now.
    pub(super) displaced: Vec<Candidate>,
    /// The candidates' records while they are verified.
    pub(super) records: Vec<RecordIndex>,
}

impl NearestBuffers {
    pub(super) fn clear(&mut self) {
        self.nearest.clear();
        self.skipped.clear();
        self.displaced.clear();
    }
}

/// The progress of a nearest search through the leaves.
pub(super) struct NearestScan<'a, 'b> {
    pub(super) buffers: &'b mut NearestBuffers,
    pub(super) frontier: Frontier<'a>,
    pub(super) store: &'a Store,
    pub(super) filter: &'a DriverFilter,
    pub(super) circle: &'a Circle,
    /// Number of drivers that are missing in the answer.
    pub(super) missing: usize,
    /// Rejects entries that are certainly too far away.
    pub(super) bounding_box: BoundingBox,
    /// The limit for which the box was narrowed last.
    pub(super) box_hav: f64,
}

impl NearestScan<'_, '_> {
    /// The distance up to which a driver can be among the missing ones, and whether a driver at exactly this distance
    /// is too far away, because there are enough candidates.
    pub(super) fn hav_limit(&self) -> (f64, bool) {
        let full = self.buffers.nearest.len() >= self.missing;
        match self.buffers.nearest.peek() {
            Some((farthest, _)) if full => (f64::from_bits(*farthest), true),
            _ => (self.circle.hav_max(), false),
        }
    }

    /// Whether a driver at a distance can be among the missing ones.
    #[inline]
    pub(super) fn wanted(&self) -> impl Fn(f64) -> bool + use<> {
        let (limit, full) = self.hav_limit();
        move |hav| if full { hav < limit } else { hav <= limit }
    }

    #[inline]
    pub(super) fn read_block(&mut self, block: BlockIndex, bits: u64) {
        let (limit, _) = self.hav_limit();
        if limit < NARROW_BELOW * self.box_hav {
            self.narrow();
        }
        let near = bits & self.bounding_box.may_contain(&self.store.blocks.get(block).positions());
        if near != bits {
            // A block has eight entries.
            self.buffers.skipped.push((block, (bits & !near) as u8));
        }
        let (store, filter) = (self.store, self.filter);
        for_each_passing(store, block, near, filter, |attributes, position| {
            self.insert(position, attributes.record());
        });
    }

    #[inline]
    fn insert(&mut self, position: LatLng, record: RecordIndex) {
        let candidate = (self.circle.origin().hav(position).to_bits(), record);
        let nearest = &mut self.buffers.nearest;
        if nearest.len() < self.missing {
            if candidate.0 <= self.circle.hav_max().to_bits() {
                nearest.push(candidate);
            }
        } else if nearest.peek().is_some_and(|farthest| candidate.0 < farthest.0) {
            if let Some(mut farthest) = nearest.peek_mut() {
                self.buffers.displaced.push(std::mem::replace(&mut *farthest, candidate));
            }
        } else {
            self.buffers.displaced.push(candidate);
        }
    }

    /// Takes the nearest of the drivers that were read and skipped, until there are as many candidates as missing
    /// drivers.
    pub(super) fn take_skipped(&mut self) {
        let NearestBuffers { nearest, skipped, displaced, .. } = &mut *self.buffers;
        let (origin, hav_max) = (self.circle.origin(), self.circle.hav_max().to_bits());
        for (block, bits) in skipped.drain(..) {
            for_each_passing(self.store, block, bits.into(), self.filter, |attributes, position| {
                displaced.push((origin.hav(position).to_bits(), attributes.record()));
            });
        }
        displaced.retain(|(hav, _)| *hav <= hav_max);
        let take = self.missing.saturating_sub(nearest.len()).min(displaced.len());
        if take > 0 {
            displaced.select_nth_unstable(take - 1);
            nearest.extend(displaced.drain(..take));
        }
        self.narrow();
    }

    fn narrow(&mut self) {
        self.box_hav = self.hav_limit().0;
        self.bounding_box.narrow(self.box_hav);
    }
}
