//! Metres on the sphere, and the change between metres and half-chords squared.

use geo::{Distance, Haversine};

use crate::LatLng;

/// Mean radius of the Earth in metres, `(2a + b) / 3` of GRS 80 as recommended by the IUGG (Moritz 2000).
/// The same sphere as [`geo::Haversine`]'s.
pub const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// Half of a great circle in metres: no two positions are farther apart.
pub const HALF_CIRCUMFERENCE_M: f64 = std::f64::consts::PI * EARTH_RADIUS_M;

/// Great-circle distance in metres between two positions, by `geo`'s haversine.
///
/// For one pair. To compare many positions with one point, prepare an [`Origin`](crate::Origin), which is six times
/// faster and agrees with this to a nanometre (within a hundred kilometres) and to centimetres (near the antipode,
/// where the haversine itself is no better).
pub fn distance_m(a: LatLng, b: LatLng) -> f64 {
    // Near the antipode rounding can push geo's arc sine past 1, to NaN; `min` answers with its other operand then.
    Haversine.distance(a.into(), b.into()).min(HALF_CIRCUMFERENCE_M)
}

/// Metres on the sphere of a half-chord squared, as [`Origin::hav`](crate::Origin::hav) gives it.
pub fn hav_to_m(hav: f64) -> f64 {
    2.0 * EARTH_RADIUS_M * hav.clamp(0.0, 1.0).sqrt().asin()
}

/// The half-chord squared of a distance in metres, not negative. At half of the circumference and beyond it is 1:
/// everything is that near.
pub fn m_to_hav(m: f64) -> f64 {
    debug_assert!(m >= 0.0, "{m} m is no distance");
    if m >= HALF_CIRCUMFERENCE_M { 1.0 } else { (m / (2.0 * EARTH_RADIUS_M)).sin().powi(2) }
}
