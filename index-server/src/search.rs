//! Searches: exact over the requested shards, next to a writer that never waits for them.
//!
//! [`crate::index`] argues why an answer misses no driver and contains none twice.

mod area_search;
mod bounding_box;
mod budget;
mod distance_sorter;
mod frontier;
mod leaf_group;
mod moved_records;
mod nearest;
mod record_read;
mod shard_set;
mod top_results;

use std::hint::black_box;

use kerb_geometry::Circle;
use kerb_ports::{DriverFilter, Neighbor, Search};
use kerb_types::DriverProfile;
use kerb_types::metrics::Counter;

use crate::store::Store;
use crate::store::filter_summary::FilterMask;
use crate::store::indices::RecordIndex;
use area_search::{AreaSearch, SearchArea};
use distance_sorter::DistanceSorter;
use frontier::PageQueue;
use moved_records::MovedRecords;
use nearest::{NearestBuffers, NearestSearch};
use record_read::RecordView;
use top_results::{DriverMatch, TopResults};

pub use budget::{SearchAbort, SearchBudget};
pub(crate) use shard_set::ShardSet;

/// Maximum number of starts of a search. It starts again when a full answer contained a driver twice; that happens once
/// at most, because the second run tracks which drivers it has met. It also starts again when more drivers moved than
/// the move log holds.
const STARTS_MAX: u32 = 4;

/// Number of ids that are loaded into the cache at once.
const ID_PREFETCH: usize = 32;

/// Buffers that the searches of a thread share, so that a search allocates little but its answer.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(crate) shards: ShardSet,
    queue: PageQueue,
    nearest: NearestBuffers,
    moved: MovedRecords,
    matches: Vec<DriverMatch>,
    records: Vec<RecordIndex>,
    sorter: DistanceSorter,
}

/// Finds drivers of `scratch.shards`, in the order of the search. The caller holds a pin.
pub(crate) fn run(
    store: &Store,
    scratch: &mut Scratch,
    search: &Search,
    filter: &DriverFilter,
    budget: &mut SearchBudget<'_>,
    restarts: &Counter,
) -> Result<Vec<Neighbor>, SearchAbort> {
    for start in 0..STARTS_MAX {
        scratch.moved.begin(store);
        let neighbors = match search {
            Search::Nearest { circle, k } => find_nearest(store, scratch, circle, *k, filter, budget)?,
            Search::WithinRadius { circle, limit, after } => {
                let hav_max = circle.hav_max();
                let results =
                    TopResults::new(*limit, hav_max, after.as_ref(), start > 0, &mut scratch.matches);
                find_in_area(store, scratch, SearchArea::Circle(circle), results, filter, budget)?
            }
            Search::WithinPolygon { polygon, limit, after } => {
                let results = TopResults::new(*limit, 0.0, after.as_ref(), start > 0, &mut scratch.matches);
                find_in_area(store, scratch, SearchArea::Polygon(polygon), results, filter, budget)?
            }
        };
        if let Some(neighbors) = neighbors {
            return Ok(neighbors);
        }
        restarts.increment();
    }
    Err(SearchAbort::Contended)
}

/// Runs a nearest search. Returns `None` when it must start again.
fn find_nearest(
    store: &Store,
    scratch: &mut Scratch,
    circle: &Circle,
    k: u32,
    filter: &DriverFilter,
    budget: &mut SearchBudget<'_>,
) -> Result<Option<Vec<Neighbor>>, SearchAbort> {
    let Scratch { shards, queue, nearest, moved, .. } = scratch;
    let found = Vec::with_capacity(k.min(64) as usize);
    let filter_mask = FilterMask::from(filter);
    let mut search = NearestSearch { store, circle, k: k as usize, filter, filter_mask, shards, found };
    if !search.run(queue, nearest, moved, budget)? {
        return Ok(None);
    }
    let mut found = search.found;
    found.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    Ok(Some(found.iter().map(|(hav, view)| neighbor(store, *hav, view)).collect()))
}

/// Runs a search for all drivers of an area. Returns `None` when it must start again.
fn find_in_area(
    store: &Store,
    scratch: &mut Scratch,
    area: SearchArea<'_>,
    results: TopResults,
    filter: &DriverFilter,
    budget: &mut SearchBudget<'_>,
) -> Result<Option<Vec<Neighbor>>, SearchAbort> {
    let Scratch { shards, queue, moved, matches, records, sorter, .. } = scratch;
    // An aborted search may have left some.
    records.clear();
    let filter_mask = FilterMask::from(filter);
    let mut search = AreaSearch { store, area, filter, filter_mask, shards, results, records };
    search.run(queue, budget)?;
    let Some(moved) = moved.update(store) else { return Ok(None) };
    if !moved.is_empty() {
        let Some(missed) = search.results.reconcile(moved, &store.ids) else { return Ok(None) };
        search.read_more(&missed);
    }
    let neighbors = search.results.finish(&store.ids, sorter, matches, |matches, order| {
        let mut neighbors = Vec::with_capacity(order.len());
        for group in order.chunks(ID_PREFETCH) {
            let group = group.iter().map(|(_, i)| &matches[*i as usize]);
            for found in group.clone() {
                black_box(store.ids.prefetch(found.view.attributes.record()));
            }
            neighbors.extend(group.map(|found| neighbor(store, found.hav, &found.view)));
        }
        neighbors
    });
    Ok(Some(neighbors))
}

fn neighbor(store: &Store, hav: f64, view: &RecordView) -> Neighbor {
    let RecordView { attributes, position, state, .. } = *view;
    let profile = DriverProfile {
        id: store.ids.id(attributes.record()),
        vehicle_class: attributes.class(),
        capabilities: attributes.capabilities(),
    };
    let status = attributes.status();
    Neighbor { profile, position, hav, update_version: state.update_version, motion: state.motion, status }
}
