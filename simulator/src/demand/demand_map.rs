//! The demand map: the expected requests by hour and cell, as means over other days of the same source.
//!
//! The map is what a fleet could know from its history. Its days are drawn from the scenario's demand with other seeds and
//! without the bursts, which are not predictable. Recorded trips have one day only, so their map is of that day.

use std::collections::BTreeMap;

use h3o::{CellIndex, Resolution};
use kerb_geometry::LatLng;
use rand::RngExt;

use super::{DemandData, TripDemand};
use crate::scenario::Scenario;
use crate::scenario::random_streams::{Purpose, stream};
use crate::scenario::street_map::StreetMap;

/// Number of days.
const DAYS: u64 = 4;
/// Cells of about 0.7 km².
const RESOLUTION: Resolution = Resolution::Eight;
const HOUR_MS: i64 = 3_600_000;

/// Expected requests, by hour of the run and cell.
#[derive(Debug, Default)]
pub(crate) struct DemandMap {
    from_ms: i64,
    /// Sorted, so that random draws are deterministic.
    cells: Vec<CellIndex>,
    /// Pickups in each cell, one for each request.
    places: Vec<Vec<LatLng>>,
    /// Requests per hour, by hour of the run and then by cell.
    per_h: Vec<Vec<f64>>,
}

impl DemandMap {
    /// Draws the days of a run with this seed.
    pub(crate) fn new(data: &DemandData, scenario: &Scenario, street_map: &StreetMap, seed: u64) -> Self {
        let mut calm = scenario.clone();
        calm.demand.bursts.clear();
        let mut seeds = stream(seed, Purpose::History, 0);
        let days = (0..DAYS).map(|_| data.draw(&calm, street_map, seeds.random()));
        Self::of(&days.collect::<Vec<_>>(), scenario.from_ms(), scenario.to_ms())
    }

    /// Computes the means over some days.
    pub(crate) fn of(days: &[Vec<TripDemand>], from_ms: i64, to_ms: i64) -> Self {
        let mut by_cell: BTreeMap<CellIndex, Vec<(i64, LatLng)>> = BTreeMap::new();
        for trip_demand in days.iter().flatten() {
            by_cell
                .entry(cell_of(trip_demand.pickup))
                .or_default()
                .push((trip_demand.at_ms, trip_demand.pickup));
        }
        let hours = (to_ms - from_ms + HOUR_MS - 1) / HOUR_MS;
        let per_h = (0..hours).map(|hour| {
            let begins_ms = from_ms + hour * HOUR_MS;
            let within = begins_ms..(begins_ms + HOUR_MS).min(to_ms);
            let day_h = (within.end - within.start) as f64 / HOUR_MS as f64;
            let rate = |requests: &Vec<(i64, LatLng)>| {
                let count = requests.iter().filter(|(at_ms, _)| within.contains(at_ms)).count();
                count as f64 / days.len() as f64 / day_h
            };
            by_cell.values().map(rate).collect()
        });
        Self {
            from_ms,
            per_h: per_h.collect(),
            cells: by_cell.keys().copied().collect(),
            places: by_cell
                .into_values()
                .map(|requests| requests.into_iter().map(|(_, at)| at).collect())
                .collect(),
        }
    }

    /// Returns the index of the cell that contains a place; `None` for a cell without requests.
    pub(crate) fn cell(&self, at: LatLng) -> Option<usize> {
        self.cells.binary_search(&cell_of(at)).ok()
    }

    /// Returns the number of cells.
    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    /// Returns the expected requests per hour at this time, by cell.
    pub(crate) fn per_h(&self, at_ms: i64) -> &[f64] {
        let hour = ((at_ms - self.from_ms) / HOUR_MS).max(0) as usize;
        self.per_h.get(hour).or(self.per_h.last()).map_or(&[], Vec::as_slice)
    }

    /// Returns the pickups in a cell.
    pub(crate) fn places(&self, cell: usize) -> &[LatLng] {
        &self.places[cell]
    }
}

fn cell_of(at: LatLng) -> CellIndex {
    let degrees = h3o::LatLng::new(at.lat_deg(), at.lon_deg()).expect("a position is finite");
    degrees.to_cell(RESOLUTION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_averaged_by_hour_and_cell() {
        let (near, far) = (LatLng::new(37.77, -122.42).unwrap(), LatLng::new(37.80, -122.40).unwrap());
        let trip_demand = |min: i64, pickup| TripDemand {
            at_ms: min * 60_000,
            pickup,
            dropoff: near,
            passengers: 1,
            class: 0,
        };
        // An hour and a half; three and one requests in the first hour, one in the half.
        let days = [
            vec![trip_demand(0, near), trip_demand(59, near), trip_demand(10, far), trip_demand(60, near)],
            vec![trip_demand(30, near)],
        ];
        let map = DemandMap::of(&days, 0, 90 * 60_000);
        let (near_cell, far_cell) = (map.cell(near).unwrap(), map.cell(far).unwrap());
        assert_eq!((map.len(), map.places(near_cell).len()), (2, 4));
        let rates = |min: i64| [near_cell, far_cell].map(|cell| map.per_h(min * 60_000)[cell]);
        assert_eq!((rates(0), rates(59)), ([1.5, 0.5], [1.5, 0.5]));
        assert_eq!(
            (rates(60), rates(1_000)),
            ([1.0, 0.0], [1.0, 0.0]),
            "the last hour stands for later hours"
        );
        assert_eq!(map.cell(LatLng::new(0.0, 0.0).unwrap()), None);
    }
}
