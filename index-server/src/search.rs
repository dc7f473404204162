//! Searches: exact over the asked shards, beside a writer that never stops for them. Why nobody is missed and nobody
//! stands twice is argued for in [`crate::index`].

mod best;
mod frontier;
mod nearest;
mod order;
mod sight;
mod window;
mod within;

use std::hint::black_box;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use kerb_geometry::Circle;
use kerb_ports::{DriverFilter, Neighbor, Search};
use kerb_types::{DriverProfile, DriverStatus, ShardId};

use crate::store::Store;
use crate::store::kinds::Sought;
use best::{Best, Found};
use frontier::Queue;
use nearest::{Candidates, Nearest};
use order::Order;
use sight::Sighting;
use within::{Place, Within};

/// Times that a search starts. It starts again when a driver was met twice in a full answer, then minding whom it has
/// met, so at most once for that; and when more drivers moved meanwhile than the journal remembers.
const STARTS_MAX: u32 = 4;

/// Ids whose cache lines are asked for at once.
const IDS_AHEAD: usize = 32;

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

/// Who moved from leaf to leaf since a search began.
#[derive(Default)]
pub(crate) struct Moved {
    start: u64,
    records: Vec<u32>,
}

impl Moved {
    /// A search begins.
    fn begin(&mut self, store: &Store) {
        self.start = store.journal.start();
    }

    /// The records in order, each once; `None` when there are more than the journal remembers.
    fn update(&mut self, store: &Store) -> Option<&[u32]> {
        self.records.clear();
        store.journal.since(self.start, &mut self.records).ok()?;
        self.records.sort_unstable();
        self.records.dedup();
        Some(&self.records)
    }
}

/// Buffers that a thread's searches use again, so that a search allocates little but its answer.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(crate) asked: Asked,
    queue: Queue,
    candidates: Candidates,
    moved: Moved,
    found: Vec<Found>,
    records: Vec<u32>,
    order: Order,
}

/// Drivers of `scratch.asked`, in the search's order. The caller holds a pin.
pub(crate) fn run(
    store: &Store,
    scratch: &mut Scratch,
    search: &Search,
    filter: &DriverFilter,
    effort: &mut Effort<'_>,
    restarts: &AtomicU64,
) -> Result<Vec<Neighbor>, Stop> {
    for start in 0..STARTS_MAX {
        scratch.moved.begin(store);
        let neighbors = match search {
            Search::Nearest { circle, k } => nearest(store, scratch, circle, *k, filter, effort)?,
            Search::WithinRadius { circle, limit, after } => {
                let hav_max = circle.hav_max();
                let best = Best::new(*limit, hav_max, after.as_ref(), start > 0, &mut scratch.found);
                within(store, scratch, Place::Circle(circle), best, filter, effort)?
            }
            Search::WithinPolygon { polygon, limit, after } => {
                let best = Best::new(*limit, 0.0, after.as_ref(), start > 0, &mut scratch.found);
                within(store, scratch, Place::Polygon(polygon), best, filter, effort)?
            }
        };
        if let Some(neighbors) = neighbors {
            return Ok(neighbors);
        }
        restarts.fetch_add(1, Relaxed);
    }
    Err(Stop::Contended)
}

/// The answer of a nearest search; `None`: start again.
fn nearest(
    store: &Store,
    scratch: &mut Scratch,
    circle: &Circle,
    k: u32,
    filter: &DriverFilter,
    effort: &mut Effort<'_>,
) -> Result<Option<Vec<Neighbor>>, Stop> {
    let Scratch { asked, queue, candidates, moved, .. } = scratch;
    let found = Vec::with_capacity(k.min(64) as usize);
    let sought = Sought::from(filter);
    let mut search = Nearest { store, circle, k: k as usize, filter, sought, asked, found };
    if !search.read(queue, candidates, moved, effort)? {
        return Ok(None);
    }
    let mut found = search.found;
    found.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    Ok(Some(found.iter().map(|(hav, sighting)| neighbor(store, *hav, sighting)).collect()))
}

/// The answer of a search for all within an area; `None`: start again.
fn within(
    store: &Store,
    scratch: &mut Scratch,
    place: Place<'_>,
    best: Best,
    filter: &DriverFilter,
    effort: &mut Effort<'_>,
) -> Result<Option<Vec<Neighbor>>, Stop> {
    let Scratch { asked, queue, moved, found, records, order, .. } = scratch;
    // A search that was stopped may have left some.
    records.clear();
    let sought = Sought::from(filter);
    let mut search = Within { store, place, filter, sought, asked, best, records };
    search.read(queue, effort)?;
    let Some(moved) = moved.update(store) else { return Ok(None) };
    if !moved.is_empty() {
        let Some(missed) = search.best.settle(moved, &store.ids) else { return Ok(None) };
        search.look_at(&missed);
    }
    let neighbors = search.best.leave(&store.ids, order, found, |found, pairs| {
        let mut neighbors = Vec::with_capacity(pairs.len());
        for group in pairs.chunks(IDS_AHEAD) {
            let group = group.iter().map(|(_, i)| &found[*i as usize]);
            for found in group.clone() {
                black_box(store.ids.fetch(found.sighting.traits.record()));
            }
            neighbors.extend(group.map(|found| neighbor(store, found.hav, &found.sighting)));
        }
        neighbors
    });
    Ok(Some(neighbors))
}

fn neighbor(store: &Store, hav: f64, sighting: &Sighting) -> Neighbor {
    let Sighting { traits, position, state, .. } = *sighting;
    let profile = DriverProfile {
        id: store.ids.id(traits.record()),
        vehicle_class: traits.class(),
        capabilities: traits.capabilities(),
    };
    let status = DriverStatus::from_number(traits.status_number());
    let status = status.expect("an entry's status came from a status");
    Neighbor { profile, position, hav, update_version: state.update_version, motion: state.motion, status }
}
