//! A trajectory: a route as a line in space and time. It is built once and read at each report.

use kerb_geometry::{EARTH_RADIUS_M, LatLng, distance_m};

use kerb_loadgen::recorded::track::wrap_deg;

/// Length of a degree of a meridian, meters.
const DEGREE_M: f64 = EARTH_RADIUS_M * std::f64::consts::PI / 180.0;

/// A line whose corners have times. Reads go forward in time, so it keeps the index of the last corner.
#[derive(Clone, Debug, Default)]
pub struct Trajectory {
    corners: Vec<Corner>,
    departs_ms: i64,
    takes_ms: i64,
    /// Index of the last corner that was passed.
    passed: usize,
}

/// A corner of the line.
#[derive(Clone, Copy, Debug, Default)]
struct Corner {
    lat_deg: f64,
    lon_deg: f64,
    /// Time since the departure, milliseconds.
    after_ms: f64,
    /// Distance since the departure, meters.
    along_m: f64,
    /// Heading of the piece after this corner, degrees clockwise from north.
    heading_deg: f32,
    /// Speed on the piece after this corner, meters per second.
    mps: f32,
}

/// Position and motion of a driver at an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fix {
    /// Latitude, degrees.
    pub lat_deg: f64,
    /// Longitude, degrees.
    pub lon_deg: f64,
    /// Degrees clockwise from north.
    pub heading_deg: f32,
    /// Meters per second.
    pub speed_mps: f32,
}

impl Fix {
    /// Creates the fix of a driver who stands.
    pub fn standing(at: LatLng, heading_deg: f32) -> Self {
        Self { lat_deg: at.lat_deg(), lon_deg: at.lon_deg(), heading_deg, speed_mps: 0.0 }
    }

    /// Rounds the coordinates to the lattice.
    pub fn position(self) -> LatLng {
        LatLng::new(self.lat_deg, self.lon_deg).expect("lies between two positions")
    }
}

impl Trajectory {
    /// Returns the time of arrival, milliseconds since the Unix epoch.
    pub fn arrives_ms(&self) -> i64 {
        self.departs_ms + self.takes_ms
    }

    /// Returns the length, meters.
    pub fn length_m(&self) -> f64 {
        self.corners.last().map_or(0.0, |corner| corner.along_m)
    }

    /// Returns the destination.
    pub fn end(&self) -> LatLng {
        let last = self.corners.last().expect("a trajectory has a corner");
        LatLng::new(last.lat_deg, last.lon_deg).expect("made of positions")
    }

    /// Returns position and motion at `now_ms`, which must not decrease between calls.
    pub fn at(&mut self, now_ms: i64) -> Fix {
        let (corner, next, share) = self.find(now_ms);
        let Some(next) = next else {
            return Fix {
                lat_deg: corner.lat_deg,
                lon_deg: corner.lon_deg,
                heading_deg: corner.heading_deg,
                speed_mps: 0.0,
            };
        };
        let turn_deg = wrap_deg(next.lon_deg - corner.lon_deg);
        Fix {
            lat_deg: corner.lat_deg + share * (next.lat_deg - corner.lat_deg),
            lon_deg: wrap_deg(corner.lon_deg + share * turn_deg),
            heading_deg: corner.heading_deg,
            speed_mps: corner.mps,
        }
    }

    /// Returns the meters driven until `now_ms`, which must not decrease between calls.
    pub fn meters_at(&mut self, now_ms: i64) -> f64 {
        let (corner, next, share) = self.find(now_ms);
        next.map_or(corner.along_m, |next| corner.along_m + share * (next.along_m - corner.along_m))
    }

    /// Returns the corner before a time, the one after it, and the share of the piece between them.
    fn find(&mut self, now_ms: i64) -> (Corner, Option<Corner>, f64) {
        let last = self.corners.len() - 1;
        if now_ms >= self.arrives_ms() {
            self.passed = last;
        }
        let after_ms = (now_ms - self.departs_ms).max(0) as f64;
        while self.passed < last && self.corners[self.passed + 1].after_ms <= after_ms {
            self.passed += 1;
        }
        let corner = self.corners[self.passed];
        match self.corners.get(self.passed + 1) {
            Some(next) => {
                let share = (after_ms - corner.after_ms) / (next.after_ms - corner.after_ms);
                (corner, Some(*next), share.clamp(0.0, 1.0))
            }
            None => (corner, None, 0.0),
        }
    }

    /// Clears the line, and keeps its buffer.
    pub(super) fn begin(&mut self, departs_ms: i64) {
        self.corners.clear();
        (self.departs_ms, self.takes_ms, self.passed) = (departs_ms, 0, 0);
    }

    /// Returns true while the line has no corner.
    pub(super) fn is_empty(&self) -> bool {
        self.corners.is_empty()
    }

    /// Adds the part of a piece between two shares, with its length and time.
    pub(super) fn add(&mut self, (a, b): (LatLng, LatLng), shares: [f64; 2], piece_m: f64, piece_ms: f64) {
        let (north, east) = (b.lat_deg() - a.lat_deg(), wrap_deg(b.lon_deg() - a.lon_deg()));
        let at = |share: f64| (a.lat_deg() + share * north, wrap_deg(a.lon_deg() + share * east));
        if self.corners.is_empty() {
            let (lat_deg, lon_deg) = at(shares[0]);
            self.corners.push(Corner { lat_deg, lon_deg, ..Corner::default() });
        }
        if piece_ms <= 0.0 {
            // A piece that takes no time has no corner, but its length counts.
            return self.corners.last_mut().into_iter().for_each(|corner| corner.along_m += piece_m);
        }
        let last = self.corners.last_mut().expect("pushed above");
        last.heading_deg = heading_deg(north, east * a.lat_deg().to_radians().cos());
        last.mps = (piece_m / piece_ms * 1_000.0) as f32;
        let (lat_deg, lon_deg) = at(shares[1]);
        let next = Corner {
            lat_deg,
            lon_deg,
            after_ms: last.after_ms + piece_ms,
            along_m: last.along_m + piece_m,
            heading_deg: last.heading_deg,
            mps: last.mps,
        };
        self.corners.push(next);
    }

    /// Adds a straight line at a constant speed.
    pub(super) fn straight(&mut self, from: LatLng, to: LatLng, mps: f64, detour: f64) {
        let distance_m = distance_m(from, to) * detour;
        self.add((from, to), [0.0, 1.0], distance_m, distance_m / mps * 1_000.0);
    }

    /// Computes the duration, once all pieces are added.
    pub(super) fn finish(&mut self) {
        self.takes_ms = self.corners.last().map_or(0, |corner| corner.after_ms.round() as i64);
    }
}

/// Returns the heading clockwise from north, 0 up to 360 degrees, of two legs in the same unit.
fn heading_deg(north: f64, east: f64) -> f32 {
    let heading = east.atan2(north).to_degrees().rem_euclid(360.0) as f32;
    // A tiny negative angle rounds up to 360, which is 0.
    if heading >= 360.0 { 0.0 } else { heading }
}

/// Converts meters north and east to degrees of latitude and longitude.
pub(crate) fn degrees(north_m: f64, east_m: f64, lat_deg: f64) -> (f64, f64) {
    (north_m / DEGREE_M, east_m / (DEGREE_M * lat_deg.to_radians().cos().max(0.01)))
}
