//! Where positions are on the streets, remembered for those that come again.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::quality::RandomState;
use kerb_geometry::LatLng;
use parking_lot::Mutex;

use crate::engine::PhantomNode;

/// Positions of one generation; two are kept.
const GENERATION_MAX: usize = 32_768;

/// Positions that were asked for of late: those of two generations. When the younger one is full it becomes the older,
/// which is forgotten; who is asked for in it moves to the younger.
#[derive(Debug, Default)]
pub(crate) struct SnapCache {
    kept: Mutex<Generations>,
}

type Generation = HashMap<LatLng, Arc<[PhantomNode]>, RandomState>;

#[derive(Debug, Default)]
struct Generations {
    young: Generation,
    old: Generation,
}

impl SnapCache {
    /// Of each position, by `snap` where it is not known.
    pub(crate) fn ends(
        &self,
        positions: &[LatLng],
        snap: impl Fn(LatLng) -> Vec<PhantomNode>,
    ) -> Vec<Arc<[PhantomNode]>> {
        let known: Vec<_> = {
            let mut kept = self.kept.lock();
            positions.iter().map(|at| kept.find(*at)).collect()
        };
        // Not under the lock: other windows look here too.
        let mut fresh = Vec::new();
        let ends = known.into_iter().zip(positions).map(|(known, at)| {
            known.unwrap_or_else(|| {
                let ends: Arc<[PhantomNode]> = snap(*at).into();
                fresh.push((*at, ends.clone()));
                ends
            })
        });
        let ends = ends.collect();
        if !fresh.is_empty() {
            let mut kept = self.kept.lock();
            for (at, ends) in fresh {
                kept.keep(at, ends);
            }
        }
        ends
    }
}

impl Generations {
    fn find(&mut self, at: LatLng) -> Option<Arc<[PhantomNode]>> {
        if let Some(ends) = self.young.get(&at) {
            return Some(ends.clone());
        }
        let ends = self.old.remove(&at)?;
        self.keep(at, ends.clone());
        Some(ends)
    }

    fn keep(&mut self, at: LatLng, ends: Arc<[PhantomNode]>) {
        if self.young.len() >= GENERATION_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(at, ends);
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
    fn what_comes_again_is_not_searched_again_and_what_does_not_is_forgotten() {
        let (snapped, searched) = (SnapCache::default(), Cell::new(0));
        let ends = |positions: &[LatLng]| {
            snapped.ends(positions, |at| {
                searched.set(searched.get() + 1);
                vec![PhantomNode { arc: at.lat_e7() as u32, fraction: 0.5 }]
            })
        };
        let arcs = |ends: &[Arc<[PhantomNode]>]| ends.iter().map(|ends| ends[0].arc).collect::<Vec<_>>();
        assert_eq!(arcs(&ends(&[at(1), at(2), at(1)])), [1, 2, 1]);
        let first = searched.get();
        assert_eq!(arcs(&ends(&[at(2), at(1), at(3)])), [2, 1, 3]);
        assert_eq!(searched.get(), first + 1, "only the third was new");
        for number in 10..10 + 3 * GENERATION_MAX {
            ends(&[at(number), at(1)]);
        }
        let later = searched.get();
        assert_eq!(arcs(&ends(&[at(1), at(2)])), [1, 2]);
        assert_eq!(searched.get(), later + 1, "one was asked for all the time, the other was not");
        let kept = snapped.kept.lock();
        assert!(kept.young.len() + kept.old.len() <= 2 * GENERATION_MAX);
    }
}
