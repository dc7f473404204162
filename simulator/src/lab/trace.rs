//! The hash of all that was said and heard, in order: two runs that are the same have the same.

use kerb_geometry::LatLng;
use xxhash_rust::xxh3::Xxh3;

use super::message::{Heard, Said};

/// A hash that grows with the run (XXH3, 128 bits). Every message is written with its kind first and every text with
/// its length, so no two different runs write the same bytes.
#[derive(Clone, Default)]
pub struct Trace(Xxh3);

impl Trace {
    /// Of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Somebody said this at this time.
    pub fn said(&mut self, now_ms: i64, said: &Said) {
        self.number(now_ms);
        match said {
            Said::Report { driver, measured_ms, position, heading_deg, speed_mps, status } => {
                self.head(1, *driver);
                self.number(*measured_ms);
                self.place(*position);
                self.number(heading_deg.to_bits() as i64);
                self.number(speed_mps.to_bits() as i64);
                self.number(*status as i64);
            }
            Said::Request { request, pickup, dropoff, passengers, vehicle_class, wait_max_ms } => {
                self.head(2, *request);
                self.place(*pickup);
                self.place(*dropoff);
                self.number(i64::from(*passengers));
                self.text(vehicle_class);
                self.number(i64::from(*wait_max_ms));
            }
            Said::Cancel { request } => self.head(3, *request),
            Said::Act { driver, trip, action } => {
                self.head(4, *driver);
                self.text(trip);
                self.number(*action as i64);
            }
            Said::Switch { policy } => self.head(11, *policy as u32),
        }
    }

    /// Somebody heard this at this time.
    pub fn heard(&mut self, now_ms: i64, heard: &Heard) {
        self.number(now_ms);
        match heard {
            Heard::Requested { request, trip } => {
                self.head(5, *request);
                self.text(trip);
            }
            Heard::RequestRefused { request, reason } => {
                self.head(6, *request);
                self.text(reason);
            }
            Heard::Trip { request, state, driver, eta_s } => {
                self.head(7, *request);
                self.number(*state as i64);
                self.number(driver.map_or(-1, i64::from));
                self.number(eta_s.map_or(-1, i64::from));
            }
            Heard::Task { driver, trip, state, pickup, dropoff, eta_s } => {
                self.head(8, *driver);
                self.text(trip);
                self.number(*state as i64);
                self.place(*pickup);
                self.place(*dropoff);
                self.number(eta_s.map_or(-1, i64::from));
            }
            Heard::Over { driver, trip } => {
                self.head(9, *driver);
                self.text(trip);
            }
            Heard::Acted { driver, trip, action, outcome } => {
                self.head(10, *driver);
                self.text(trip);
                self.number(*action as i64);
                self.number(*outcome as i64);
            }
        }
    }

    /// 32 hexadecimal digits.
    pub fn hex(&self) -> String {
        format!("{:032x}", self.0.digest128())
    }

    fn head(&mut self, kind: u8, who: u32) {
        self.0.update(&[kind]);
        self.0.update(&who.to_le_bytes());
    }

    fn number(&mut self, number: i64) {
        self.0.update(&number.to_le_bytes());
    }

    fn place(&mut self, place: LatLng) {
        self.0.update(&place.lat_e7().to_le_bytes());
        self.0.update(&place.lon_e7().to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as i64);
        self.0.update(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_time_and_every_word_count() {
        let hash = |said: &[(i64, u32)], heard: &[(i64, &str)]| {
            let mut trace = Trace::new();
            for (at, request) in said {
                trace.said(*at, &Said::Cancel { request: *request });
            }
            for (at, trip) in heard {
                trace.heard(*at, &Heard::Over { driver: 1, trip: (*trip).to_owned() });
            }
            trace.hex()
        };
        let base = hash(&[(1, 2), (2, 3)], &[(3, "t")]);
        assert_eq!(base, hash(&[(1, 2), (2, 3)], &[(3, "t")]));
        assert_eq!(base.len(), 32);
        for other in [
            hash(&[(2, 3), (1, 2)], &[(3, "t")]),
            hash(&[(1, 2), (2, 4)], &[(3, "t")]),
            hash(&[(1, 2), (3, 3)], &[(3, "t")]),
            hash(&[(1, 2), (2, 3)], &[(3, "u")]),
            hash(&[(1, 2), (2, 3)], &[]),
        ] {
            assert_ne!(base, other);
        }
    }
}
