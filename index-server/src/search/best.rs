//! The first so many drivers of a search that is ordered by distance and id, after those of the page before.

use std::cmp::Ordering;

use hashbrown::HashSet;
use kerb_ports::Cursor;

use super::order::{Order, Pair};
use super::sight::Sighting;
use crate::store::ids::{IdText, Ids};

/// Drivers that are kept beyond the limit before the worst are dropped, as a multiple of it. Dropping goes over all
/// that are kept, so each driver pays for a constant share of one pass.
const KEPT_LIMITS: usize = 2;
/// A limit from which on a search reads more leaves at once.
const MANY_MIN: usize = 1_000;
/// Room for so many is kept from search to search, at most: for the longest page before its worst are dropped.
const ROOM_MAX: usize = 1 << 15;

/// A driver that may be in the answer.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    /// 0 in a polygon search.
    pub(crate) hav: f64,
    pub(crate) sighting: Sighting,
}

/// See the module.
pub(crate) struct Best {
    limit: usize,
    after: Option<Cursor>,
    /// In no order.
    found: Vec<Found>,
    /// Somebody was dropped: the answer is full.
    dropped: bool,
    /// Distance beyond which nothing is wanted now.
    worst: f64,
    /// Records that were taken, where a second sight of one is to be left out at once. That costs as much as the
    /// rest, and is rarely needed.
    met: Option<HashSet<u32, foldhash::fast::RandomState>>,
}

impl Best {
    /// The first `limit`, at least 1, up to `hav_max`, after a cursor. `mind` whom it has met, or leave those who are
    /// met twice to [`Best::settle`]. The room is taken until [`Best::leave`] gives it back.
    pub(crate) fn new(
        limit: u32,
        hav_max: f64,
        after: Option<&Cursor>,
        mind: bool,
        room: &mut Vec<Found>,
    ) -> Self {
        Self {
            limit: limit.max(1) as usize,
            after: after.cloned(),
            found: std::mem::take(room),
            dropped: false,
            worst: hav_max,
            met: mind.then(HashSet::default),
        }
    }

    /// Whether most of what is read will be in the answer, however much that is.
    pub(crate) fn wants_many(&self) -> bool {
        self.limit >= MANY_MIN
    }

    /// Whether somebody as near as this could still be wanted.
    #[inline]
    pub(crate) fn may_want(&self, hav: f64) -> bool {
        hav <= self.worst
    }

    /// The distance beyond which nobody is wanted.
    pub(crate) fn worst(&self) -> f64 {
        self.worst
    }

    /// The distance before which the page before has answered all.
    pub(crate) fn hav_min(&self) -> f64 {
        self.after.as_ref().map_or(0.0, |after| after.hav)
    }

    /// Whether a driver at this distance is certainly after the cursor, certainly not, or by its id.
    #[inline]
    pub(crate) fn side_of(&self, hav: f64) -> Ordering {
        self.after.as_ref().map_or(Ordering::Greater, |after| hav.total_cmp(&after.hav))
    }

    /// Whether a driver of this id comes after the cursor, where [`Best::side_of`] is equal.
    pub(crate) fn is_after(&self, id: &IdText) -> bool {
        self.after.as_ref().is_none_or(|after| id.as_bytes() > after.id.as_str().as_bytes())
    }

    /// Takes a driver for whom [`Best::may_want`] said yes.
    #[inline]
    pub(crate) fn offer(&mut self, found: Found, ids: &Ids) {
        let record = found.sighting.traits.record();
        if self.met.as_mut().is_some_and(|met| !met.insert(record)) {
            return;
        }
        self.found.push(found);
        if self.found.len() >= KEPT_LIMITS * self.limit {
            self.drop_worst(ids);
        }
    }

    /// Who of those that moved while the leaves were read was not found: it may have been missed. `None` when somebody
    /// was found in two leaves and so took the place of another.
    pub(crate) fn settle(&mut self, moved: &[u32], ids: &Ids) -> Option<Vec<u32>> {
        self.drop_worst(ids);
        let records = self.found.iter().map(|found| found.sighting.traits.record());
        let mut found: Vec<u32> = records.filter(|record| moved.binary_search(record).is_ok()).collect();
        found.sort_unstable();
        let count = found.len();
        found.dedup();
        if found.len() < count {
            if self.dropped {
                return None;
            }
            self.found.sort_unstable_by_key(|found| found.sighting.traits.record());
            self.found.dedup_by_key(|found| found.sighting.traits.record());
        }
        self.met = None;
        Some(moved.iter().copied().filter(|record| found.binary_search(record).is_err()).collect())
    }

    /// Shows the drivers in the order of the answer, and gives the room for them back.
    pub(crate) fn leave<T>(
        mut self,
        ids: &Ids,
        order: &mut Order,
        room: &mut Vec<Found>,
        show: impl FnOnce(&[Found], &[Pair]) -> T,
    ) -> T {
        self.drop_worst(ids);
        // By numbers alone, without a look at ids; ties are few but in a polygon.
        let pairs = order.sort(self.found.iter().map(|found| found.hav));
        let id = |i: u32| id_of(ids, &self.found[i as usize]);
        for equal in pairs.chunk_by_mut(|a, b| a.0 == b.0).filter(|equal| equal.len() > 1) {
            equal.sort_unstable_by(|a, b| id(a.1).as_bytes().cmp(id(b.1).as_bytes()));
        }
        let shown = show(&self.found, pairs);
        self.found.clear();
        self.found.shrink_to(ROOM_MAX);
        order.shrink_to(ROOM_MAX);
        *room = self.found;
        shown
    }

    /// Drops who is beyond the limit.
    fn drop_worst(&mut self, ids: &Ids) {
        if self.found.len() <= self.limit {
            return;
        }
        let order = |a: &Found, b: &Found| {
            a.hav.total_cmp(&b.hav).then_with(|| id_of(ids, a).as_bytes().cmp(id_of(ids, b).as_bytes()))
        };
        let (_, last, _) = self.found.select_nth_unstable_by(self.limit - 1, order);
        self.worst = last.hav;
        self.found.truncate(self.limit);
        self.dropped = true;
    }
}

fn id_of(ids: &Ids, found: &Found) -> IdText {
    ids.get(found.sighting.traits.record())
}
