//! Collects the first drivers by distance and id, after those of the previous page.

use std::cmp::Ordering;

use hashbrown::HashSet;
use kerb_ports::Cursor;

use super::distance_sorter::{DistanceSorter, SortedDistance};
use super::record_read::RecordView;
use crate::store::driver_ids::{DriverIds, IdText};
use crate::store::indices::RecordIndex;

/// Drivers that are collected before the worst are dropped, as a multiple of the limit. Dropping passes over all
/// collected drivers, so each driver pays for a constant share of one pass.
const COLLECTED_LIMITS: usize = 2;
/// A limit from which on a search reads more leaves at once.
const LARGE_LIMIT: usize = 1_000;
/// Maximum room that is kept from search to search: for the longest page before its worst drivers are dropped.
const ROOM_MAX: usize = 1 << 15;

/// A driver that may be in the answer.
#[derive(Clone, Copy)]
pub(crate) struct DriverMatch {
    /// 0 in a polygon search.
    pub(crate) hav: f64,
    pub(crate) view: RecordView,
}

/// The first `limit` drivers so far.
pub(crate) struct TopResults {
    limit: usize,
    after: Option<Cursor>,
    /// In no order.
    matches: Vec<DriverMatch>,
    /// Whether drivers were dropped, which means that the answer is full.
    dropped: bool,
    /// Distance beyond which no driver can be in the answer now.
    hav_limit: f64,
    /// The records that were inserted, when a second occurrence must be dropped at once. Tracking them costs as much as
    /// the rest of the search, and is rarely needed.
    seen: Option<HashSet<RecordIndex, foldhash::fast::RandomState>>,
}

impl TopResults {
    /// Collects the first `limit` drivers, at least 1, up to `hav_max`, after a cursor. With `track_seen`, a second
    /// occurrence of a driver is dropped at once; otherwise [`TopResults::reconcile`] finds it. The room is returned by
    /// [`TopResults::finish`].
    pub(crate) fn new(
        limit: u32,
        hav_max: f64,
        after: Option<&Cursor>,
        track_seen: bool,
        room: &mut Vec<DriverMatch>,
    ) -> Self {
        Self {
            limit: limit.max(1) as usize,
            after: after.cloned(),
            matches: std::mem::take(room),
            dropped: false,
            hav_limit: hav_max,
            seen: track_seen.then(HashSet::default),
        }
    }

    /// Whether the limit is so large that most drivers that are read will be in the answer.
    pub(crate) fn is_large(&self) -> bool {
        self.limit >= LARGE_LIMIT
    }

    /// Whether a driver at this distance can still be in the answer.
    #[inline]
    pub(crate) fn may_include(&self, hav: f64) -> bool {
        hav <= self.hav_limit
    }

    /// The distance beyond which no driver can be in the answer.
    pub(crate) fn hav_limit(&self) -> f64 {
        self.hav_limit
    }

    /// The distance before which the previous page contains all drivers.
    pub(crate) fn hav_min(&self) -> f64 {
        self.after.as_ref().map_or(0.0, |after| after.hav)
    }

    /// Compares a distance with the cursor's. If they are equal, [`TopResults::is_id_after_cursor`] decides.
    #[inline]
    pub(crate) fn compare_to_cursor(&self, hav: f64) -> Ordering {
        self.after.as_ref().map_or(Ordering::Greater, |after| hav.total_cmp(&after.hav))
    }

    /// Whether a driver at the cursor's distance comes after the cursor.
    pub(crate) fn is_id_after_cursor(&self, id: &IdText) -> bool {
        self.after.as_ref().is_none_or(|after| id.as_bytes() > after.id.as_str().as_bytes())
    }

    /// Inserts a driver for which [`TopResults::may_include`] is true.
    #[inline]
    pub(crate) fn insert(&mut self, driver: DriverMatch, ids: &DriverIds) {
        let record = driver.view.attributes.record();
        if self.seen.as_mut().is_some_and(|seen| !seen.insert(record)) {
            return;
        }
        self.matches.push(driver);
        if self.matches.len() >= COLLECTED_LIMITS * self.limit {
            self.drop_worst(ids);
        }
    }

    /// Returns the moved drivers that are not among the results: the search may have missed them. `None` means that a
    /// driver was inserted twice and displaced another one, so the search must start again.
    pub(crate) fn reconcile(&mut self, moved: &[RecordIndex], ids: &DriverIds) -> Option<Vec<RecordIndex>> {
        self.drop_worst(ids);
        let records = self.matches.iter().map(|found| found.view.attributes.record());
        let mut found: Vec<RecordIndex> =
            records.filter(|record| moved.binary_search(record).is_ok()).collect();
        found.sort_unstable();
        let count = found.len();
        found.dedup();
        if found.len() < count {
            if self.dropped {
                return None;
            }
            self.matches.sort_unstable_by_key(|found| found.view.attributes.record());
            self.matches.dedup_by_key(|found| found.view.attributes.record());
        }
        self.seen = None;
        Some(moved.iter().copied().filter(|record| found.binary_search(record).is_err()).collect())
    }

    /// Calls `f` with the drivers and the order of the answer, and returns their room.
    pub(crate) fn finish<T>(
        mut self,
        ids: &DriverIds,
        sorter: &mut DistanceSorter,
        room: &mut Vec<DriverMatch>,
        f: impl FnOnce(&[DriverMatch], &[SortedDistance]) -> T,
    ) -> T {
        self.drop_worst(ids);
        // Distances first, without loading ids; equal distances are rare except in a polygon.
        let order = sorter.sort(self.matches.iter().map(|found| found.hav));
        let id = |i: u32| id_of(ids, &self.matches[i as usize]);
        for equal in order.chunk_by_mut(|a, b| a.0 == b.0).filter(|equal| equal.len() > 1) {
            equal.sort_unstable_by(|a, b| id(a.1).as_bytes().cmp(id(b.1).as_bytes()));
        }
        let result = f(&self.matches, order);
        self.matches.clear();
        self.matches.shrink_to(ROOM_MAX);
        sorter.shrink_to(ROOM_MAX);
        *room = self.matches;
        result
    }

    /// Drops the drivers beyond the limit.
    fn drop_worst(&mut self, ids: &DriverIds) {
        if self.matches.len() <= self.limit {
            return;
        }
        let order = |a: &DriverMatch, b: &DriverMatch| {
            a.hav.total_cmp(&b.hav).then_with(|| id_of(ids, a).as_bytes().cmp(id_of(ids, b).as_bytes()))
        };
        let (_, last, _) = self.matches.select_nth_unstable_by(self.limit - 1, order);
        self.hav_limit = last.hav;
        self.matches.truncate(self.limit);
        self.dropped = true;
    }
}

fn id_of(ids: &DriverIds, driver: &DriverMatch) -> IdText {
    ids.get(driver.view.attributes.record())
}
