//! Merges the results of several servers into one exact result. Pure.
//!
//! A driver may be in several results: in those of two replicas, or in two shards while it moves. The merged result has
//! it once: the copy with the newest [`UpdateVersion`](kerb_types::UpdateVersion) wins, at whatever rank it is.
//!
//! **Exactness.** A list that is as long as its limit is *full*: neighbors after its last one, its *horizon*, are
//! unknown. The merged order is complete up to the smallest horizon. Without dropped copies the merged result ends
//! before every horizon, because a full list alone has enough neighbors. With dropped copies it may end later; then the
//! neighbors after that list's horizon are needed too ([`Merge::refetches`]).

mod coverage;

use std::cmp::Ordering;
use std::collections::HashMap;

use foldhash::fast::RandomState;
use kerb_ports::{Cursor, Neighbor, Search};
use kerb_types::{DriverId, ShardId};

use kerb_types::limits::PAGE_SIZE_MAX;

pub use coverage::Coverage;

/// Maximum rounds of refetches per search. A driver is rarely in two shards at once, so one round nearly always
/// suffices. Each round asks for four times as many neighbors as the round before.
pub const REFETCH_ROUNDS_MAX: u32 = 4;
/// Neighbors that the first refetch asks for beyond the known need.
const REFETCH_SLACK: u32 = 16;

/// A further query that the exact result depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct Refetch {
    /// The shards that the query covers together.
    pub shards: Vec<ShardId>,
    /// The search for the neighbors after a horizon.
    pub search: Search,
}

/// Merges the results of one search as they arrive.
#[derive(Debug)]
pub struct Merge {
    search: Search,
    lists: Vec<List>,
    /// Rounds of refetches so far.
    rounds: u32,
    /// List and index of the newest copy of each driver; `None` after a list was added.
    merged: Option<Vec<(usize, usize)>>,
}

#[derive(Debug)]
struct List {
    shards: Vec<ShardId>,
    neighbors: Vec<Neighbor>,
    /// There may be neighbors after the last one, and no refetch has asked for them.
    full: bool,
}

impl Merge {
    /// An empty merge for this search.
    pub fn new(search: Search) -> Self {
        Self { search, lists: Vec::new(), rounds: 0, merged: None }
    }

    /// Adds the result for `shards` together: the first `limit` neighbors in the search's order.
    pub fn add(&mut self, shards: Vec<ShardId>, limit: u32, neighbors: Vec<Neighbor>) {
        let full = neighbors.len() >= limit as usize;
        self.merged = None;
        self.lists.push(List { shards, neighbors, full });
    }

    /// Returns the queries that the exact result still depends on; none when the result is exact. The caller adds the
    /// result of each with [`Merge::add`], or reports its shards as missing. After [`REFETCH_ROUNDS_MAX`] rounds
    /// [`Merge::finish`] reports the shards of the lists that are still too short as missing.
    pub fn refetches(&mut self) -> Vec<Refetch> {
        // One list has no copies to lose, and lists that are not full have nothing more.
        if self.lists.len() < 2
            || self.lists.iter().all(|list| !list.full)
            || self.rounds >= REFETCH_ROUNDS_MAX
        {
            return Vec::new();
        }
        let newest = self.newest();
        let short = self.short_lists(&newest);
        if short.is_empty() {
            // Kept for `finish`, which comes next and would compute it again.
            self.merged = Some(newest);
            return Vec::new();
        }
        // Four times as much each round: 16, 64, 256, 1024.
        let slack = REFETCH_SLACK << (2 * self.rounds);
        self.rounds += 1;
        short.into_iter().map(|(list, dropped)| self.refetch_beyond(list, dropped as u32 + slack)).collect()
    }

    /// Returns the exact result, in the search's order and within its limit, and the shards that it does not cover.
    pub fn finish(mut self) -> (Vec<Neighbor>, Vec<ShardId>) {
        let limit = self.search.limit() as usize;
        if let [only] = self.lists.as_mut_slice() {
            let mut neighbors = std::mem::take(&mut only.neighbors);
            neighbors.truncate(limit);
            return (neighbors, Vec::new());
        }
        let newest = self.merged.take().unwrap_or_else(|| self.newest());
        let short = self.short_lists(&newest);
        let missing = short.into_iter().flat_map(|(list, _)| self.lists[list].shards.clone()).collect();
        let mut keep: Vec<_> = self.lists.iter().map(|list| vec![false; list.neighbors.len()]).collect();
        for &(list, index) in &newest {
            keep[list][index] = true;
        }
        let mut neighbors = Vec::with_capacity(newest.len());
        for (list, keep) in self.lists.into_iter().zip(keep) {
            neighbors.extend(
                list.neighbors.into_iter().zip(keep).filter_map(|(neighbor, keep)| keep.then_some(neighbor)),
            );
        }
        neighbors.sort_by(|a, b| compare(&self.search, a, b));
        neighbors.truncate(limit);
        (neighbors, missing)
    }

