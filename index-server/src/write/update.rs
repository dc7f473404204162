//! Applies updates, the hot path.
//!
//! Updates are applied in chunks, and each chunk in passes whose steps do not depend on each other, so that the processor
//! has many cache misses in flight. Where this was measured, a load that depends on the load before it takes 200 ns, and
//! an independent one 12 to 20 ns.

mod in_place;

use std::hint::black_box;
use std::sync::Arc;

use kerb_geometry::Morton;
use kerb_ports::{ReplicationError, Update};
use kerb_types::{Millis, Timestamp};

use super::prefetch::{DescentCursor, prefetch_free_entry};
use super::{Writer, tree};
use crate::replication::source_stream::SourceStream;
use crate::store::Store;
use crate::store::entry::Attributes;
use crate::store::filter_summary::FilterSummary;
use crate::store::indices::{LeafIndex, RecordIndex};
use crate::store::record::{DriverState, Owner, RecordMeta, TIME_END_MS};
use crate::sync::{Rule, undone};
use in_place::{UpdateRow, apply_in_place};

/// Updates of a chunk. An update at 1 M drivers takes 1,028 ns row by row, and 305 to 347 ns in chunks of 32, 128 or 512,
/// on a busy machine.
const CHUNK: usize = 128;

/// The outcome of updates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct UpdateCounts {
    /// Updates that are now the newest state of their driver.
    pub(crate) newest: u64,
    /// Updates that are not newer than the known state.
    pub(crate) late: u64,
    /// Updates that a tombstone rejects, that are too old, or whose shard this server does not hold.
    pub(crate) rejected: u64,
    /// Updates that moved their driver between leaves, among the newest.
    pub(crate) moved: u64,
}

/// Checks all updates of a batch before the first is applied, and returns their records.
pub(crate) fn resolve(
    writer: &Writer,
    stream: &SourceStream,
    updates: &[Update],
) -> Result<Vec<RecordIndex>, ReplicationError> {
    let mut records = Vec::with_capacity(updates.len());
    let shards = writer.sharding.shards();
    for update in updates {
        if update.shard.0 >= shards || !(0..TIME_END_MS).contains(&update.update_version.time.as_millis()) {
            return Err(invalid(update, shards));
        }
        records.push(stream.record(update.slot)?);
    }
    Ok(records)
}

#[cold]
fn invalid(update: &Update, shards: u16) -> ReplicationError {
    if update.shard.0 >= shards {
        return ReplicationError::Mismatch(format!("shard {}, must be below {shards}", update.shard));
    }
    ReplicationError::Mismatch(format!(
        "time_ms {}, must be 0 to {}",
        update.update_version.time,
        TIME_END_MS - 1
    ))
}

impl Writer {
    /// Applies updates whose records are `records`.
    pub(crate) fn update(
        &mut self,
        stream: &mut SourceStream,
        updates: &[Update],
        records: &[RecordIndex],
        now: Timestamp,
    ) -> UpdateCounts {
        let store = Arc::clone(&self.store);
        let owner = self.sources.owner(stream);
        let mut counts = UpdateCounts::default();
        for (updates, records) in updates.chunks(CHUNK).zip(records.chunks(CHUNK)) {
            let mut rows = [UpdateRow::default(); CHUNK];
            let rest = apply_in_place(&store, &self.pages, updates, records, owner, &mut rows);
            counts.newest += (updates.len() - rest.len()) as u64;
            let leaves = self.prefetch_moves(&store, rest, updates);
            for (UpdateRow { row, .. }, leaf) in rest.iter().zip(leaves) {
                let (update, record) = (&updates[*row as usize], records[*row as usize]);
                self.update_other(&store, stream, update, record, leaf, owner, now, &mut counts);
            }
        }
        self.sweep_summaries(updates.len());
        counts
    }

    /// Loads a word of each cache line that the moves will need, of all rows in one pass, then what these words lead to
    /// in the next pass. Returns the leaves of the new positions.
    fn prefetch_moves(&self, store: &Store, rows: &[UpdateRow], updates: &[Update]) -> [LeafIndex; CHUNK] {
        let mut leaves = [LeafIndex::NONE; CHUNK];
        for (leaf, row) in leaves.iter_mut().zip(rows) {
            *leaf = self.pages.leaf_of(row.entry.block());
        }
        for (leaf, row) in leaves.iter().zip(rows.iter()) {
            black_box((store.leaves.get(*leaf).mask(), store.entry(row.entry).attributes()));
        }
        let mut cursors = [DescentCursor::default(); CHUNK];
        let cursors = &mut cursors[..rows.len()];
        for (cursor, row) in cursors.iter_mut().zip(rows) {
            let update = &updates[row.row as usize];
            *cursor = DescentCursor::new(store, update.shard, update.position.into());
        }
        // All cursors go down one level, then all go down the next. A single one would wait at every level.
        while cursors.iter_mut().fold(false, |more, cursor| cursor.step(store) | more) {}
        for (leaf, cursor) in leaves.iter_mut().zip(&*cursors) {
            *leaf = cursor.leaf();
            black_box(store.leaves.get(*leaf).mask());
        }
        for leaf in &leaves[..rows.len()] {
            prefetch_free_entry(store, *leaf);
        }
        leaves
    }

