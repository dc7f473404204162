//! Drivers who have not been heard of for too long leave the index.
//!
//! A driver is looked at when the first of its positions would be too old. So one whose clock jumps back, which makes a
//! newer position older than the one before, leaves late: at most by as much as the clock jumped.

use std::sync::Arc;

use super::Writer;
use crate::store::record::{Home, NOWHERE};

impl Writer {
    /// Looks for who is old. They leave by [`Writer::expire_some`].
    pub(crate) fn find_old(&mut self, now_ms: i64) {
        self.tombstones.expire(now_ms);
        let (store, expired, position_ttl_ms) = (&self.store, &mut self.expired, self.position_ttl_ms);
        self.deadlines.advance(now_ms, |number| {
            let record = store.records.get(number);
            let home = record.home();
            if !home.watched {
                return None;
            }
            let placed = record.place() != NOWHERE;
            let deadline_ms = record.time_ms() + position_ttl_ms + 1;
            if placed && deadline_ms > now_ms {
                return Some(deadline_ms);
            }
            // A record that is in no tree, or in other hands by then, is watched again from its next placing.
            record.set_home(Home { watched: false, ..home });
            if placed {
                expired.push_back(number);
            }
            None
        });
    }

    /// Removes some of those who were found old, unless they have been heard of since. Answers how many left, and
    /// whether there are more to look at.
    pub(crate) fn expire_some(&mut self, now_ms: i64, looks_max: usize) -> (u64, bool) {
        let store = Arc::clone(&self.store);
        let mut gone = 0;
        for _ in 0..looks_max {
            let Some(number) = self.expired.pop_front() else { break };
            let record = store.records.get(number);
            if record.place() == NOWHERE {
                continue;
            }
            if now_ms - record.time_ms() <= self.position_ttl_ms {
                record.set_home(Home { watched: true, ..record.home() });
                self.deadlines.insert(number, record.time_ms() + self.position_ttl_ms + 1);
                continue;
            }
            self.unplace(number);
            gone += 1;
        }
        (gone, !self.expired.is_empty())
    }
}
