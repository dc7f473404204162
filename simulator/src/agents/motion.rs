//! The motion of a driver: standing, or driving along a trajectory.

use kerb_geometry::LatLng;

use crate::scenario::street_map::{Fix, StreetMap, Trajectory};

/// Position and motion of a driver.
#[derive(Clone, Debug)]
pub(crate) struct Motion {
    place: LatLng,
    heading_deg: f32,
    /// The buffer is kept while the driver stands, so that driving allocates nothing.
    trajectory: Trajectory,
    is_driving: bool,
    /// Meters of the trajectory that [`Motion::take_meters`] has returned.
    taken_m: f64,
}

impl Motion {
    /// Creates a driver who stands at `place`.
    pub(crate) fn new(place: LatLng) -> Self {
        Self { place, heading_deg: 0.0, trajectory: Trajectory::default(), is_driving: false, taken_m: 0.0 }
    }

    /// Returns position, heading and speed. `now_ms` must not decrease between calls.
    pub(crate) fn fix(&mut self, now_ms: i64) -> Fix {
        if self.is_driving { self.trajectory.at(now_ms) } else { Fix::standing(self.place, self.heading_deg) }
    }

    /// Returns the destination of a moving driver, or the place of a standing one.
    pub(crate) fn destination(&self) -> LatLng {
        if self.is_driving { self.trajectory.end() } else { self.place }
    }

    /// Returns the time of arrival of a moving driver.
    pub(crate) fn arrives_ms(&self) -> Option<i64> {
        self.is_driving.then(|| self.trajectory.arrives_ms())
    }

    /// Returns the meters driven since the last call.
    pub(crate) fn take_meters(&mut self, now_ms: i64) -> f64 {
        if !self.is_driving {
            return 0.0;
        }
        let until_m = self.trajectory.meters_at(now_ms);
        let meters = until_m - self.taken_m;
        self.taken_m = until_m;
        meters
    }

    /// Starts driving to `to`. The caller has taken the meters of the previous trajectory.
    pub(crate) fn drive(&mut self, to: LatLng, now_ms: i64, street_map: &StreetMap) {
        self.stop(now_ms);
        street_map.route(self.place, to, now_ms, &mut self.trajectory);
        self.is_driving = true;
        self.taken_m = 0.0;
    }

    /// Stops at the present position. The caller has taken the meters of the trajectory.
    pub(crate) fn stop(&mut self, now_ms: i64) {
        let fix = self.fix(now_ms);
        (self.place, self.heading_deg) = (fix.position(), fix.heading_deg);
        self.is_driving = false;
    }

    /// Returns the length of the last trajectory, meters.
    pub(crate) fn trajectory_m(&self) -> f64 {
        self.trajectory.length_m()
    }
}
