//! What every implementation of `TravelTimes` does, at places of the caller's choice: on the map, beside it, far away.

use std::sync::Arc;

use kerb_geometry::{LatLng, distance_m};

use crate::{Drive, Eta, Leg, TravelTimeQuery, TravelTimeTable, TravelTimes};
use kerb_types::TravelSource;

/// Travel times for the tests of others: 10 meters a second along the great circle. Whoever starts at an odd number of
/// ten thousandths of a degree of latitude is on the other bank of a river and needs `bridge_s` more; these times count
/// as straight lines, the others as those of roads.
#[derive(Clone, Copy, Debug)]
pub struct TwoBanks {
    /// Seconds over the bridge.
    pub bridge_s: u32,
}

impl TwoBanks {
    fn eta(self, from: LatLng, to: LatLng) -> Eta {
        let along_s = (distance_m(from, to) / 10.0).ceil() as u32;
        match (from.lat_e7() + 500).div_euclid(1_000).rem_euclid(2) {
            0 => Eta { time_s: along_s, source: TravelSource::Roads },
            _ => Eta { time_s: along_s + self.bridge_s, source: TravelSource::StraightLine },
        }
    }
}

impl TravelTimes for TwoBanks {
    fn pinned(self: Arc<Self>) -> Arc<dyn TravelTimes> {
        self
    }

    fn table(&self, query: &TravelTimeQuery) -> TravelTimeTable {
        let place = |places: &[LatLng], number: u32| places[number as usize];
        let etas = query.legs.iter().map(|leg| {
            self.eta(place(&query.origins, leg.origin), place(&query.destinations, leg.destination))
        });
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

/// Runs all cases on the ways between these places.
pub fn all(times: &dyn TravelTimes, places: &[LatLng]) {
    a_table_is_its_legs_in_their_order(times, places);
    a_drive_takes_as_long_as_its_leg(times, places);
    nobody_is_sooner_from_beyond_the_reach(times, places);
    a_longer_time_reaches_no_less_far(times, places);
}

/// A table's legs are those of single queries, whatever else is asked with them.
pub fn a_table_is_its_legs_in_their_order(times: &dyn TravelTimes, places: &[LatLng]) {
    let query = every_leg(places);
    let table = times.table(&query);
    assert_eq!((table.seconds.len(), table.sources.len()), (query.legs.len(), query.legs.len()));
    for (leg, eta) in query.legs.iter().zip(table.etas()) {
        let (from, to) = (places[leg.origin as usize], places[leg.destination as usize]);
        assert_eq!(one(times, from, to), eta, "from {from} to {to}");
    }
    assert_eq!(times.table(&TravelTimeQuery::default()), crate::TravelTimeTable::default());
}

/// A way with its length takes as long as without, and has a length when it takes time between two places.
pub fn a_drive_takes_as_long_as_its_leg(times: &dyn TravelTimes, places: &[LatLng]) {
    for (from, to) in pairs(places) {
        let drive = times.drive(from, to);
        assert_eq!(drive.eta, one(times, from, to), "from {from} to {to}");
        assert!(drive.length_m.is_finite() && drive.length_m >= 0.0, "from {from} to {to}: {drive:?}");
    }
}

/// The contract of `reach_m`, held against every leg, at its own time and around it.
pub fn nobody_is_sooner_from_beyond_the_reach(times: &dyn TravelTimes, places: &[LatLng]) {
    for (from, to) in pairs(places) {
        let Eta { time_s, .. } = one(times, from, to);
        for within_s in [time_s + 1, time_s * 2 + 1, time_s + 600] {
            let (away_m, reach_m) = (distance_m(from, to), times.reach_m(to, within_s));
            let text =
                format!("{time_s} s from {from} to {to}, {away_m} m, reach in {within_s} s {reach_m} m");
            assert!(away_m <= reach_m, "{text}");
        }
    }
}

/// `reach_m` does not shrink.
pub fn a_longer_time_reaches_no_less_far(times: &dyn TravelTimes, places: &[LatLng]) {
    for to in places {
        let reaches =
            [0, 1, 2, 10, 100, 1_000, 100_000, u32::MAX].map(|within_s| times.reach_m(*to, within_s));
        assert!(reaches.is_sorted() && reaches[0] >= 0.0, "to {to}: {reaches:?}");
    }
}

fn every_leg(places: &[LatLng]) -> TravelTimeQuery {
    let numbers = || 0..places.len() as u32;
    let legs = numbers().flat_map(|origin| numbers().map(move |destination| Leg { origin, destination }));
    TravelTimeQuery { origins: places.to_vec(), destinations: places.to_vec(), legs: legs.collect() }
}

fn pairs(places: &[LatLng]) -> impl Iterator<Item = (LatLng, LatLng)> {
    places.iter().flat_map(|from| places.iter().map(|to| (*from, *to)))
}

fn one(times: &dyn TravelTimes, from: LatLng, to: LatLng) -> Eta {
    let query = TravelTimeQuery {
        origins: vec![from],
        destinations: vec![to],
        legs: vec![Leg { origin: 0, destination: 0 }],
    };
    times.table(&query).etas().next().expect("an answer to the one leg")
}
