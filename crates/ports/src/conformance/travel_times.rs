//! The conformance suite of [`TravelTimes`], at positions that the caller chooses: on the map, next to it and far away.

use std::sync::Arc;

use kerb_geometry::{LatLng, distance_m};

use crate::{Drive, Eta, Leg, TravelTimeQuery, TravelTimeTable, TravelTimes};
use kerb_types::TravelSource;

/// Travel times for tests of other crates: 10 meters per second along the great circle, on the two banks of a river. A leg
/// that starts at an odd number of ten thousandths of a degree of latitude starts on the far bank. It takes `bridge_s`
/// longer and has the source `StraightLine`; every other leg has the source `Roads`.
#[derive(Clone, Copy, Debug)]
pub struct TwoBanks {
    /// The additional travel time over the bridge in seconds.
    pub bridge_s: u32,
}

impl TwoBanks {
    fn eta(self, from: LatLng, to: LatLng) -> Eta {
        let direct_s = (distance_m(from, to) / 10.0).ceil() as u32;
        match (from.lat_e7() + 500).div_euclid(1_000).rem_euclid(2) {
            0 => Eta { time_s: direct_s, source: TravelSource::Roads },
            _ => Eta { time_s: direct_s + self.bridge_s, source: TravelSource::StraightLine },
        }
    }
}

impl TravelTimes for TwoBanks {
    fn pinned(self: Arc<Self>) -> Arc<dyn TravelTimes> {
        self
    }

    fn table(&self, query: &TravelTimeQuery) -> TravelTimeTable {
        let at = |positions: &[LatLng], index: u32| positions[index as usize];
        let etas = query
            .legs
            .iter()
            .map(|leg| self.eta(at(&query.origins, leg.origin), at(&query.destinations, leg.destination)));
        let (seconds, sources) = etas.map(|eta| (eta.time_s, eta.source)).unzip();
        TravelTimeTable { seconds, sources }
    }

    fn drive(&self, from: LatLng, to: LatLng) -> Drive {
        Drive { eta: self.eta(from, to), length_m: distance_m(from, to) }
    }

    fn reach_m(&self, _to: LatLng, within_s: u32) -> f64 {
        f64::from(within_s) * 10.0
    }
}

/// Runs all cases on the legs between these positions.
pub fn all(times: &dyn TravelTimes, positions: &[LatLng]) {
    a_table_equals_single_queries(times, positions);
    a_route_takes_as_long_as_its_leg(times, positions);
    no_leg_from_beyond_the_reach_is_faster(times, positions);
    the_reach_does_not_shrink_with_time(times, positions);
}

/// The travel times of a table equal those of single queries, in the order of the legs.
pub fn a_table_equals_single_queries(times: &dyn TravelTimes, positions: &[LatLng]) {
    let query = every_leg(positions);
    let table = times.table(&query);
    assert_eq!((table.seconds.len(), table.sources.len()), (query.legs.len(), query.legs.len()));
    for (leg, eta) in query.legs.iter().zip(table.etas()) {
        let (from, to) = (positions[leg.origin as usize], positions[leg.destination as usize]);
        assert_eq!(one(times, from, to), eta, "from {from} to {to}");
    }
    assert_eq!(times.table(&TravelTimeQuery::default()), crate::TravelTimeTable::default());
}

/// The travel time of a route equals that of its leg, and the length of a route is finite.
pub fn a_route_takes_as_long_as_its_leg(times: &dyn TravelTimes, positions: &[LatLng]) {
    for (from, to) in pairs(positions) {
        let drive = times.drive(from, to);
        assert_eq!(drive.eta, one(times, from, to), "from {from} to {to}");
        assert!(drive.length_m.is_finite() && drive.length_m >= 0.0, "from {from} to {to}: {drive:?}");
    }
}

/// Every leg satisfies the contract of `reach_m`, at its own travel time and at longer ones.
pub fn no_leg_from_beyond_the_reach_is_faster(times: &dyn TravelTimes, positions: &[LatLng]) {
    for (from, to) in pairs(positions) {
        let Eta { time_s, .. } = one(times, from, to);
        for within_s in [time_s + 1, time_s * 2 + 1, time_s + 600] {
            let (direct_m, reach_m) = (distance_m(from, to), times.reach_m(to, within_s));
            let text =
                format!("{time_s} s from {from} to {to}, {direct_m} m, reach in {within_s} s {reach_m} m");
            assert!(direct_m <= reach_m, "{text}");
        }
    }
}

/// `reach_m` does not shrink as the time grows.
pub fn the_reach_does_not_shrink_with_time(times: &dyn TravelTimes, positions: &[LatLng]) {
    for to in positions {
        let reaches =
            [0, 1, 2, 10, 100, 1_000, 100_000, u32::MAX].map(|within_s| times.reach_m(*to, within_s));
        assert!(reaches.is_sorted() && reaches[0] >= 0.0, "to {to}: {reaches:?}");
    }
}

fn every_leg(positions: &[LatLng]) -> TravelTimeQuery {
    let numbers = || 0..positions.len() as u32;
    let legs = numbers().flat_map(|origin| numbers().map(move |destination| Leg { origin, destination }));
    TravelTimeQuery { origins: positions.to_vec(), destinations: positions.to_vec(), legs: legs.collect() }
}

fn pairs(positions: &[LatLng]) -> impl Iterator<Item = (LatLng, LatLng)> {
    positions.iter().flat_map(|from| positions.iter().map(|to| (*from, *to)))
}

fn one(times: &dyn TravelTimes, from: LatLng, to: LatLng) -> Eta {
    let query = TravelTimeQuery {
        origins: vec![from],
        destinations: vec![to],
        legs: vec![Leg { origin: 0, destination: 0 }],
    };
    times.table(&query).etas().next().expect("an answer to the one leg")
}
