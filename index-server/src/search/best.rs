//! The first so many drivers of a search that is ordered by distance and id, after those of the page before.

use std::cmp::Ordering;

use hashbrown::HashSet;
use kerb_fleet::Cursor;

use super::sight::Sighting;
use crate::store::ids::{IdText, Ids};

/// Drivers that are kept beyond the limit before the worst are dropped, as a multiple of it. Dropping goes over all
/// that are kept, so each driver pays for a constant share of one pass.
const KEPT_LIMITS: usize = 2;
/// Fewer are sorted by comparison.
const EVENLY_MIN: usize = 256;
/// Room that is asked for at the begin, at most.
const ROOM: usize = 1_024;

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
    /// met twice to [`Best::settle`].
    pub(crate) fn new(limit: u32, hav_max: f64, after: Option<&Cursor>, mind: bool) -> Self {
        Self {
            limit: limit.max(1) as usize,
            after: after.cloned(),
            found: Vec::with_capacity((KEPT_LIMITS * limit as usize).clamp(1, ROOM)),
            dropped: false,
            worst: hav_max,
            met: mind.then(HashSet::default),
        }
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

    /// The drivers in order, as their distances and what was seen of them.
    pub(crate) fn into_sorted(mut self, ids: &Ids) -> Vec<Found> {
        self.drop_worst(ids);
        // What is sorted is small: a distance is not negative, so its bits order it.
        let mut order: Vec<(u64, u32)> =
            (0..).zip(&self.found).map(|(i, found)| (found.hav.to_bits(), i)).collect();
        let id = |i: u32| id_of(ids, &self.found[i as usize]);
        // By numbers alone, without a look at ids; ties are few but in a polygon.
        sort_evenly(&mut order);
        for equal in order.chunk_by_mut(|a, b| a.0 == b.0).filter(|equal| equal.len() > 1) {
            equal.sort_unstable_by(|a, b| id(a.1).as_bytes().cmp(id(b.1).as_bytes()));
        }
        order.into_iter().map(|(_, i)| self.found[i as usize]).collect()
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

/// Sorts pairs of the bits of a distance, which is not negative, and a number. The haversines of drivers who are spread
/// over a circle are spread over their range, because both grow with the square of the distance: so a place by its share
/// of the range is near its right one.
fn sort_evenly(order: &mut [(u64, u32)]) {
    if order.len() < EVENLY_MIN {
        order.sort_unstable();
        return;
    }
    let hav = |bits: u64| f64::from_bits(bits);
    let (min, max) =
        order.iter().fold((u64::MAX, 0), |(min, max), (bits, _)| (min.min(*bits), max.max(*bits)));
    if min == max {
        order.sort_unstable();
        return;
    }
    let scale = (order.len() - 1) as f64 / (hav(max) - hav(min));
    let bucket = |bits: u64| ((hav(bits) - hav(min)) * scale) as usize;
    let mut ends = vec![0_u32; order.len() + 1];
    for (bits, _) in &*order {
        ends[bucket(*bits).min(order.len() - 1) + 1] += 1;
    }
    for i in 1..ends.len() {
        ends[i] += ends[i - 1];
    }
    let mut placed = vec![(0, 0); order.len()];
    for pair in &*order {
        let at = &mut ends[bucket(pair.0).min(order.len() - 1)];
        placed[*at as usize] = *pair;
        *at += 1;
    }
    order.copy_from_slice(&placed);
    // What shares a bucket is in no order yet; all before it is less.
    let mut start = 0;
    for end in ends {
        let end = end as usize;
        if end > start + 1 {
            order[start..end].sort_unstable();
        }
        start = start.max(end);
    }
}

fn id_of(ids: &Ids, found: &Found) -> IdText {
    ids.get(found.sighting.traits.record())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::sort_evenly;

    proptest! {
        #[test]
        fn evenly_sorted_is_sorted(
            spread in prop::collection::vec(0.0..1e-6_f64, 0..600),
            crowd in prop::collection::vec(0.0..1e-12_f64, 0..600),
            far in prop::option::of(0.5..1.0_f64),
        ) {
            let havs = spread.into_iter().chain(crowd).chain(far);
            let mut order: Vec<(u64, u32)> = (0..).zip(havs).map(|(i, hav)| (hav.to_bits(), i)).collect();
            let mut right = order.clone();
            right.sort_unstable();
            sort_evenly(&mut order);
            prop_assert_eq!(order, right);
        }
    }
}
