//! Sines and cosines of lattice angles: exact ones, fast ones for small angles, and lower and upper bounds.
//!
//! All functions take angles in lattice steps of 1e-7 degrees. The difference of two lattice points is an exact integer,
//! so no digits cancel, as they do in haversines of radians. The series are those of Abramowitz and Stegun, Handbook of
//! Mathematical Functions, 4.3.65 and 4.3.66.

use std::f64::consts::PI;

use crate::coordinate::{HALF_E7, QUARTER_E7};

/// Radians in one lattice step. A double holds `HALF_E7` exactly.
const RAD: f64 = PI / HALF_E7 as f64;
/// Radians in half a lattice step: the haversine takes half angles.
const HALF_RAD: f64 = RAD / 2.0;

/// Up to this angle (2.5 degrees, 278 km of latitude), [`sin_sq_half_below`] and [`sin_near`] are exact to the last bits:
/// their first omitted terms are below 4e-17 of the result.
pub(crate) const NEAR_E7: i32 = 25_000_000;

/// Returns `sin²(angle / 2)` for an angle of at most half a turn.
pub(crate) fn sin_sq_half(angle_e7: f64) -> f64 {
    (angle_e7 * HALF_RAD).sin().powi(2)
}

/// Returns the sine of a latitude.
pub(crate) fn sin_lat(lat_e7: i32) -> f64 {
    (f64::from(lat_e7) * RAD).sin()
}

/// Returns the cosine of a latitude, as the sine of the distance to the pole. That distance is an exact integer, while
/// `cos` of a rounded angle near 90 degrees would keep no correct digit.
pub(crate) fn cos_lat(lat_e7: i32) -> f64 {
    (f64::from(QUARTER_E7 - lat_e7.abs()) * RAD).sin()
}

/// Returns [`sin_sq_half`] without libm: exact to the last bits up to [`NEAR_E7`], and a lower bound from there to half a
/// turn (too small by 5e-13 at 10 degrees, 1e-6 at 60, 1.2 % at 180).
///
/// The series is `sin² x = x² - x⁴/3 + 2x⁶/45 - x⁸/315 + …`, which is that of `(1 - cos 2x) / 2`. Up to half a turn, its
/// terms alternate in sign and shrink, so a sum that ends with a negative term is too small.
#[inline]
pub(crate) fn sin_sq_half_below(angle_e7: f64) -> f64 {
    let x = angle_e7 * HALF_RAD;
    let z = x * x;
    z * (1.0 + z * (-1.0 / 3.0 + z * (2.0 / 45.0 - z * (1.0 / 315.0))))
}

/// Returns an upper bound of [`sin_sq_half`] that is as tight as the lower bound: the same series with one more term.
#[inline]
pub(crate) fn sin_sq_half_above(angle_e7: f64) -> f64 {
    let x = angle_e7 * HALF_RAD;
    let z = x * x;
    z * (1.0 + z * (-1.0 / 3.0 + z * (2.0 / 45.0 + z * (-1.0 / 315.0 + z * (2.0 / 14_175.0)))))
}

/// Returns the sine of an angle of at most [`NEAR_E7`] in size, by its series up to the seventh power.
#[inline]
pub(crate) fn sin_near(angle_e7: f64) -> f64 {
    let x = angle_e7 * RAD;
    let z = x * x;
    x * (1.0 + z * (-1.0 / 6.0 + z * (1.0 / 120.0 - z * (1.0 / 5040.0))))
}

/// Returns a lower bound of the cosine of a latitude, not negative: its series up to the tenth power, whose terms alternate
/// and shrink. It is too small by 4e-9 at 60 degrees, and by 5e-7 at the poles.
#[inline]
pub(crate) fn cos_lat_below(lat_e7: i32) -> f64 {
    let x = f64::from(lat_e7) * RAD;
    let z = x * x;
    let cos = 1.0
        + z * (-1.0 / 2.0
            + z * (1.0 / 24.0 + z * (-1.0 / 720.0 + z * (1.0 / 40_320.0 - z * (1.0 / 3_628_800.0)))));
    cos.max(0.0)
}

/// Returns an upper bound of the cosine of a latitude: the same series with one term less. It is too large by 4e-7 at 60
/// degrees, and by 3e-5 at the poles.
#[inline]
pub(crate) fn cos_lat_above(lat_e7: i32) -> f64 {
    let x = f64::from(lat_e7) * RAD;
    let z = x * x;
    1.0 + z * (-1.0 / 2.0 + z * (1.0 / 24.0 + z * (-1.0 / 720.0 + z * (1.0 / 40_320.0))))
}
