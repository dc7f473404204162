//! A circle on the sphere.

use crate::{CellBounds, LatLng, Origin, Relation, m_to_hav};

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
        if self.center.lower_bound(bounds) > self.hav_max {
            Relation::Outside
        } else if self.center.upper_bound(bounds) <= self.hav_max {
            Relation::Inside
        } else {
            Relation::Overlaps
        }
    }
}
