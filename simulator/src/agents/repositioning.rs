//! The destinations of drivers who move to where riders are expected.

use std::sync::Arc;

use kerb_geometry::{LatLng, distance_m};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use crate::demand::{DemandMap, TripDemand};
use crate::scenario::random_streams::pick;

/// A driver draws this many destinations and takes the nearest.
const CANDIDATES: usize = 3;
/// Hours of expected demand that are compared with the free drivers of a cell.
const HORIZON_H: f64 = 0.25;

/// What drivers know about demand.
pub(crate) enum Repositioning {
    /// The pickups of the whole run.
    HotSpots(Arc<Vec<TripDemand>>),
    /// The cells with more expected riders than free drivers.
    Shortage {
        map: DemandMap,
        /// Free drivers who stand in each cell or drive to it.
        free: Vec<u32>,
    },
}

impl Repositioning {
    pub(crate) fn shortage(map: DemandMap) -> Self {
        Self::Shortage { free: vec![0; map.len()], map }
    }

    /// Returns the nearest of some drawn destinations; `None` when no cell lacks drivers.
    pub(crate) fn destination(&self, now_ms: i64, here: LatLng, rng: &mut Pcg64Mcg) -> Option<LatLng> {
        let candidates = [(); CANDIDATES].map(|()| self.draw(now_ms, rng));
        let near = |a: &LatLng, b: &LatLng| distance_m(here, *a).total_cmp(&distance_m(here, *b));
        candidates.into_iter().flatten().min_by(near)
    }

    fn draw(&self, now_ms: i64, rng: &mut Pcg64Mcg) -> Option<LatLng> {
        match self {
            Self::HotSpots(trip_demands) if trip_demands.is_empty() => None,
            Self::HotSpots(trip_demands) => {
                Some(trip_demands[rng.random_range(0..trip_demands.len())].pickup)
            }
            Self::Shortage { map, free } => {
                let shortage = map.per_h(now_ms).iter().zip(free);
                let shortage = shortage.map(|(per_h, free)| (per_h * HORIZON_H - f64::from(*free)).max(0.0));
                if shortage.clone().sum::<f64>() <= 0.0 {
                    return None;
                }
                let places = map.places(pick(rng, shortage));
                Some(places[rng.random_range(0..places.len())])
            }
        }
    }

    /// Returns the cell that counts a driver at this place, or on its way to it.
    pub(crate) fn cell(&self, at: LatLng) -> Option<usize> {
        match self {
            Self::HotSpots(_) => None,
            Self::Shortage { map, .. } => map.cell(at),
        }
    }

    /// Moves a free driver from one cell's count to another's.
    pub(crate) fn move_driver(&mut self, from: Option<usize>, to: Option<usize>) {
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
    use crate::scenario::random_streams::{Purpose, stream};

    fn place(north: f64) -> LatLng {
        LatLng::new(37.70 + north, -122.42).unwrap()
    }

    /// The next quarter of an hour expects 4 riders at one place and 2 at another.
    #[test]
    fn drivers_only_go_to_cells_that_lack_drivers() {
        let (busy, calm) = (place(0.0), place(0.1));
        let trip = |pickup| TripDemand { at_ms: 0, pickup, dropoff: busy, passengers: 1, class: 0 };
        let day = [vec![trip(busy); 16], vec![trip(calm); 8]].concat();
        let mut repositioning = Repositioning::shortage(DemandMap::of(&[day], 0, 3_600_000));
        let mut rng = stream(1, Purpose::Roaming, 0);
        let mut drawn = |repositioning: &Repositioning| -> Vec<Option<LatLng>> {
            (0..300).map(|_| repositioning.draw(0, &mut rng)).collect()
        };
        let share = |drawn: &[Option<LatLng>]| drawn.iter().filter(|at| **at == Some(busy)).count();
        // The expected share is 2/3; the bounds are four standard deviations of 300 draws away.
        assert!((168..=232).contains(&share(&drawn(&repositioning))));
        // With three drivers on their way, both places lack one driver or two: the expected share is 1/3.
        for _ in 0..3 {
            repositioning.move_driver(None, repositioning.cell(busy));
        }
        assert!((68..=132).contains(&share(&drawn(&repositioning))));
        repositioning.move_driver(None, repositioning.cell(calm));
        repositioning.move_driver(None, repositioning.cell(calm));
        assert_eq!(share(&drawn(&repositioning)), 300);
        repositioning.move_driver(repositioning.cell(calm), repositioning.cell(busy));
        assert_eq!(share(&drawn(&repositioning)), 0);
        repositioning.move_driver(None, repositioning.cell(calm));
        assert!(drawn(&repositioning).iter().all(Option::is_none), "no cell lacks drivers");
    }
}
