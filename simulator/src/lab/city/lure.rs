//! Where a driver without a trip goes to find riders.

use std::sync::Arc;

use kerb_geometry::{LatLng, distance_m};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use crate::lab::demand::{DemandMap, Wish};
use crate::lab::draws::pick;

/// A driver takes the nearest of so many places.
const PLACES_KNOWN: usize = 3;
/// Demand of so much time ahead is set against the drivers who are there: hours.
const AHEAD_H: f64 = 0.25;

/// What drivers know of demand.
pub(super) enum Lure {
    /// Where riders ask at any time of the run.
    HotSpots(Arc<Vec<Wish>>),
    /// Where more riders are expected than there are free drivers.
    Shortage {
        map: DemandMap,
        /// Free drivers who stand in each cell or go there.
        free: Vec<u32>,
    },
}

impl Lure {
    pub(super) fn shortage(map: DemandMap) -> Self {
        Self::Shortage { free: vec![0; map.len()], map }
    }

    /// The nearest of some places; `None` where nobody is missing anywhere.
    pub(super) fn place(&self, now_ms: i64, here: LatLng, rng: &mut Pcg64Mcg) -> Option<LatLng> {
        let known = [(); PLACES_KNOWN].map(|()| self.draw(now_ms, rng));
        let near = |a: &LatLng, b: &LatLng| distance_m(here, *a).total_cmp(&distance_m(here, *b));
        known.into_iter().flatten().min_by(near)
    }

    fn draw(&self, now_ms: i64, rng: &mut Pcg64Mcg) -> Option<LatLng> {
        match self {
            Self::HotSpots(wishes) if wishes.is_empty() => None,
            Self::HotSpots(wishes) => Some(wishes[rng.random_range(0..wishes.len())].pickup),
            Self::Shortage { map, free } => {
                let missing = map.per_h(now_ms).iter().zip(free);
                let missing = missing.map(|(per_h, free)| (per_h * AHEAD_H - f64::from(*free)).max(0.0));
                if missing.clone().sum::<f64>() <= 0.0 {
                    return None;
                }
                let places = map.places(pick(rng, missing));
                Some(places[rng.random_range(0..places.len())])
            }
        }
    }

    /// The cell in which a driver at this place, or on its way there, counts.
    pub(super) fn cell(&self, at: LatLng) -> Option<usize> {
        match self {
            Self::HotSpots(_) => None,
            Self::Shortage { map, .. } => map.cell(at),
        }
    }

    /// A free driver counts there instead of here.
    pub(super) fn moves(&mut self, from: Option<usize>, to: Option<usize>) {
        let Self::Shortage { free, .. } = self else { return };
        if let Some(cell) = from {
            free[cell] -= 1;
        }
        if let Some(cell) = to {
            free[cell] += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::draws::{Purpose, stream};

    fn place(north: f64) -> LatLng {
        LatLng::new(37.70 + north, -122.42).unwrap()
    }

    /// In the quarter of an hour ahead 4 riders are expected at one place and 2 at another.
    #[test]
    fn drivers_go_where_riders_are_missed_and_nowhere_else() {
        let (busy, calm) = (place(0.0), place(0.1));
        let wish = |pickup| Wish { at_ms: 0, pickup, dropoff: busy, passengers: 1, class: 0 };
        let day = [vec![wish(busy); 16], vec![wish(calm); 8]].concat();
        let mut lure = Lure::shortage(DemandMap::of(&[day], 0, 3_600_000));
        let mut rng = stream(1, Purpose::Roaming, 0);
        let mut drawn =
            |lure: &Lure| -> Vec<Option<LatLng>> { (0..300).map(|_| lure.draw(0, &mut rng)).collect() };
        let share = |drawn: &[Option<LatLng>]| drawn.iter().filter(|at| **at == Some(busy)).count();
        // Two of three, within four standard deviations of 300 draws.
        assert!((168..=232).contains(&share(&drawn(&lure))));
        // Three drivers are on their way there: one of three, as many as are missed.
        for _ in 0..3 {
            lure.moves(None, lure.cell(busy));
        }
        assert!((68..=132).contains(&share(&drawn(&lure))));
        lure.moves(None, lure.cell(calm));
        lure.moves(None, lure.cell(calm));
        assert_eq!(share(&drawn(&lure)), 300);
        lure.moves(lure.cell(calm), lure.cell(busy));
        assert_eq!(share(&drawn(&lure)), 0);
        lure.moves(None, lure.cell(calm));
        assert!(drawn(&lure).iter().all(Option::is_none), "nobody is missed");
    }
}