    /// Applies an update that is not a newer state of a driver that stays in its leaf and with its source.
    #[expect(
        clippy::too_many_arguments,
        reason = "the loop's state, out of line because it is the rarer case"
    )]
    #[inline(never)]
    fn update_other(
        &mut self,
        store: &Store,
        stream: &mut SourceStream,
        update: &Update,
        index: RecordIndex,
        leaf: LeafIndex,
        owner: Owner,
        now: Timestamp,
        counts: &mut UpdateCounts,
    ) {
        let record = store.records.get(index);
        let indexed = !record.entry().is_none();
        if indexed && update.update_version <= record.update_version() {
            let is_owner = record.owner().source == owner.source;
            // After its clock was set back, a source reports times below that of its own last update.
            if !is_owner || !record.time().is_ahead_of(now) {
                if is_owner {
                    // The source still has the driver, so the next end of a snapshot must not remove it.
                    record.set_owner(owner);
                    self.update_status(store, update, index);
                }
                counts.late += 1;
                return;
            }
        }
        if !indexed && self.has_tombstone(store, index, update, now) {
            counts.rejected += 1;
            return;
        }
        if now - update.update_version.time > self.position_ttl_ms || !self.coverage.holds(update.shard) {
            self.deindex(index);
            counts.rejected += 1;
            return;
        }
        let pending =
            if stream.pending_kinds.is_empty() { None } else { stream.pending_kinds.remove(&update.slot) };
        let kind = if indexed { store.entry(record.entry()).attributes().kind() } else { record.kind() };
        let attributes = Attributes::new(index, pending.unwrap_or(kind), update.status);
        self.move_driver(store, update, attributes, leaf, owner);
        counts.newest += 1;
        counts.moved += 1;
    }

    /// Replaces the status of a driver whose newest state has the update's version: a stream of the driver was opened or
    /// closed, or a reservation began or ended, without a report.
    fn update_status(&self, store: &Store, update: &Update, index: RecordIndex) {
        let record = store.records.get(index);
        let meta = record.meta();
        if update.update_version != record.update_version() || meta.status == update.status as u8 {
            return;
        }
        let entry = store.entry(record.entry());
        let attributes = entry.attributes().with_status(update.status);
        // The summaries come before the entry, see rule 6 of `crate::index`.
        let summary = attributes.summary();
        let position = entry.position();
        tree::widen_summaries_above(store, &self.pages, meta.shard, record.entry(), position, summary);
        entry.set_attributes(attributes);
        record.set_meta(RecordMeta { status: update.status as u8, ..meta });
    }

    /// Moves a driver to where the update says, most likely into `leaf`, and removes it from its old entry.
    ///
    /// The order of the stores is that of rules 2, 3, 5 and 6 of [`crate::index`].
    fn move_driver(
        &mut self,
        store: &Store,
        update: &Update,
        attributes: Attributes,
        leaf: LeafIndex,
        owner: Owner,
    ) {
        let index = attributes.record();
        let record = store.records.get(index);
        let code = Morton::from(update.position);
        // The log comes first. A driver that is in no tree is logged too: a search may have read it before its removal.
        if !undone(Rule::LogBeforeMove) {
            store.move_log.log(index);
        }
        if undone(Rule::SettleAfterMove) {
            store.move_log.settle();
        }
        // The summaries of the pages come before the entry.
        let summary =
            if undone(Rule::SummaryBeforeEntry) { FilterSummary::EMPTY } else { attributes.summary() };
        let free_entry = tree::free_entry_in(store, leaf, code, summary)
            .unwrap_or_else(|| tree::make_room(store, &mut self.pages, update.shard, code, summary));
        // Only now: making room may have copied the leaf of the driver's old entry.
        let (old_entry, old_meta) = (record.entry(), record.meta());
        let old_position = (!old_entry.is_none()).then(|| store.entry(old_entry).position());
        record.begin_write();
        let entry =
            tree::insert(store, &mut self.pages, update.shard, free_entry, attributes, update.position);
        if undone(Rule::RecordBeforeOldEntry) && !old_entry.is_none() {
            store.entry(old_entry).set_attributes(Attributes::VACANT);
        }
        record.set_entry(entry);
        record.set_meta(RecordMeta {
            shard: update.shard,
            level: free_entry.level,
            status: update.status as u8,
            in_expiry_index: true,
            ..old_meta
        });
        record.set_owner(owner);
        record.end_write(DriverState { update_version: update.update_version, motion: update.motion });
        // The old entry goes last: until now, the record or this entry leads every search to the driver.
        if let Some(position) = old_position {
            tree::remove(store, &mut self.pages, old_meta.shard, position.into(), old_entry);
        }
        if undone(Rule::LogBeforeMove) {
            store.move_log.log(index);
        }
        store.move_log.settle();
        if undone(Rule::SummaryBeforeEntry) {
            let summary = attributes.summary();
            tree::widen_summaries_above(store, &self.pages, update.shard, entry, update.position, summary);
        }
        if !old_meta.in_expiry_index {
            let deadline_ms = update.update_version.time + self.position_ttl_ms + Millis::new(1);
            self.expiry_index.insert(index, deadline_ms);
        }
    }

    fn has_tombstone(&mut self, store: &Store, record: RecordIndex, update: &Update, now: Timestamp) -> bool {
        // Reads the id only if there are tombstones.
        !self.tombstones.is_empty()
            && self.tombstones.rejects(&store.ids.get(record).to_id(), update.update_version, now)
    }
}
