//! A circle on the sphere.

use crate::coordinate::HALF_E7;
use crate::{CellBounds, EARTH_RADIUS_M, LatLng, Origin, Relation, m_to_hav};

/// Lattice steps in a radian.
const STEPS: f64 = HALF_E7 as f64 / std::f64::consts::PI;
/// Poleward of this, [`Circle::reach`] has no answer: nearer to a pole a circle's box gets wide.
const POLAR_E7: f64 = 850_000_000.0;

/// Every position within a distance of a centre.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Circle {
    center: Origin,
    radius_m: f64,
    /// The radius as a half-chord squared: 1 when the circle is the whole globe.
    hav_max: f64,
}

/// A radius, in metres, that is not finite or not above 0.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("radius_m: {0} is not a finite number of metres above 0")]
pub struct RadiusError(pub f64);

impl Circle {
    /// A circle of a radius in metres, finite and above 0. From half of the circumference on it is the whole globe.
    pub fn new(center: LatLng, radius_m: f64) -> Result<Circle, RadiusError> {
        if !radius_m.is_finite() || radius_m <= 0.0 {
            return Err(RadiusError(radius_m));
        }
        Ok(Circle { center: Origin::new(center), radius_m, hav_max: m_to_hav(radius_m) })
    }

    /// The centre, prepared for measuring.
    pub fn origin(&self) -> &Origin {
        &self.center
    }

    /// The centre.
    pub fn center(&self) -> LatLng {
        self.center.position()
    }

    /// The radius in metres.
    pub fn radius_m(&self) -> f64 {
        self.radius_m
    }

    /// The radius as [`Origin::hav`] measures it.
    pub fn hav_max(&self) -> f64 {
        self.hav_max
    }

    /// Whether the position is within the radius: exactly `origin.hav(position) <= m_to_hav(radius_m)`.
    #[inline]
    pub fn contains(&self, position: LatLng) -> bool {
        self.center.hav(position) <= self.hav_max
    }

    /// How the box lies to the circle.
    pub fn relation(&self, bounds: &CellBounds) -> Relation {
        if self.misses(bounds) {
            Relation::Outside
        } else if self.center.upper_bound(bounds) <= self.hav_max {
            Relation::Inside
        } else {
            Relation::Overlaps
        }
    }

    /// Whether certainly no position of the box is in the circle.
    #[inline]
    pub(crate) fn misses(&self, bounds: &CellBounds) -> bool {
        self.center.lower_bound(bounds) > self.hav_max
    }

    /// A box that holds every position of the circle, a few steps larger than it must be; `None` beside the poles and
    /// where it would cross the antimeridian.
    pub(crate) fn reach(&self) -> Option<CellBounds> {
        let angle = self.radius_m / EARTH_RADIUS_M;
        let [lat, lon] = [self.center().lat_e7(), self.center().lon_e7()].map(f64::from);
        // Wider by far more than all roundings, of the radius in `hav` too.
        let wider = |steps: f64| (steps * (1.0 + 1e-9)).ceil() + 2.0;
        let lat_reach = wider(angle * STEPS);
        if lat.abs() + lat_reach > POLAR_E7 {
            return None;
        }
        // The meridian that touches the circle, by the sine rule in the right triangle of pole, centre and touch.
        let lon_reach = wider((angle.sin() / (lat / STEPS).cos()).asin() * STEPS);
        let corner = |sign: f64| {
            let lon = lon + sign * lon_reach;
            let inside = lon.abs() < f64::from(HALF_E7);
            inside.then(|| LatLng::from_e7((lat + sign * lat_reach) as i32, lon as i32).ok()).flatten()
        };
        Some(CellBounds::from_corners(corner(-1.0)?, corner(1.0)?))
    }
}
