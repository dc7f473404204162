//! The plane that touches the globe at a query's position, and the nearest points of pieces in it.

use std::f64::consts::PI;

use kerb_geometry::{EARTH_RADIUS_M, LatLng};
use rstar::AABB;

use super::TripEnd;
use super::piece::Piece;
use crate::network::LatticePoint;

/// The largest angle between a heading and a street that leads toward it.
const HEADING_TOLERANCE_DEG: f64 = 60.0;
/// The meters of one lattice step along a meridian.
const STEP_M: f64 = EARTH_RADIUS_M * PI / 180.0 * 1e-7;
/// The full circle in lattice steps.
const CIRCLE_E7: i64 = 3_600_000_000;

/// The plane that touches the globe at a position. Coordinates are meters to the east and to the north of it.
pub(super) struct Plane {
    at: LatLng,
    east_step_m: f64,
    /// The unit vector of the heading, if the query has one.
    heading: Option<[f64; 2]>,
    /// The end of the trip that the position is; `None` for either end.
    end: Option<TripEnd>,
}

impl Plane {
    pub(super) fn new(at: LatLng, heading_deg: Option<f64>, end: Option<TripEnd>) -> Plane {
        let unit = |deg: f64| [deg.to_radians().sin(), deg.to_radians().cos()];
        Plane {
            at,
            east_step_m: STEP_M * at.lat_deg().to_radians().cos(),
            heading: heading_deg.map(unit),
            end,
        }
    }

    /// The boxes that contain all points within a distance: two when the other side of the 180th meridian is in reach.
    pub(super) fn boxes(&self, reach_m: f64) -> [Option<AABB<[i32; 2]>>; 2] {
        let (lat, lon) = (i64::from(self.at.lat_e7()), i64::from(self.at.lon_e7()));
        // One step more, because the cast rounds down. Near a pole `east_step_m` is almost 0; the cast saturates and
        // the minimum makes the box a full circle wide.
        let north = (reach_m / STEP_M) as i64 + 1;
        let east = ((reach_m / self.east_step_m) as i64).min(CIRCLE_E7 / 2) + 1;
        // Halved like the corners of the pieces; the clamp makes the cast exact.
        let half = |e7: i64| (e7.clamp(i32::MIN.into(), i32::MAX.into()) >> 1) as i32;
        let around = |lon: i64| {
            AABB::from_corners([half(lat - north), half(lon - east)], [half(lat + north), half(lon + east)])
        };
        let beyond = if lon < 0 { lon + CIRCLE_E7 } else { lon - CIRCLE_E7 };
        let is_in_reach = beyond.abs() - east <= CIRCLE_E7 / 2;
        [Some(around(lon)), is_in_reach.then(|| around(beyond))]
    }

    fn meters(&self, point: LatticePoint) -> [f64; 2] {
        let mut east = i64::from(point.lon_e7) - i64::from(self.at.lon_e7());
        // The shorter way around the globe.
        if east.abs() > CIRCLE_E7 / 2 {
            east -= east.signum() * CIRCLE_E7;
        }
        let north = i64::from(point.lat_e7) - i64::from(self.at.lat_e7());
        // Both differences are below 2^32, which a float holds exactly.
        [east as f64 * self.east_step_m, north as f64 * STEP_M]
    }

    /// The point of a piece that is nearest to the position.
    pub(super) fn nearest_point(&self, piece: &Piece) -> PiecePoint {
        let (from, to) = (self.meters(piece.from), self.meters(piece.to));
        let [east, north] = [to[0] - from[0], to[1] - from[1]];
        let square_length = east * east + north * north;
        let along = -(from[0] * east + from[1] * north);
        // A piece without length would give 0 / 0, and `clamp` would keep the NaN.
        let part = if square_length > 0.0 { (along / square_length).clamp(0.0, 1.0) } else { 0.0 };
        let nearest = [from[0] + part * east, from[1] + part * north];
        PiecePoint {
            square_m: nearest[0] * nearest[0] + nearest[1] * nearest[1],
            part,
            piece: *piece,
            open: piece.open,
        }
    }

    /// The directions of a piece that may be driven and lead toward the heading: along the segment, and against it.
    pub(super) fn open(&self, piece: &Piece) -> [bool; 2] {
        let (starts, goals) = (piece.ends.starts(), piece.ends.goals());
        let usable = match self.end {
            None => [starts[0] && goals[0], starts[1] && goals[1]],
            Some(TripEnd::Start) => starts,
            Some(TripEnd::Goal) => goals,
        };
        let open = [piece.open[0] && usable[0], piece.open[1] && usable[1]];
        let Some(heading) = self.heading else { return open };
        let (from, to) = (self.meters(piece.from), self.meters(piece.to));
        let [east, north] = [to[0] - from[0], to[1] - from[1]];
        let toward = heading[0] * east + heading[1] * north;
        let least = HEADING_TOLERANCE_DEG.to_radians().cos() * east.hypot(north);
        [open[0] && toward >= least, open[1] && -toward >= least]
    }
}

/// The point of a piece that is nearest to the position.
#[derive(Clone, Copy)]
pub(super) struct PiecePoint {
    /// The square of its distance to the position, in square meters.
    pub(super) square_m: f64,
    /// How far along the piece it is, from 0 to 1.
    pub(super) part: f64,
    pub(super) piece: Piece,
    /// The directions in which a car can drive on: along the segment, and against it.
    pub(super) open: [bool; 2],
}

impl PiecePoint {
    /// Whether this point is nearer. The segment and the share break ties, so that the result does not depend on the
    /// order of the tree.
    pub(super) fn is_before(&self, other: &PiecePoint) -> bool {
        let key = |point: &PiecePoint| (point.piece.segment, point.piece.shares[0]);
        let nearer = self.square_m.total_cmp(&other.square_m);
        nearer.is_lt() || (nearer.is_eq() && key(self) < key(other))
    }

    /// The junction within a distance along the piece, if the piece ends at one: its position.
    pub(super) fn junction_within(&self, plane: &Plane, max_m: f64) -> Option<LatticePoint> {
        let (from, to) = (plane.meters(self.piece.from), plane.meters(self.piece.to));
        let length_m = (to[0] - from[0]).hypot(to[1] - from[1]);
        let [start, end] = self.piece.junctions();
        let (to_start_m, to_end_m) = (self.part * length_m, (1.0 - self.part) * length_m);
        let near = |junction: Option<LatticePoint>, m: f64| junction.filter(|_| m <= max_m).map(|at| (at, m));
        let nearest = near(start, to_start_m).into_iter().chain(near(end, to_end_m));
        nearest.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(at, _)| at)
    }

    /// The point itself, rounded to the lattice.
    pub(super) fn position(&self) -> LatLng {
        let Piece { from, to, .. } = self.piece;
        // Both ends are on the globe and the point is between them, so the rounded value fits.
        let between =
            |from: i32, to: i32| from + (self.part * (f64::from(to) - f64::from(from))).round() as i32;
        let point =
            LatticePoint { lat_e7: between(from.lat_e7, to.lat_e7), lon_e7: between(from.lon_e7, to.lon_e7) };
        point.lat_lng()
    }

    /// How far along the segment the point is, from 0 to 1.
    pub(super) fn share(&self) -> f64 {
        let [start, end] = self.piece.shares.map(f64::from);
        start + self.part * (end - start)
    }
}
