//! Travel times without a road network: great-circle distance, a detour factor and one speed.

use std::sync::Arc;

use kerb_geometry::{LatLng, distance_m};
use kerb_ports::{Drive, Eta, TravelTimeQuery, TravelTimeTable, TravelTimes};
use kerb_types::TravelSource;

/// Travel times from the formula seconds = distance × detour ÷ speed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StraightLine {
    seconds_per_m: f64,
    detour: f64,
}

impl StraightLine {
    /// A route is `detour` times as long as the great circle and is driven at `speed_kmh`. Both must be positive.
    pub fn new(speed_kmh: f64, detour: f64) -> Self {
        assert!(speed_kmh > 0.0 && detour > 0.0, "speed and detour are positive");
        Self { seconds_per_m: detour * 3.6 / speed_kmh, detour }
    }

    fn seconds(&self, distance_m: f64) -> u32 {
        // At most 20,000 km, which takes a few years: the seconds fit 32 bits, and the cast saturates.
        (distance_m * self.seconds_per_m).ceil() as u32
    }
}

impl TravelTimes for StraightLine {
    /// Returns itself: these times never change.
    fn pinned(self: Arc<Self>) -> Arc<dyn TravelTimes> {
        self
    }

    fn table(&self, query: &TravelTimeQuery) -> TravelTimeTable {
        let seconds = query.legs.iter().map(|leg| {
            let from = query.origins[leg.origin as usize];
            let to = query.destinations[leg.destination as usize];
            self.seconds(distance_m(from, to))
        });
        let sources = vec![TravelSource::StraightLine; query.legs.len()];
        TravelTimeTable { seconds: seconds.collect(), sources }
    }

    fn drive(&self, from: LatLng, to: LatLng) -> Drive {
        let straight_m = distance_m(from, to);
        let eta = Eta { time_s: self.seconds(straight_m), source: TravelSource::StraightLine };
        Drive { eta, length_m: straight_m * self.detour }
    }

    /// The bound needs no margin for rounding, because times are rounded up to whole seconds.
    fn reach_m(&self, _to: LatLng, within_s: u32) -> f64 {
        f64::from(within_s) / self.seconds_per_m
    }
}

#[cfg(test)]
mod tests {
    use kerb_geometry::LatLng;
    use kerb_ports::Leg;

    use super::*;

    #[test]
    fn port_conformance() {
        let places =
            [(52.5, 13.4), (52.5, 13.4), (52.50001, 13.4), (48.1, 11.6), (-52.5, -166.6), (90.0, 0.0)];
        let places: Vec<_> = places.into_iter().map(|(lat, lon)| LatLng::new(lat, lon).unwrap()).collect();
        kerb_ports::conformance::travel_times::all(&StraightLine::new(22.0, 1.35), &places);
    }

    #[test]
    fn legs_keep_their_order_and_are_rounded_up() {
        let at = |lat| LatLng::new(lat, 13.4).unwrap();
        let query = TravelTimeQuery {
            origins: vec![at(52.5), at(52.51)],
            destinations: vec![at(52.5), at(52.52)],
            legs: vec![
                Leg { origin: 0, destination: 1 },
                Leg { origin: 0, destination: 0 },
                Leg { origin: 1, destination: 1 },
            ],
        };
        let table = StraightLine::new(36.0, 1.5).table(&query);
        // 0.01 degree of latitude is 1,111.95 m: 10 m/s over 1.5 times that.
        assert_eq!(table.seconds, [334, 0, 167]);
    }
}
