//! Searches: exact over the asked shards, beside a writer that never stops for them. Why nobody is missed and nobody
//! stands twice is argued for in [`crate::index`].

pub(crate) mod best;
pub(crate) mod circle;
pub(crate) mod polygon;
pub(crate) mod sight;
mod walk;

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::AtomicU64;

use kerb_fleet::{DriverFilter, DriverStatus, Hit, Search, ShardId};

use crate::store::Store;
use best::{Best, Found};
use circle::{CircleSearch, Queue};
use polygon::PolygonSearch;

/// Times that a search starts again because a driver stood twice in its full answer or the journal was lapped.
const STARTS_MAX: u32 = 8;

/// Why a search ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It would read more leaves than it was allowed.
    TooLong,
    /// Its caller has given up.
    GivenUp,
    /// It started again too often: let the writer stand still.
    Contended,
    /// Too many searches run at this instant.
    Crowded,
}

/// How long a search may go on.
pub struct Effort<'a> {
    /// Leaves that it may read.
    pub leaves_max: usize,
    /// Asked now and then: whether nobody waits for the answer any more.
    pub given_up: &'a dyn Fn() -> bool,
    pub(crate) leaves: usize,
}

impl<'a> Effort<'a> {
    /// So many leaves, unless `given_up` says yes.
    pub fn new(leaves_max: usize, given_up: &'a dyn Fn() -> bool) -> Self {
        Self { leaves_max, given_up, leaves: 0 }
    }
}

/// Shards as a set and as a list.
#[derive(Default)]
pub(crate) struct Asked {
    bits: Vec<u64>,
    list: Vec<ShardId>,
}

impl Asked {
    pub(crate) fn clear(&mut self, shards: usize) {
        self.list.clear();
        self.bits.clear();
        self.bits.resize(shards.div_ceil(64), 0);
    }

    pub(crate) fn insert(&mut self, shard: ShardId) {
        let (word, bit) = (usize::from(shard.0) / 64, 1 << (shard.0 % 64));
        if self.bits[word] & bit == 0 {
            self.bits[word] |= bit;
            self.list.push(shard);
        }
    }

    #[inline]
    pub(crate) fn contains(&self, shard: ShardId) -> bool {
        self.bits[usize::from(shard.0) / 64] >> (shard.0 % 64) & 1 == 1
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = ShardId> {
        self.list.iter().copied()
    }
}

/// Buffers that a thread's searches use again, so that a search allocates little but its answer.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(crate) asked: Asked,
    queue: Queue,
    moved: Vec<u32>,
}

/// Drivers of `scratch.asked`, in the search's order. The caller holds a pin.
pub(crate) fn run(
    store: &Store,
    scratch: &mut Scratch,
    search: &Search,
    filter: &DriverFilter,
    effort: &mut Effort<'_>,
    restarts: &AtomicU64,
) -> Result<Vec<Hit>, Stop> {
    let mut best = match search {
        Search::Nearest { circle, k } => Best::new(*k, circle.hav_max(), false, None),
        Search::WithinRadius { circle, limit, after } => {
            Best::new(*limit, circle.hav_max(), true, after.as_ref())
        }
        Search::WithinPolygon { limit, after, .. } => Best::new(*limit, 0.0, true, after.as_ref()),
    };
    for _ in 0..STARTS_MAX {
        if attempt(store, scratch, search, filter, effort, &mut best)? {
            return Ok(best.into_sorted().into_iter().filter_map(|found| hit(store, found)).collect());
        }
        restarts.fetch_add(1, Relaxed);
        best.restart();
    }
    Err(Stop::Contended)
}

/// Fills `best`; false: start again.
fn attempt(
    store: &Store,
    scratch: &mut Scratch,
    search: &Search,
    filter: &DriverFilter,
    effort: &mut Effort<'_>,
    best: &mut Best,
) -> Result<bool, Stop> {
    let Scratch { asked, queue, moved } = scratch;
    let start = store.journal.head();
    moved.clear();
    match search {
        Search::Nearest { circle, .. } | Search::WithinRadius { circle, .. } => {
            let mut search = CircleSearch { store, circle, filter, asked, best };
            search.read(queue, effort)?;
            if store.journal.since(start, moved).is_err() {
                return Ok(false);
            }
            Ok(moved.is_empty()
                || (settle(search.best, moved) && {
                    moved.iter().for_each(|number| search.look_at(*number));
                    true
                }))
        }
        Search::WithinPolygon { polygon, .. } => {
            let mut search = PolygonSearch { store, polygon, filter, asked, best };
            search.read(effort)?;
            if store.journal.since(start, moved).is_err() {
                return Ok(false);
            }
            Ok(moved.is_empty()
                || (settle(search.best, moved) && {
                    moved.iter().for_each(|number| search.look_at(*number));
                    true
                }))
        }
    }
}

/// Leaves in `moved` those who moved while the leaves were read and were not found: they may have been missed. False
/// when somebody was found in two leaves and so took the place of another.
fn settle(best: &mut Best, moved: &mut Vec<u32>) -> bool {
    moved.sort_unstable();
    moved.dedup();
    let mut found: Vec<u32> = best.iter().map(|found| found.sighting.traits.record()).collect();
    found.retain(|number| moved.binary_search(number).is_ok());
    found.sort_unstable();
    let once = found.len();
    found.dedup();
    if found.len() < once {
        if best.is_full() || best.left_out {
            return false;
        }
        best.dedup();
    }
    moved.retain(|number| found.binary_search(number).is_err());
    true
}

fn hit(store: &Store, found: Found) -> Option<Hit> {
    let Found { hav, card, sighting } = found;
    let card = card.or_else(|| store.cards.get(sighting.traits.record()).load_full())?;
    Some(Hit {
        card,
        position: sighting.position,
        hav,
        stamp: sighting.state.stamp,
        motion: sighting.state.motion,
        status: DriverStatus::from_number(sighting.traits.status_number())?,
    })
}
