//! A cache of snapped positions.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::quality::RandomState;
use kerb_geometry::LatLng;
use parking_lot::Mutex;

use crate::engine::PhantomNode;

/// The most positions in one generation. The cache has two generations.
const GENERATION_MAX: usize = 32_768;

/// The recently used positions in two generations. A full young generation becomes the old one, whose entries are
/// evicted. An old entry that is used again moves to the young generation.
///
/// This approximates an LRU cache with one hash lookup for each hit and no list.
#[derive(Debug, Default)]
pub(crate) struct SnapCache {
    generations: Mutex<Generations>,
}

type Generation = HashMap<LatLng, Arc<[PhantomNode]>, RandomState>;

#[derive(Debug, Default)]
struct Generations {
    young: Generation,
    old: Generation,
}

impl SnapCache {
    /// Returns the phantom nodes of each position. Calls `snap` for positions that are not cached.
    pub(crate) fn phantom_nodes(
        &self,
        positions: &[LatLng],
        snap: impl Fn(LatLng) -> Vec<PhantomNode>,
    ) -> Vec<Arc<[PhantomNode]>> {
        let cached: Vec<_> = {
            let mut generations = self.generations.lock();
            positions.iter().map(|at| generations.find(*at)).collect()
        };
        // Snapping happens without the lock, so that other threads can use the cache meanwhile. Two threads may snap
        // the same position; both get the same result.
        let mut fresh = Vec::new();
        let phantom_nodes = cached.into_iter().zip(positions).map(|(cached, at)| {
            cached.unwrap_or_else(|| {
                let snapped: Arc<[PhantomNode]> = snap(*at).into();
                fresh.push((*at, snapped.clone()));
                snapped
            })
        });
        let phantom_nodes = phantom_nodes.collect();
        if !fresh.is_empty() {
            let mut generations = self.generations.lock();
            for (at, snapped) in fresh {
                generations.insert(at, snapped);
            }
        }
        phantom_nodes
    }
}

impl Generations {
    fn find(&mut self, at: LatLng) -> Option<Arc<[PhantomNode]>> {
        if let Some(snapped) = self.young.get(&at) {
            return Some(snapped.clone());
        }
        let snapped = self.old.remove(&at)?;
        self.insert(at, snapped.clone());
        Some(snapped)
    }

    fn insert(&mut self, at: LatLng, snapped: Arc<[PhantomNode]>) {
        if self.young.len() >= GENERATION_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(at, snapped);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn at(number: usize) -> LatLng {
        LatLng::from_e7(number as i32, 7).unwrap()
    }

    #[test]
    fn recently_used_positions_are_cached_and_others_are_evicted() {
        let (cache, searched) = (SnapCache::default(), Cell::new(0));
        let phantom_nodes = |positions: &[LatLng]| {
            cache.phantom_nodes(positions, |at| {
                searched.set(searched.get() + 1);
                vec![PhantomNode { arc: at.lat_e7() as u32, fraction: 0.5 }]
            })
        };
        let arcs = |lists: &[Arc<[PhantomNode]>]| lists.iter().map(|list| list[0].arc).collect::<Vec<_>>();
        assert_eq!(arcs(&phantom_nodes(&[at(1), at(2), at(1)])), [1, 2, 1]);
        let first = searched.get();
        assert_eq!(arcs(&phantom_nodes(&[at(2), at(1), at(3)])), [2, 1, 3]);
        assert_eq!(searched.get(), first + 1, "only the third was new");
        for number in 10..10 + 3 * GENERATION_MAX {
            phantom_nodes(&[at(number), at(1)]);
        }
        let later = searched.get();
        assert_eq!(arcs(&phantom_nodes(&[at(1), at(2)])), [1, 2]);
        assert_eq!(searched.get(), later + 1, "one was asked for all the time, the other was not");
        let generations = cache.generations.lock();
        assert!(generations.young.len() + generations.old.len() <= 2 * GENERATION_MAX);
    }
}
