//! Travel times without a road network: great-circle distance, a detour factor and one speed.

use kerb_fleet::{Table, TableQuestion, TravelSource, TravelTimes};
use kerb_spatial::distance_m;

/// Seconds = distance × detour ÷ speed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StraightLine {
    seconds_per_m: f64,
}

impl StraightLine {
    /// A way is `detour` times as long as the great circle, and driven at `speed_kmh`. Both are positive.
    pub fn new(speed_kmh: f64, detour: f64) -> Self {
        assert!(speed_kmh > 0.0 && detour > 0.0, "speed and detour are positive");
        Self { seconds_per_m: detour * 3.6 / speed_kmh }
    }
}

impl TravelTimes for StraightLine {
    fn table(&self, question: &TableQuestion) -> Table {
        let seconds = question.legs.iter().map(|leg| {
            let from = question.origins[leg.origin as usize];
            let to = question.destinations[leg.destination as usize];
            // At most 20,000 km, so some years: it fits.
            (distance_m(from, to) * self.seconds_per_m).ceil() as u32
        });
        Table { seconds: seconds.collect(), source: TravelSource::StraightLine }
    }
}

#[cfg(test)]
mod tests {
    use kerb_fleet::Leg;
    use kerb_spatial::LatLng;

    use super::*;

    #[test]
    fn legs_are_answered_in_their_order_and_rounded_up() {
        let at = |lat| LatLng::new(lat, 13.4).unwrap();
        let question = TableQuestion {
            origins: vec![at(52.5), at(52.51)],
            destinations: vec![at(52.5), at(52.52)],
            legs: vec![
                Leg { origin: 0, destination: 1 },
                Leg { origin: 0, destination: 0 },
                Leg { origin: 1, destination: 1 },
            ],
        };
        let table = StraightLine::new(36.0, 1.5).table(&question);
        // 0.01 degree of latitude is 1,111.95 m: 10 m/s over 1.5 times that.
        assert_eq!(table.seconds, [334, 0, 167]);
    }
}
