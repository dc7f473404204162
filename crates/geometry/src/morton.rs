//! Morton codes: a position as one number whose prefixes are quadtree cells.

use crate::LatLng;
use crate::coordinate::{HALF_E7, QUARTER_E7, TURN_E7};

/// A position on a grid of 2^32 × 2^32 squares over the globe: longitude and latitude interleaved bit by bit (Morton, "A
/// Computer Oriented Geodetic Data Base", IBM 1966). The highest bit belongs to the longitude.
///
/// This is the order of bits of a geohash (Niemeyer 2008): the first `5 n` bits of the code are the geohash of `n`
/// characters, and the first `2 n` bits are the [`Cell`](crate::Cell) of level `n`. A square is 0.9 cm by 0.5 cm at
/// the equator, finer than the lattice, so different positions have different codes.
///
/// ```
/// use kerb_geometry::{LatLng, Morton};
///
/// // The geohash of Berlin's center is u33dc0…, and 'u' is 26 in its alphabet.
/// let code = Morton::from(LatLng::new(52.52, 13.405)?);
/// assert_eq!(code.0 >> 59, 26);
/// # Ok::<(), kerb_geometry::CoordinateError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Morton(pub u64);

impl Morton {
    /// Interleaves the bits of a column and a row.
    #[inline]
    pub(crate) fn of_grid(x: u32, y: u32) -> Morton {
        Morton(spread(x) << 1 | spread(y))
    }

    /// Returns the column and the row of the code's square.
    #[inline]
    pub(crate) fn grid(self) -> (u32, u32) {
        (gather(self.0 >> 1), gather(self.0))
    }
}

impl From<LatLng> for Morton {
    #[inline]
    fn from(position: LatLng) -> Morton {
        Morton::of_grid(column(position), row(position))
    }
}

/// Returns the column of a position: `floor((lon + 180°) · 2^32 / 360°)`, computed in integers.
#[inline]
pub(crate) fn column(position: LatLng) -> u32 {
    // A longitude is at least -180 degrees, so the sum is not negative; it is below 2^32, so the shift fits.
    let steps = (i64::from(position.lon_e7()) + i64::from(HALF_E7)) as u64;
    ((steps << 32) / TURN_E7 as u64) as u32
}

/// Returns the row of a position: `floor((lat + 90°) · 2^32 / 180°)`, computed in integers. The north pole is in the last
/// row.
#[inline]
pub(crate) fn row(position: LatLng) -> u32 {
    // A latitude is at least -90 degrees, so the sum is not negative.
    let steps = (position.lat_e7() + QUARTER_E7) as u64;
    // The quotient is at most 2^32 - 1 for every latitude except 90 degrees, whose quotient is 2^32. After `min` it fits.
    ((steps << 32) / (2 * QUARTER_E7 as u64)).min(u64::from(u32::MAX)) as u32
}

/// Inserts a zero before every bit, in five steps that each halve the distance (Warren, Hacker's Delight, section 7-2).
#[inline]
fn spread(bits: u32) -> u64 {
    let mut b = u64::from(bits);
    b = (b | b << 16) & 0x0000_ffff_0000_ffff;
    b = (b | b << 8) & 0x00ff_00ff_00ff_00ff;
    b = (b | b << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    b = (b | b << 2) & 0x3333_3333_3333_3333;
    (b | b << 1) & 0x5555_5555_5555_5555
}

/// Removes the bits that [`spread`] inserted, whatever their values are.
#[inline]
fn gather(bits: u64) -> u32 {
    let mut b = bits & 0x5555_5555_5555_5555;
    b = (b | b >> 1) & 0x3333_3333_3333_3333;
    b = (b | b >> 2) & 0x0f0f_0f0f_0f0f_0f0f;
    b = (b | b >> 4) & 0x00ff_00ff_00ff_00ff;
    b = (b | b >> 8) & 0x0000_ffff_0000_ffff;
    // The cast drops the upper half, which holds leftovers of the shifts.
    (b | b >> 16) as u32
}
