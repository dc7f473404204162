//! Removes drivers whose positions are older than the position TTL.
//!
//! A driver is checked when the first of its positions would be too old. A driver's clock may jump back, which makes a
//! newer position older than the one before. Such a driver expires late, at most by as much as its clock jumped.

use std::sync::Arc;

use kerb_types::{Millis, Timestamp};

use super::Writer;
use crate::store::record::RecordMeta;

impl Writer {
    /// Finds the drivers that are due. [`Writer::remove_due`] removes them.
    pub(crate) fn find_due(&mut self, now: Timestamp) {
        self.tombstones.expire(now);
        let (store, due, position_ttl_ms) = (&self.store, &mut self.due, self.position_ttl_ms);
        self.expiry_index.advance(now, |index| {
            let record = store.records.get(index);
            let meta = record.meta();
            if !meta.in_expiry_index {
                return None;
            }
            let indexed = !record.entry().is_none();
            let deadline_ms = record.time() + position_ttl_ms + Millis::new(1);
            if indexed && deadline_ms > now {
                return Some(deadline_ms);
            }
            // A driver in no tree, or a new driver with this record, is tracked again when it enters a tree.
            record.set_meta(RecordMeta { in_expiry_index: false, ..meta });
            if indexed {
                due.push_back(index);
            }
            None
        });
    }

    /// Removes at most `checks_max` of the due drivers, unless they have reported since. Returns how many were removed,
    /// and whether there are more to check.
    pub(crate) fn remove_due(&mut self, now: Timestamp, checks_max: usize) -> (u64, bool) {
        let store = Arc::clone(&self.store);
        let mut expired = 0;
        for _ in 0..checks_max {
            let Some(index) = self.due.pop_front() else { break };
            let record = store.records.get(index);
            if record.entry().is_none() {
                continue;
            }
            if now - record.time() <= self.position_ttl_ms {
                record.set_meta(RecordMeta { in_expiry_index: true, ..record.meta() });
                self.expiry_index.insert(index, record.time() + self.position_ttl_ms + Millis::new(1));
                continue;
            }
            self.deindex(index);
            expired += 1;
        }
        (expired, !self.due.is_empty())
    }
}
