//! Merges the answers of several servers into one exact answer. Pure.
//!
//! A driver may stand in several answers: in those of two replicas, or in two shards while it moves. It counts
//! once, and the newest [`UpdateVersion`](kerb_types::UpdateVersion) wins, wherever in the order that copy stands.
//!
//! **Exactness.** A list that is as long as its limit is *full*: it says nothing of what comes after its last hit,
//! its *horizon*. Up to the smallest horizon the merged order is complete. Without dropped copies the merged
//! answer ends before every horizon (a full list alone has enough hits); with them it may not, and then the list
//! in question must be asked for what comes after its horizon ([`Gather::more`]).

use std::cmp::Ordering;
use std::collections::HashMap;

use foldhash::fast::RandomState;
use kerb_ports::{Cursor, Neighbor, Search};
use kerb_types::{DriverId, ShardId};

use kerb_types::limits::PAGE_SIZE_MAX;

/// Times that a search may go back for more. A driver is rarely in two shards at once, so one time nearly always
/// ends it; each time asks for four times as much as the one before.
pub const MORE_ROUNDS_MAX: u32 = 4;
/// Asked for beyond what is known to be needed, the first time.
const MORE_SLACK: u32 = 16;

/// What an answer speaks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Shards that could hold an answer.
    pub asked: u32,
    /// Those of them that did not answer, or not in full; in order.
    pub missing: Vec<ShardId>,
}

impl Coverage {
    /// Shards that answered in full.
    pub fn answered(&self) -> u32 {
        self.asked - self.missing.len() as u32
    }

    /// Nothing is missing.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    /// With that of a further question of the same search, about a part of its area.
    pub(crate) fn join(&mut self, further: Self) {
        self.asked = self.asked.max(further.asked);
        self.missing.extend(further.missing);
        self.missing.sort_unstable();
        self.missing.dedup();
    }
}

/// A further question that the exact answer needs.
#[derive(Clone, Debug, PartialEq)]
pub struct More {
    /// To these shards together.
    pub shards: Vec<ShardId>,
    /// What comes after a horizon.
    pub search: Search,
}

/// Answers of one search, while they come in.
#[derive(Debug)]
pub struct Gather {
    search: Search,
    lists: Vec<List>,
    round: u32,
    /// Where the newest copies stand, when that is known and no list came since.
    merged: Option<Vec<(usize, usize)>>,
}

#[derive(Debug)]
struct List {
    shards: Vec<ShardId>,
    hits: Vec<Neighbor>,
    /// There may be more after the last hit, and nobody has been asked for it.
    full: bool,
}

impl Gather {
    /// Of answers to this search.
    pub fn new(search: Search) -> Self {
        Self { search, lists: Vec::new(), round: 0, merged: None }
    }

    /// Takes the answer for `shards` together: the first `limit` hits in the search's order.
    pub fn add(&mut self, shards: Vec<ShardId>, limit: u32, hits: Vec<Neighbor>) {
        let full = hits.len() >= limit as usize;
        self.merged = None;
        self.lists.push(List { shards, hits, full });
    }

    /// What must still be asked before the answer is exact; nothing when it is. Each is answered by
    /// [`Gather::add`], or its shards are missing from the answer. After [`MORE_ROUNDS_MAX`] times the
    /// lists that are still too short are named by [`Gather::finish`] as missing.
    pub fn more(&mut self) -> Vec<More> {
        // One list has no copies to lose, and lists that are not full have nothing more.
        if self.lists.len() < 2 || self.lists.iter().all(|list| !list.full) || self.round >= MORE_ROUNDS_MAX {
            return Vec::new();
        }
        let newest = self.newest();
        let short = self.short_lists(&newest);
        if short.is_empty() {
            // `finish` comes next.
            self.merged = Some(newest);
            return Vec::new();
        }
        let slack = MORE_SLACK << (2 * self.round);
        self.round += 1;
        short.into_iter().map(|(list, dropped)| self.ask_beyond(list, dropped as u32 + slack)).collect()
    }

    /// The exact answer for all shards but the named ones, in the search's order and within its limit.
    pub fn finish(mut self) -> (Vec<Neighbor>, Vec<ShardId>) {
        let limit = self.search.limit() as usize;
        if let [only] = self.lists.as_mut_slice() {
            let mut hits = std::mem::take(&mut only.hits);
            hits.truncate(limit);
            return (hits, Vec::new());
        }
        let newest = self.merged.take().unwrap_or_else(|| self.newest());
        let short = self.short_lists(&newest);
        let missing = short.into_iter().flat_map(|(list, _)| self.lists[list].shards.clone()).collect();
        let mut keep: Vec<_> = self.lists.iter().map(|list| vec![false; list.hits.len()]).collect();
        for &(list, index) in &newest {
            keep[list][index] = true;
        }
        let mut hits = Vec::with_capacity(newest.len());
        for (list, keep) in self.lists.into_iter().zip(keep) {
            hits.extend(list.hits.into_iter().zip(keep).filter_map(|(hit, keep)| keep.then_some(hit)));
        }
        hits.sort_by(|a, b| compare(&self.search, a, b));
        hits.truncate(limit);
        (hits, missing)
    }

