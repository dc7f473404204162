//! A circle on the sphere.

use crate::coordinate::HALF_E7;
use crate::{CellBounds, EARTH_RADIUS_M, LatLng, Origin, Relation, m_to_hav};

/// Lattice steps in one radian.
const STEPS_PER_RADIAN: f64 = HALF_E7 as f64 / std::f64::consts::PI;
/// Poleward of this latitude [`Circle::reach`] returns `None`: close to a pole the box of a circle gets very wide.
const POLAR_E7: f64 = 850_000_000.0;

/// All positions within a distance of a center, measured along great circles.
///
/// ```
/// use kerb_geometry::{Circle, LatLng};
///
/// let circle = Circle::new(LatLng::new(52.5219, 13.4132)?, 600.0)?;
/// assert!(circle.contains(LatLng::new(52.5200, 13.4050)?));
/// assert!(!circle.contains(LatLng::new(52.5163, 13.3777)?));
/// assert!(Circle::new(circle.center(), 0.0).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Circle {
    center: Origin,
    radius_m: f64,
    /// The radius as a half-chord squared, 0 to 1; 1 if the circle is the whole globe.
    hav_max: f64,
}

/// The error of a radius that is not finite or not above 0. The value is in meters.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("radius_m: {0} is not a finite number of meters above 0")]
pub struct RadiusError(pub f64);

impl Circle {
    /// Makes a circle. `radius_m` must be finite and above 0; from half the Earth's circumference on, the circle is the
    /// whole globe.
    pub fn new(center: LatLng, radius_m: f64) -> Result<Circle, RadiusError> {
        if !radius_m.is_finite() || radius_m <= 0.0 {
            return Err(RadiusError(radius_m));
        }
        Ok(Circle { center: Origin::new(center), radius_m, hav_max: m_to_hav(radius_m) })
    }

    /// Returns the center, prepared for measurements.
    pub fn origin(&self) -> &Origin {
        &self.center
    }

    /// Returns the center.
    pub fn center(&self) -> LatLng {
        self.center.position()
    }

    /// Returns the radius in meters.
    pub fn radius_m(&self) -> f64 {
        self.radius_m
    }

    /// Returns the radius as a half-chord squared, the unit of [`Origin::hav`].
    pub fn hav_max(&self) -> f64 {
        self.hav_max
    }

    /// Returns whether the position is within the radius: exactly `origin.hav(position) <= m_to_hav(radius_m)`.
    #[inline]
    pub fn contains(&self, position: LatLng) -> bool {
        self.center.hav(position) <= self.hav_max
    }

    /// Returns how the box relates to the circle.
    pub fn relation(&self, bounds: &CellBounds) -> Relation {
        if self.misses(bounds) {
            Relation::Outside
        } else if self.center.upper_bound(bounds) <= self.hav_max {
            Relation::Inside
        } else {
            Relation::Overlaps
        }
    }

    /// Returns whether it is certain that no position of the box is in the circle.
    #[inline]
    pub(crate) fn misses(&self, bounds: &CellBounds) -> bool {
        self.center.lower_bound(bounds) > self.hav_max
    }

    /// Returns a box that contains every position of the circle and is a few steps larger than necessary; `None` close to
    /// the poles, and where the box would cross the antimeridian.
    pub(crate) fn reach(&self) -> Option<CellBounds> {
        let angle = self.radius_m / EARTH_RADIUS_M;
        let [lat, lon] = [self.center().lat_e7(), self.center().lon_e7()].map(f64::from);
        // The margin is far larger than the sum of all roundings, including that of the radius in `hav_max`.
        let wider = |steps: f64| (steps * (1.0 + 1e-9)).ceil() + 2.0;
        let lat_reach = wider(angle * STEPS_PER_RADIAN);
        if lat.abs() + lat_reach > POLAR_E7 {
            return None;
        }
        // The meridian tangent to the circle: in the right spherical triangle of pole, center and tangent point the
        // sine rule gives sin(Δlon) = sin(angle) / cos(lat) (Todhunter, Spherical Trigonometry, art. 62).
        let lon_reach = wider((angle.sin() / (lat / STEPS_PER_RADIAN).cos()).asin() * STEPS_PER_RADIAN);
        let corner = |sign: f64| {
            let lon = lon + sign * lon_reach;
            let inside = lon.abs() < f64::from(HALF_E7);
            // Both values are within ±1.8e9 here, so the casts to `i32` only drop the fraction.
            inside.then(|| LatLng::from_e7((lat + sign * lat_reach) as i32, lon as i32).ok()).flatten()
        };
        Some(CellBounds::from_corners(corner(-1.0)?, corner(1.0)?))
    }
}
