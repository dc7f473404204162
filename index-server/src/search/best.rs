//! The best so many drivers of a search, in its order.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

use kerb_fleet::{Cursor, DriverCard};

use super::sight::Sighting;

/// A driver that may be in the answer.
pub(crate) struct Found {
    /// 0 in a polygon search.
    pub(crate) hav: f64,
    /// Where the order asks for the id.
    pub(crate) card: Option<Arc<DriverCard>>,
    pub(crate) sighting: Sighting,
}

impl Found {
    fn id(&self) -> Option<&str> {
        self.card.as_ref().map(|card| card.id.as_str())
    }
}

/// By distance, then by id where the order asks for it.
impl Ord for Found {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.hav.total_cmp(&other.hav).then_with(|| self.id().cmp(&other.id()))
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
    /// Nothing beyond it is wanted.
    hav_max: f64,
    /// The order goes on by id where distances are equal.
    pub(crate) by_id: bool,
    after: Option<Cursor>,
    /// The worst on top.
    heap: BinaryHeap<Found>,
    /// Distance beyond which nothing is wanted now.
    worst: f64,
    /// Somebody was left out because there were better ones.
    pub(crate) left_out: bool,
}

impl Best {
    /// The first `limit`, at least 1, up to `hav_max`, after a cursor.
    pub(crate) fn new(limit: u32, hav_max: f64, by_id: bool, after: Option<&Cursor>) -> Self {
        Self {
            limit: limit.max(1) as usize,
            hav_max,
            by_id,
            after: after.cloned(),
            heap: BinaryHeap::with_capacity((limit as usize).clamp(1, 1_024)),
            worst: hav_max,
            left_out: false,
        }
    }

    /// Forgets everybody.
    pub(crate) fn restart(&mut self) {
        self.heap.clear();
        self.worst = self.hav_max;
        self.left_out = false;
    }

    /// Whether somebody as near as this could still be wanted.
    #[inline]
    pub(crate) fn may_want(&self, hav: f64) -> bool {
        // In a full answer without ids, equal to the worst is no better.
        hav < self.worst || (hav == self.worst && (self.by_id || self.heap.len() < self.limit))
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
        if self.heap.len() < self.limit {
            self.heap.push(found);
        } else {
            self.left_out = true;
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

    /// Whether everything else was left unread because the answer was full.
    pub(crate) fn is_full(&self) -> bool {
        self.heap.len() == self.limit
    }

    /// The drivers so far, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Found> {
        self.heap.iter()
    }

    /// Keeps one of each driver that stands twice.
    pub(crate) fn dedup(&mut self) {
        let mut all = std::mem::take(&mut self.heap).into_vec();
        all.sort_unstable_by_key(|found| found.sighting.traits.record());
        all.dedup_by_key(|found| found.sighting.traits.record());
        self.heap = all.into();
    }

    /// The drivers in order.
    pub(crate) fn into_sorted(self) -> Vec<Found> {
        self.heap.into_sorted_vec()
    }
}
