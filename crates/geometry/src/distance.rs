//! Distances in meters on the sphere, and their conversion to half-chords squared.

use geo::{Distance, Haversine};

use crate::LatLng;

/// Mean radius of the Earth in meters, `(2a + b) / 3` of GRS 80 as recommended by the IUGG (Moritz 2000).
/// The same sphere as [`geo::Haversine`]'s.
pub const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// Half of a great circle in meters, the largest distance between two positions.
pub const HALF_CIRCUMFERENCE_M: f64 = std::f64::consts::PI * EARTH_RADIUS_M;

/// Returns the great-circle distance in meters between two positions, by the haversine formula of `geo` (Sinnott,
/// "Virtues of the Haversine", Sky and Telescope 68, 1984).
///
/// To compare many positions with one point, prepare an [`Origin`](crate::Origin): it is six times faster and agrees with
/// this function to a nanometer (within a hundred kilometers) and to centimeters (near the antipode, where the haversine
/// itself is no better).
///
/// ```
/// use kerb_geometry::{LatLng, distance_m};
///
/// let (berlin, paris) = (LatLng::new(52.5200, 13.4050)?, LatLng::new(48.8566, 2.3522)?);
/// assert_eq!((distance_m(berlin, paris) / 1_000.0).round(), 877.0);
/// # Ok::<(), kerb_geometry::CoordinateError>(())
/// ```
pub fn distance_m(a: LatLng, b: LatLng) -> f64 {
    // Near the antipode rounding can push the argument of geo's arc sine past 1, which gives NaN. `f64::min` returns its
    // other operand then.
    Haversine.distance(a.into(), b.into()).min(HALF_CIRCUMFERENCE_M)
}

/// Converts a half-chord squared, as [`Origin::hav`](crate::Origin::hav) returns it, to meters on the sphere.
///
/// ```
/// use kerb_geometry::{hav_to_m, m_to_hav};
///
/// assert_eq!(hav_to_m(m_to_hav(1_500.0)).round(), 1_500.0);
/// ```
pub fn hav_to_m(hav: f64) -> f64 {
    2.0 * EARTH_RADIUS_M * hav.clamp(0.0, 1.0).sqrt().asin()
}

/// Converts a distance in meters, not negative, to a half-chord squared. It is 1 from half of the circumference on, because
/// no position is farther away.
pub fn m_to_hav(m: f64) -> f64 {
    debug_assert!(m >= 0.0, "{m} m is no distance");
    if m >= HALF_CIRCUMFERENCE_M { 1.0 } else { (m / (2.0 * EARTH_RADIUS_M)).sin().powi(2) }
}
