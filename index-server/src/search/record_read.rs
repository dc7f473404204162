//! Reads one driver: its position, attributes and state as they were at one instant.

use std::hint::black_box;

use kerb_geometry::LatLng;
use kerb_ports::DriverFilter;
use kerb_types::ShardId;

use crate::store::Store;
use crate::store::entry::Attributes;
use crate::store::indices::RecordIndex;
use crate::store::record::DriverState;
use crate::sync::spin_loop;

/// Maximum number of reads of a record that is being written; after them a torn state is accepted. A write is a dozen
/// stores. One that takes longer is a writer that was stopped in the middle, and no search waits for that.
const READS_MAX: u32 = 64;

/// A driver at one instant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordView {
    pub(crate) attributes: Attributes,
    pub(crate) position: LatLng,
    pub(crate) state: DriverState,
    pub(crate) shard: ShardId,
}

/// Reads the driver of this record; `None` when it is in no tree.
#[inline]
pub(crate) fn read_record(store: &Store, index: RecordIndex) -> Option<RecordView> {
    let record = store.records.get(index);
    let mut reads = 0;
    loop {
        let version = record.version();
        let entry = record.entry();
        if entry.is_none() {
            return None;
        }
        let entry = store.entry(entry);
        // The attributes come first. `Entry::fill` stores them last, so the position is at least as new.
        let attributes = entry.attributes();
        let position = entry.position();
        let view = RecordView { attributes, position, state: record.state(), shard: record.meta().shard };
        let consistent = version.is_multiple_of(2) && record.version_after() == version;
        // An entry of another driver, or a vacant one: this driver has left it since the record was read, so the record
        // now leads to another entry.
        let own = attributes.record() == index && attributes != Attributes::VACANT;
        if own && (consistent || reads >= READS_MAX) {
            return Some(view);
        }
        reads += 1;
        spin_loop();
    }
}

/// Whether the attributes pass the filter. The time is in the record and is checked later.
#[inline]
pub(crate) fn attributes_pass(filter: &DriverFilter, attributes: Attributes) -> bool {
    (filter.statuses == 0 || filter.statuses >> attributes.status_number() & 1 == 1)
        && (filter.vehicle_classes == 0 || filter.vehicle_classes >> attributes.class().0 & 1 == 1)
        && attributes.capabilities().contains_all(filter.capabilities)
}

/// Whether the driver passes the filter.
#[inline]
pub(crate) fn passes(filter: &DriverFilter, view: &RecordView) -> bool {
    attributes_pass(filter, view.attributes) && view.state.update_version.time >= filter.time_min_ms
}

/// Loads a word of each record into the cache. No load depends on another.
#[inline]
pub(crate) fn prefetch_records(store: &Store, records: &[RecordIndex]) {
    for record in records {
        black_box(store.records.get(*record).version());
    }
}
