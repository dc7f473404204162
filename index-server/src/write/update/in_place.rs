//! Applies the updates of drivers that stay in their leaf and with their source: most of all updates.

use kerb_geometry::{Cell, LatLng};
use kerb_ports::Update;

use super::CHUNK;
use crate::store::Store;
use crate::store::entry::Attributes;
use crate::store::indices::{EntryIndex, RecordIndex};
use crate::store::record::{DriverState, Owner, Record, RecordMeta};
use crate::sync::{Rule, undone};
use crate::write::page_pools::PagePools;
use crate::write::tree;

/// What the passes over a chunk learn about an update.
#[derive(Clone, Copy, Default)]
pub(super) struct UpdateRow {
    /// The update's position in its chunk.
    pub(super) row: u32,
    /// The driver's entry before the update.
    pub(super) entry: EntryIndex,
    /// The driver's position before the update.
    position: u64,
}

/// Applies the updates of drivers that stay in their leaf and with their source. Returns the rest.
pub(super) fn apply_in_place<'a>(
    store: &Store,
    pages: &PagePools,
    updates: &[Update],
    records: &[RecordIndex],
    owner: Owner,
    rows: &'a mut [UpdateRow; CHUNK],
) -> &'a mut [UpdateRow] {
    for (row, record) in rows.iter_mut().zip(records) {
        row.entry = store.records.get(*record).entry();
    }
    // A driver in no tree leads to block 0, which is allocated and empty.
    for row in &mut rows[..records.len()] {
        row.position = store.entry(row.entry).position_bits();
    }
    let mut rest = 0;
    for (row, (update, record)) in updates.iter().zip(records).enumerate() {
        let old = rows[row];
        if !update_in_place(store, pages, store.records.get(*record), update, owner, old) {
            // A chunk has few rows.
            rows[rest] = UpdateRow { row: row as u32, ..old };
            rest += 1;
        }
    }
    &mut rows[..rest]
}

/// Applies one update if the driver stays in its leaf and with its source, and the update is newer. Returns whether it
/// did.
///
/// Whether the driver stays follows from the two positions and the leaf's level in the record, so the leaf is not loaded.
#[inline]
fn update_in_place(
    store: &Store,
    pages: &PagePools,
    record: &Record,
    update: &Update,
    owner: Owner,
    old: UpdateRow,
) -> bool {
    let meta = record.meta();
    if old.entry.is_none()
        || update.update_version <= record.update_version()
        || meta.shard != update.shard
        || record.owner().source != owner.source
        || !Cell::share(LatLng::from_bits(old.position), update.position, meta.level)
    {
        return false;
    }
    let entry = store.entry(old.entry);
    let status = update.status as u8;
    record.begin_write();
    if undone(Rule::OneStoreWithinLeaf) {
        let attributes = entry.attributes();
        entry.set_attributes(Attributes::VACANT);
        entry.set_position(update.position);
        entry.set_attributes(attributes);
    }
    entry.set_position(update.position);
    // The record has a copy of the status, because the attributes are in another cache line than the position.
    if meta.status != status {
        let attributes = entry.attributes().with_status(update.status);
        // The summaries come before the entry, see rule 6 of `crate::index`.
        if !undone(Rule::SummaryBeforeEntry) {
            let summary = attributes.summary();
            tree::widen_summaries_above(store, pages, update.shard, old.entry, update.position, summary);
        }
        entry.set_attributes(attributes);
        record.set_meta(RecordMeta { status, ..meta });
    }
    record.set_owner(owner);
    record.end_write(DriverState { update_version: update.update_version, motion: update.motion });
    if undone(Rule::SummaryBeforeEntry) {
        let summary = entry.attributes().summary();
        tree::widen_summaries_above(store, pages, update.shard, old.entry, update.position, summary);
    }
    true
}
