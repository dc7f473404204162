//! Where a driver is: standing, or on a course.

use kerb_geometry::LatLng;

use crate::lab::ground::{Course, Fix, Ground};

/// A driver's place in space and time.
#[derive(Clone, Debug)]
pub(super) struct Motion {
    place: LatLng,
    heading_deg: f32,
    /// Its memory is kept while the driver stands.
    course: Course,
    is_driving: bool,
    /// Meters of the course that were booked.
    booked_m: f64,
}

impl Motion {
    /// Standing there.
    pub(super) fn new(place: LatLng) -> Self {
        Self { place, heading_deg: 0.0, course: Course::default(), is_driving: false, booked_m: 0.0 }
    }

    /// Where the driver is. Times must not go back.
    pub(super) fn fix(&mut self, now_ms: i64) -> Fix {
        if self.is_driving { self.course.at(now_ms) } else { Fix::standing(self.place, self.heading_deg) }
    }

    /// Where the driver stands or drives to.
    pub(super) fn ends_at(&self) -> LatLng {
        if self.is_driving { self.course.end() } else { self.place }
    }

    /// When the driver will be where it drives to.
    pub(super) fn arrives_ms(&self) -> Option<i64> {
        self.is_driving.then(|| self.course.arrives_ms())
    }

    /// Meters driven since this was asked last.
    pub(super) fn take_meters(&mut self, now_ms: i64) -> f64 {
        if !self.is_driving {
            return 0.0;
        }
        let until_m = self.course.metres_at(now_ms);
        let meters = until_m - self.booked_m;
        self.booked_m = until_m;
        meters
    }

    /// Drives to a place from where it is; what was driven before was taken.
    pub(super) fn drive(&mut self, to: LatLng, now_ms: i64, ground: &Ground) {
        self.stop(now_ms);
        ground.way(self.place, to, now_ms, &mut self.course);
        self.is_driving = true;
        self.booked_m = 0.0;
    }

    /// Stands where it is now; what was driven before was taken.
    pub(super) fn stop(&mut self, now_ms: i64) {
        let fix = self.fix(now_ms);
        (self.place, self.heading_deg) = (fix.position(), fix.heading_deg);
        self.is_driving = false;
    }

    /// The length of the course, meters.
    pub(super) fn course_m(&self) -> f64 {
        self.course.length_m()
    }
}