    fn total(&self) -> usize {
        self.lists.iter().map(|list| list.hits.len()).sum()
    }

    /// Where the newest copy of each driver stands: list and index.
    fn newest(&self) -> Vec<(usize, usize)> {
        let total = self.total();
        let mut newest: HashMap<&DriverId, (usize, usize), RandomState> =
            HashMap::with_capacity_and_hasher(total, RandomState::default());
        for (l, list) in self.lists.iter().enumerate() {
            for (i, hit) in list.hits.iter().enumerate() {
                let best = newest.entry(&hit.card.id).or_insert((l, i));
                if hit.stamp > self.lists[best.0].hits[best.1].stamp {
                    *best = (l, i);
                }
            }
        }
        newest.into_values().collect()
    }

    /// The full lists whose horizon lies before the end of the merged answer, and how many hits each lost.
    fn short_lists(&self, newest: &[(usize, usize)]) -> Vec<(usize, usize)> {
        if newest.len() == self.total() {
            // Nothing was lost: a full list alone reaches the limit before its horizon.
            return Vec::new();
        }
        let mut kept = vec![0; self.lists.len()];
        for &(list, _) in newest {
            kept[list] += 1;
        }
        let limit = self.search.limit() as usize;
        let end = (newest.len() >= limit).then(|| {
            let mut merged: Vec<_> = newest.iter().map(|&(list, i)| &self.lists[list].hits[i]).collect();
            *merged.select_nth_unstable_by(limit - 1, |a, b| compare(&self.search, a, b)).1
        });
        let is_short = |list: &List| match (list.hits.last(), end) {
            (Some(horizon), Some(end)) => list.full && beyond(&self.search, end, horizon),
            _ => list.full,
        };
        let lists = self.lists.iter().enumerate().filter(|(_, list)| is_short(list));
        lists.map(|(l, list)| (l, list.hits.len() - kept[l])).collect()
    }

    /// The question for `wanted` hits after a full list's horizon. From now on its answer stands for the list's end.
    fn ask_beyond(&mut self, list: usize, wanted: u32) -> More {
        let list = &mut self.lists[list];
        list.full = false;
        let last = list.hits.last().expect("a full list has as many hits as its limit, which is not 0");
        let search = match &self.search {
            Search::Nearest { circle, .. } => {
                // Equal distances come in no order, so all of the horizon's distance are asked for again: the
                // cursor stands just before it, and the known ones do not count.
                let known = list.hits.iter().rev().take_while(|hit| hit.hav >= last.hav).count() as u32;
                let after =
                    (last.hav > 0.0).then(|| Cursor { hav: last.hav.next_down(), id: last.card.id.clone() });
                Search::WithinRadius { circle: *circle, limit: bounded(wanted + known), after }
            }
            Search::WithinRadius { circle, .. } => Search::WithinRadius {
                circle: *circle,
                limit: bounded(wanted),
                after: Some(Cursor { hav: last.hav, id: last.card.id.clone() }),
            },
            Search::WithinPolygon { polygon, .. } => Search::WithinPolygon {
                polygon: polygon.clone(),
                limit: bounded(wanted),
                after: Some(Cursor { hav: 0.0, id: last.card.id.clone() }),
            },
        };
        More { shards: list.shards.clone(), search }
    }
}

/// No question asks for more than a page and the one after it, whatever was lost.
fn bounded(limit: u32) -> u32 {
    limit.min(PAGE_SIZE_MAX + 1)
}

/// The order of the answer; among equally near ones by id, so that it is the same each time.
fn compare(search: &Search, a: &Neighbor, b: &Neighbor) -> Ordering {
    match search {
        Search::WithinPolygon { .. } => a.card.id.cmp(&b.card.id),
        _ => a.hav.total_cmp(&b.hav).then_with(|| a.card.id.cmp(&b.card.id)),
    }
}

/// Whether something unseen after `horizon` could belong before `end`.
fn beyond(search: &Search, end: &Neighbor, horizon: &Neighbor) -> bool {
    match search {
        Search::Nearest { .. } => end.hav > horizon.hav,
        _ => compare(search, end, horizon) == Ordering::Greater,
    }
}
