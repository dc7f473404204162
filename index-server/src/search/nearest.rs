//! Finds the k nearest drivers.
//!
//! Leaves are read by position and attributes alone. Only the candidates for the k nearest are verified by their
//! records, all of them at once. A candidate may fail, because it is too old, has expired or has moved. The reading then
//! continues where it stopped; everything that was read is kept.

mod scan;

use std::hint::black_box;

use kerb_geometry::Circle;
use kerb_ports::DriverFilter;

use super::bounding_box::BoundingBox;
use super::budget::{SearchAbort, SearchBudget};
use super::frontier::{Frontier, PageQueue};
use super::leaf_group::{SMALL_GROUP, read_group};
use super::moved_records::MovedRecords;
use super::record_read::{RecordView, passes, prefetch_records, read_record};
use super::shard_set::ShardSet;
use crate::store::Store;
use crate::store::filter_summary::FilterMask;
use crate::store::indices::RecordIndex;
pub(crate) use scan::NearestBuffers;
use scan::NearestScan;

/// A search for the k nearest drivers.
pub(crate) struct NearestSearch<'a> {
    pub(crate) store: &'a Store,
    pub(crate) circle: &'a Circle,
    pub(crate) k: usize,
    pub(crate) filter: &'a DriverFilter,
    pub(crate) filter_mask: FilterMask,
    pub(crate) shards: &'a ShardSet,
    pub(crate) found: Vec<(f64, RecordView)>,
}

impl<'a> NearestSearch<'a> {
    /// Fills `found`. Returns false when the search must start again, because the move log does not hold all moves
    /// any more.
    pub(crate) fn run(
        &mut self,
        queue: &'a mut PageQueue,
        buffers: &mut NearestBuffers,
        moved: &mut MovedRecords,
        budget: &mut SearchBudget<'_>,
    ) -> Result<bool, SearchAbort> {
        buffers.clear();
        let frontier = Frontier::new(self.store, self.circle, self.filter_mask, queue, self.shards);
        let mut scan = NearestScan {
            buffers,
            frontier,
            store: self.store,
            filter: self.filter,
            circle: self.circle,
            missing: self.k,
            bounding_box: BoundingBox::around(self.circle.center()),
            box_hav: 1.0,
        };
        loop {
            scan.take_skipped();
            self.read_leaves(&mut scan, budget)?;
            let all_read = scan.buffers.nearest.is_empty();
            self.verify_candidates(&mut scan);
            if all_read || self.found.len() == self.k {
                let Some(moved) = moved.update(self.store) else { return Ok(false) };
                if !self.drop_duplicates(moved) {
                    self.add_missed(moved);
                    return Ok(true);
                }
            }
            scan.missing = self.k - self.found.len();
            scan.frontier.reopen();
        }
    }

    /// Reads until no unread leaf can contain one of the nearest.
    fn read_leaves(
        &self,
        scan: &mut NearestScan<'_, '_>,
        budget: &mut SearchBudget<'_>,
    ) -> Result<(), SearchAbort> {
        loop {
            let wanted = scan.wanted();
            let Some(group) = scan.frontier.next(SMALL_GROUP, wanted, 0.0) else { return Ok(()) };
            read_group(
                self.store,
                &group,
                self.filter_mask,
                budget,
                scan,
                NearestScan::read_block,
                |scan, leaf| {
                    let wanted = scan.wanted();
                    scan.frontier.push_chain_rest(leaf, wanted);
                },
            )?;
        }
    }

    /// Reads the records of the candidates. A driver that has moved meanwhile counts where it is now.
    fn verify_candidates(&mut self, scan: &mut NearestScan<'_, '_>) {
        let (limit, _) = scan.hav_limit();
        let mut records = std::mem::take(&mut scan.buffers.records);
        records.clear();
        records.extend(scan.buffers.nearest.drain().map(|(_, record)| record));
        prefetch_records(self.store, &records);
        for record in &records {
            // The answer will need the id soon.
            black_box(self.store.ids.prefetch(*record));
        }
        for record in &records {
            let Some((hav, view)) = self.verify(*record) else { continue };
            if hav <= limit {
                self.found.push((hav, view));
            } else {
                // It has moved away; an unread driver may be nearer.
                scan.buffers.displaced.push((hav.to_bits(), *record));
            }
        }
        scan.buffers.records = records;
    }

    /// Reads the driver's record. Returns the driver if it passes the filter and is in the circle.
    fn verify(&self, record: RecordIndex) -> Option<(f64, RecordView)> {
        let view = read_record(self.store, record)?;
        let hav = self.circle.origin().hav(view.position);
        let is_match =
            self.shards.contains(view.shard) && passes(self.filter, &view) && hav <= self.circle.hav_max();
        is_match.then_some((hav, view))
    }

    /// Drops the second occurrence of each driver that was met in two leaves. Returns whether there was any.
    fn drop_duplicates(&mut self, moved: &[RecordIndex]) -> bool {
        let before = self.found.len();
        if !moved.is_empty() {
            let mut seen = Vec::new();
            self.found.retain(|(_, view)| {
                let record = view.attributes.record();
                let is_duplicate = seen.contains(&record);
                if moved.binary_search(&record).is_ok() {
                    seen.push(record);
                }
                !is_duplicate
            });
        }
        self.found.len() < before
    }

    /// Adds the moved drivers that were not found: the search may have missed them.
    fn add_missed(&mut self, moved: &[RecordIndex]) {
        let mut missed = moved.to_vec();
        for (_, view) in &self.found {
            if let Ok(at) = missed.binary_search(&view.attributes.record()) {
                missed.remove(at);
            }
        }
        for record in missed {
            let Some(found) = self.verify(record) else { continue };
            if self.found.len() < self.k {
                self.found.push(found);
                continue;
            }
            let farthest = self.found.iter_mut().max_by(|a, b| a.0.total_cmp(&b.0));
            if let Some(farthest) = farthest
                && found.0 < farthest.0
            {
                *farthest = found;
            }
        }
    }
}
