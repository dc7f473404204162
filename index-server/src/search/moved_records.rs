//! The drivers that moved between leaves during a search.

use crate::store::Store;
use crate::store::indices::RecordIndex;

/// A search's part of the move log.
#[derive(Default)]
pub(crate) struct MovedRecords {
    start: u64,
    records: Vec<RecordIndex>,
}

impl MovedRecords {
    /// Notes that a search begins.
    pub(super) fn begin(&mut self, store: &Store) {
        self.start = store.move_log.start();
    }

    /// Returns the records that moved since the beginning, in order, each once. `None` means that the move log does
    /// not hold all of them any more.
    pub(super) fn update(&mut self, store: &Store) -> Option<&[RecordIndex]> {
        self.records.clear();
        store.move_log.since(self.start, &mut self.records).ok()?;
        self.records.sort_unstable();
        self.records.dedup();
        Some(&self.records)
    }
}
