//! The first so many drivers of a search that is ordered by distance and id, after those of the page before.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

use hashbrown::HashSet;
use kerb_fleet::{Cursor, DriverCard};

use super::sight::Sighting;

/// A driver that may be in the answer.
pub(crate) struct Found {
    /// 0 in a polygon search.
    pub(crate) hav: f64,
    pub(crate) card: Arc<DriverCard>,
    pub(crate) sighting: Sighting,
}

/// By distance, then by id.
impl Ord for Found {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.hav.total_cmp(&other.hav).then_with(|| self.card.id.cmp(&other.card.id))
    }
}

impl PartialOrd for Found {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Found {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Found {}

/// See the module.
pub(crate) struct Best {
    limit: usize,
    after: Option<Cursor>,
    /// The worst on top.
    heap: BinaryHeap<Found>,
    /// Distance beyond which nothing is wanted now.
    worst: f64,
    /// Records that were taken, where a second sight of one is to be left out at once. That costs as much as the
    /// rest, and is rarely needed.
    met: Option<HashSet<u32, foldhash::fast::RandomState>>,
}

impl Best {
    /// The first `limit`, at least 1, up to `hav_max`, after a cursor. `mind` whom it has met, or leave those who are
    /// met twice to [`Best::settle`].
    pub(crate) fn new(limit: u32, hav_max: f64, after: Option<&Cursor>, mind: bool) -> Self {
        Self {
            limit: limit.max(1) as usize,
            after: after.cloned(),
            heap: BinaryHeap::with_capacity((limit as usize).clamp(1, 1_024)),
            worst: hav_max,
            met: mind.then(HashSet::default),
        }
    }

    /// Whether somebody as near as this could still be wanted.
    #[inline]
    pub(crate) fn may_want(&self, hav: f64) -> bool {
        hav <= self.worst
    }

    /// The distance before which the page before has answered all.
    pub(crate) fn hav_min(&self) -> f64 {
        self.after.as_ref().map_or(0.0, |after| after.hav)
    }

    /// Whether the driver comes after the cursor.
    pub(crate) fn is_after(&self, hav: f64, id: &str) -> bool {
        let Some(after) = &self.after else { return true };
        hav.total_cmp(&after.hav).then_with(|| id.cmp(after.id.as_str())) == Ordering::Greater
    }

    /// Takes a driver for whom [`Best::may_want`] said yes, unless better ones fill the answer.
    #[inline]
    pub(crate) fn offer(&mut self, found: Found) {
        let record = found.sighting.traits.record();
        if self.met.as_mut().is_some_and(|met| !met.insert(record)) {
            return;
        }
        if self.heap.len() < self.limit {
            self.heap.push(found);
        } else {
            let Some(mut worst) = self.heap.peek_mut() else { return };
            if found < *worst {
                *worst = found;
            }
        }
        if self.heap.len() == self.limit
            && let Some(worst) = self.heap.peek()
        {
            self.worst = worst.hav;
        }
    }

    /// Who of those that moved while the leaves were read was not found: it may have been missed. `None` when somebody
    /// was found in two leaves and so took the place of another.
    pub(crate) fn settle(&mut self, moved: &[u32]) -> Option<Vec<u32>> {
        let mut found: Vec<u32> = self.heap.iter().map(|found| found.sighting.traits.record()).collect();
        found.retain(|record| moved.binary_search(record).is_ok());
        found.sort_unstable();
        let count = found.len();
        found.dedup();
        if found.len() < count {
            if self.heap.len() == self.limit {
                return None;
            }
            let mut all = std::mem::take(&mut self.heap).into_vec();
            all.sort_unstable_by_key(|found| found.sighting.traits.record());
            all.dedup_by_key(|found| found.sighting.traits.record());
            self.heap = all.into();
        }
        self.met = None;
        Some(moved.iter().copied().filter(|record| found.binary_search(record).is_err()).collect())
    }

    /// The drivers in order.
    pub(crate) fn into_sorted(self) -> Vec<Found> {
        self.heap.into_sorted_vec()
    }
}
