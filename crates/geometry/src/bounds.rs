//! A box of latitude and longitude, how it relates to an area, and the distance of a position to it along each axis.

use crate::LatLng;
use crate::coordinate::{HALF_E7, QUARTER_E7, TURN_E7};

/// A closed box in units of 1e-7 degrees that does not cross the antimeridian; `east_e7` may be +180 degrees.
///
/// The box of a cell or tile contains every position in it and may extend one lattice step (1.1 cm) beyond.
///
/// ```
/// use kerb_geometry::{CellBounds, LatLng};
///
/// let (a, b) = (LatLng::new(52.5, 13.5)?, LatLng::new(52.6, 13.4)?);
/// let bounds = CellBounds::from_corners(a, b);
/// assert_eq!((bounds.south_e7(), bounds.west_e7()), (525_000_000, 134_000_000));
/// assert!(bounds.contains(LatLng::new(52.55, 13.45)?));
/// # Ok::<(), kerb_geometry::CoordinateError>(())
/// ```
#[expect(clippy::struct_field_names, reason = "a name carries its unit")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CellBounds {
    south_e7: i32,
    north_e7: i32,
    west_e7: i32,
    east_e7: i32,
}

impl CellBounds {
    /// Makes the box with these two positions as opposite corners, in any order. It never crosses the antimeridian.
    pub fn from_corners(a: LatLng, b: LatLng) -> CellBounds {
        CellBounds {
            south_e7: a.lat_e7().min(b.lat_e7()),
            north_e7: a.lat_e7().max(b.lat_e7()),
            west_e7: a.lon_e7().min(b.lon_e7()),
            east_e7: a.lon_e7().max(b.lon_e7()),
        }
    }

    /// Makes the box of a rectangle on the 2^32 × 2^32 grid of Morton codes. The ends are exclusive and at most 2^32.
    pub(crate) fn of_grid([x_min, x_end]: [u64; 2], [y_min, y_end]: [u64; 2]) -> CellBounds {
        CellBounds {
            south_e7: grid_lat_e7(y_min),
            north_e7: grid_lat_e7(y_end),
            west_e7: grid_lon_e7(x_min),
            east_e7: grid_lon_e7(x_end),
        }
    }

    /// Returns whether the position is in the box or on its edge.
    pub fn contains(&self, position: LatLng) -> bool {
        (self.south_e7..=self.north_e7).contains(&position.lat_e7())
            && (self.west_e7..=self.east_e7).contains(&position.lon_e7())
    }

    /// Returns the south-western corner.
    pub(crate) fn south_west(&self) -> LatLng {
        LatLng::from_e7(self.south_e7, self.west_e7).expect("the corners of a box are positions")
    }

    /// Returns the southern edge in units of 1e-7 degrees.
    pub fn south_e7(&self) -> i32 {
        self.south_e7
    }

    /// Returns the northern edge in units of 1e-7 degrees.
    pub fn north_e7(&self) -> i32 {
        self.north_e7
    }

    /// Returns the western edge in units of 1e-7 degrees.
    pub fn west_e7(&self) -> i32 {
        self.west_e7
    }

    /// Returns the eastern edge in units of 1e-7 degrees.
    pub fn east_e7(&self) -> i32 {
        self.east_e7
    }
}

/// How a box relates to an area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// It is certain that no position of the box is in the area.
    Outside,
    /// The box may be partly, fully or not at all in the area.
    Overlaps,
    /// It is certain that every position of the box is in the area.
    Inside,
}

/// Returns the latitude of a grid line, rounded south. The squares on both sides of a line round it alike, so there is no
/// gap between them, and every position of a grid square is at or north of its southern line.
#[inline]
pub(crate) fn grid_lat_e7(y: u64) -> i32 {
    // y ≤ 2^32 and the factor < 2^31, so the product fits.
    ((y * (2 * QUARTER_E7 as u64)) >> 32) as i32 - QUARTER_E7
}

/// Returns the longitude of a grid line, rounded west.
#[inline]
pub(crate) fn grid_lon_e7(x: u64) -> i32 {
    // x ≤ 2^32 and the factor < 2^31.8, so the product fits; from 0 to 3.6e9, less 1.8e9, it fits an `i32` again.
    (((x * TURN_E7 as u64) >> 32) as i64 - HALF_E7 as i64) as i32
}

/// Returns the distance of latitude `at` from the range, in lattice steps; 0 inside.
#[inline]
pub(crate) fn lat_gap_e7(at: i32, south: i32, north: i32) -> i32 {
    // Latitudes are within ±9e8, so differences fit.
    (south - at).max(at - north).max(0)
}

/// Returns the distance of longitude `at` from the range, in lattice steps, by the shorter way around the globe: at most
/// half a turn; 0 inside.
#[inline]
pub(crate) fn lon_gap_e7(at: i32, west: i32, east: i32) -> i64 {
    let short_of_west = i64::from(west) - i64::from(at);
    let past_east = i64::from(at) - i64::from(east);
    // At most one of the two is positive. The other one plus a whole turn is the gap the other way around.
    let straight = short_of_west.max(past_east).max(0);
    let around = TURN_E7 + short_of_west.min(past_east);
    straight.min(around)
}
