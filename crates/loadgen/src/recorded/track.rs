//! Moves a cab between its pings: returns its position at an instant.

use kerb_geometry::{LatLng, distance_m};

use crate::recorded::pings::Pings;

/// A cab that is silent for longer than this has ended its shift: four pings of five come within two minutes of the one
/// before, and 99 of 100 within about four.
pub const GAP_MAX_S: i64 = 600;

/// One cab's day.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// The cab's id, as the file has it.
    pub cab: String,
    /// The shifts by time; gaps of more than the limit separate them.
    pub shifts: Vec<Shift>,
}

/// A shift has at least one point, and its times grow strictly.
#[derive(Clone, Debug, PartialEq)]
pub struct Shift {
    points: Vec<Point>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    time_ms: i64,
    place: LatLng,
    occupied: bool,
}

/// A cab at an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fix {
    /// The position on the line between two pings.
    pub place: LatLng,
    /// Whether a passenger is in the cab, from the ping before.
    pub occupied: bool,
    /// The line's direction, degrees clockwise from north, 0 up to 360; `None` when the cab stands.
    pub heading_deg: Option<f32>,
    /// Mean speed on the line.
    pub speed_mps: f32,
}

/// Returns every cab's day, in the order of [`Pings::cabs`]. A silence of more than `gap_max_s` ends a shift. Of two pings of
/// a cab in the same second the later one in the file counts.
pub fn tracks(pings: &Pings, gap_max_s: i64) -> Vec<Track> {
    let mut tracks: Vec<_> =
        pings.cabs.iter().map(|cab| Track { cab: cab.clone(), shifts: Vec::new() }).collect();
    for ping in &pings.pings {
        let point = Point { time_ms: ping.time_s * 1_000, place: ping.place, occupied: ping.occupied };
        tracks[ping.cab as usize].add(point, gap_max_s * 1_000);
    }
    tracks
}

impl Track {
    fn add(&mut self, point: Point, gap_max_ms: i64) {
        let Some(shift) = self.shifts.last_mut() else {
            return self.shifts.push(Shift { points: vec![point] });
        };
        let last = shift.points.last_mut().expect("a shift has a point");
        if last.time_ms == point.time_ms {
            *last = point;
        } else if point.time_ms - last.time_ms > gap_max_ms {
            self.shifts.push(Shift { points: vec![point] });
        } else {
            shift.points.push(point);
        }
    }
}

impl Shift {
    /// Time of the first ping, milliseconds of the file's time.
    pub fn begins_ms(&self) -> i64 {
        self.points[0].time_ms
    }

    /// Time of the last ping, milliseconds of the file's time.
    pub fn ends_ms(&self) -> i64 {
        self.points[self.points.len() - 1].time_ms
    }

    /// Returns the position at `time_ms`. The cab stands still before the first ping and after the last one.
    pub fn at(&self, time_ms: i64) -> Fix {
        let next = self.points.partition_point(|p| p.time_ms <= time_ms);
        let before = self.points[next.saturating_sub(1)];
        match self.points.get(next) {
            Some(after) if next > 0 => between(before, *after, time_ms),
            _ => Fix { place: before.place, occupied: before.occupied, heading_deg: None, speed_mps: 0.0 },
        }
    }
}

/// Interpolates in longitude and latitude: over the hundreds of meters between two pings that is straight on the ground.
fn between(from: Point, to: Point, time_ms: i64) -> Fix {
    let span_ms = (to.time_ms - from.time_ms) as f64;
    let share = (time_ms - from.time_ms) as f64 / span_ms;
    let north = to.place.lat_deg() - from.place.lat_deg();
    let east = wrap_deg(to.place.lon_deg() - from.place.lon_deg());
    let lon = wrap_deg(from.place.lon_deg() + share * east);
    let place =
        LatLng::new(from.place.lat_deg() + share * north, lon).expect("lies between two valid positions");
    let moves = from.place != to.place;
    Fix {
        place,
        occupied: from.occupied,
        heading_deg: moves.then(|| heading_deg(north, east, from.place.lat_deg())),
        speed_mps: (distance_m(from.place, to.place) / (span_ms / 1_000.0)) as f32,
    }
}

fn heading_deg(north_deg: f64, east_deg: f64, lat_deg: f64) -> f32 {
    let heading =
        (east_deg * lat_deg.to_radians().cos()).atan2(north_deg).to_degrees().rem_euclid(360.0) as f32;
    // A tiny negative angle rounds up to 360, which is 0.
    if heading >= 360.0 { 0.0 } else { heading }
}

/// Degrees of longitude within -180 to 180.
pub fn wrap_deg(degrees: f64) -> f64 {
    if degrees > 180.0 {
        degrees - 360.0
    } else if degrees < -180.0 {
        degrees + 360.0
    } else {
        degrees
    }
}