    fn total(&self) -> usize {
        self.lists.iter().map(|list| list.neighbors.len()).sum()
    }

    /// Returns list and index of the newest copy of each driver.
    fn newest(&self) -> Vec<(usize, usize)> {
        let total = self.total();
        let mut newest: HashMap<&DriverId, (usize, usize), RandomState> =
            HashMap::with_capacity_and_hasher(total, RandomState::default());
        for (l, list) in self.lists.iter().enumerate() {
            for (i, neighbor) in list.neighbors.iter().enumerate() {
                let best = newest.entry(&neighbor.profile.id).or_insert((l, i));
                if neighbor.update_version > self.lists[best.0].neighbors[best.1].update_version {
                    *best = (l, i);
                }
            }
        }
        newest.into_values().collect()
    }

    /// Returns the full lists whose horizon is before the end of the merged result, and how many copies each lost.
    fn short_lists(&self, newest: &[(usize, usize)]) -> Vec<(usize, usize)> {
        if newest.len() == self.total() {
            // No copy was dropped: a full list alone reaches the limit before its horizon.
            return Vec::new();
        }
        let mut kept = vec![0; self.lists.len()];
        for &(list, _) in newest {
            kept[list] += 1;
        }
        let limit = self.search.limit() as usize;
        let end = (newest.len() >= limit).then(|| {
            let mut merged: Vec<_> = newest.iter().map(|&(list, i)| &self.lists[list].neighbors[i]).collect();
            *merged.select_nth_unstable_by(limit - 1, |a, b| compare(&self.search, a, b)).1
        });
        let is_short = |list: &List| match (list.neighbors.last(), end) {
            (Some(horizon), Some(end)) => list.full && beyond(&self.search, end, horizon),
            _ => list.full,
        };
        let lists = self.lists.iter().enumerate().filter(|(_, list)| is_short(list));
        lists.map(|(l, list)| (l, list.neighbors.len() - kept[l])).collect()
    }

    /// Returns the query for `wanted` neighbors after a full list's horizon. The list counts as not full from here on: the
    /// refetched list takes over its end.
    fn refetch_beyond(&mut self, list: usize, wanted: u32) -> Refetch {
        let list = &mut self.lists[list];
        list.full = false;
        let last =
            list.neighbors.last().expect("a full list has as many neighbors as its limit, which is not 0");
        let search = match &self.search {
            Search::Nearest { circle, .. } => {
                // A nearest search orders equal distances arbitrarily, so the refetch includes all neighbors at the
                // horizon's distance: its cursor is just before that distance, and the known ones are added to the
                // limit.
                let known =
                    list.neighbors.iter().rev().take_while(|neighbor| neighbor.hav >= last.hav).count()
                        as u32;
                let after = (last.hav > 0.0)
                    .then(|| Cursor { hav: last.hav.next_down(), id: last.profile.id.clone() });
                Search::WithinRadius { circle: *circle, limit: bounded(wanted + known), after }
            }
            Search::WithinRadius { circle, .. } => Search::WithinRadius {
                circle: *circle,
                limit: bounded(wanted),
                after: Some(Cursor { hav: last.hav, id: last.profile.id.clone() }),
            },
            Search::WithinPolygon { polygon, .. } => Search::WithinPolygon {
                polygon: polygon.clone(),
                limit: bounded(wanted),
                after: Some(Cursor { hav: 0.0, id: last.profile.id.clone() }),
            },
        };
        Refetch { shards: list.shards.clone(), search }
    }
}

/// A refetch asks for at most one page and one neighbor of the next, however many copies were dropped.
fn bounded(limit: u32) -> u32 {
    limit.min(PAGE_SIZE_MAX + 1)
}

/// The order of the result. Drivers at equal distance are ordered by id, so that the order is the same each time.
fn compare(search: &Search, a: &Neighbor, b: &Neighbor) -> Ordering {
    match search {
        Search::WithinPolygon { .. } => a.profile.id.cmp(&b.profile.id),
        _ => a.hav.total_cmp(&b.hav).then_with(|| a.profile.id.cmp(&b.profile.id)),
    }
}

/// Whether an unknown neighbor after `horizon` could rank before `end`.
fn beyond(search: &Search, end: &Neighbor, horizon: &Neighbor) -> bool {
    match search {
        Search::Nearest { .. } => end.hav > horizon.hav,
        _ => compare(search, end, horizon) == Ordering::Greater,
    }
}
