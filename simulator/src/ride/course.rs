//! One way of a driver: straight, at one speed.

use kerb_spatial::{LatLng, distance_m};

use crate::track::wrap_deg;

/// A way from one place to another. Times are of the city, milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Course {
    from: LatLng,
    to: LatLng,
    departs_ms: i64,
    arrives_ms: i64,
}

impl Course {
    /// A way on which the great circle shrinks by `closing_mps` metres a second: speed over detour factor.
    pub fn new(from: LatLng, to: LatLng, departs_ms: i64, closing_mps: f64) -> Self {
        let takes_ms = (distance_m(from, to) / closing_mps * 1_000.0).ceil() as i64;
        Self { from, to, departs_ms, arrives_ms: departs_ms + takes_ms }
    }

    /// When it ends.
    pub fn arrives_ms(&self) -> i64 {
        self.arrives_ms
    }

    /// Where the driver is. Straight in longitude and latitude, which within a city is straight on the ground.
    pub fn at(&self, now_ms: i64) -> LatLng {
        if now_ms >= self.arrives_ms {
            return self.to;
        }
        // A way to where the driver stands takes no time.
        let takes_ms = (self.arrives_ms - self.departs_ms).max(1);
        let share = (now_ms - self.departs_ms).max(0) as f64 / takes_ms as f64;
        let north = self.to.lat_deg() - self.from.lat_deg();
        let east = wrap_deg(self.to.lon_deg() - self.from.lon_deg());
        let lon = wrap_deg(self.from.lon_deg() + share * east);
        LatLng::new(self.from.lat_deg() + share * north, lon).expect("lies between two valid positions")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_takes_its_length_over_the_speed_and_ends_where_it_should() {
        let at = |lat| LatLng::new(lat, -122.4).unwrap();
        // 0.01 degree of latitude is 1,111.95 m: at 10 m/s 111.195 s.
        let course = Course::new(at(37.75), at(37.76), 5_000, 10.0);
        assert_eq!(course.arrives_ms() / 1_000, 116);
        assert_eq!((course.at(0), course.at(5_000), course.at(200_000)), (at(37.75), at(37.75), at(37.76)));
        let half = course.at(i64::midpoint(5_000, course.arrives_ms()));
        assert!(distance_m(half, at(37.755)) < 0.1, "{half:?}");
        let nowhere = Course::new(at(37.75), at(37.75), 5_000, 10.0);
        assert_eq!((nowhere.arrives_ms(), nowhere.at(4_000)), (5_000, at(37.75)));
    }
}
