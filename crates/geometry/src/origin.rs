//! Distances from one prepared point to positions and boxes.
//!
//! The unit is the half-chord squared. The chord is the straight line through the Earth between two positions; half of it,
//! in Earth radii, is squared. The result equals the haversine of the central angle (Sinnott, "Virtues of the Haversine",
//! Sky and Telescope 68, 1984). It grows with the distance, and it needs neither a square root nor an arc sine.

use crate::bounds::{grid_lat_e7, grid_lon_e7, lat_gap_e7, lon_gap_e7};
use crate::coordinate::{HALF_E7, TURN_E7};
use crate::trig::{
    NEAR_E7, cos_lat, cos_lat_above, cos_lat_below, sin_lat, sin_near, sin_sq_half, sin_sq_half_above,
    sin_sq_half_below,
};
use crate::{Cell, CellBounds, LatLng};

/// Relative margin of the bounds. The bounds and [`Origin::hav`] are both exact to about ten roundings (2e-15). The margin
/// is five hundred times as large, and it loosens a bound by only a micrometer in a thousand kilometers.
const MARGIN: f64 = 1e-12;

/// A position with its sine and cosine, prepared for many measurements of distance.
///
/// ```
/// use kerb_geometry::{LatLng, Origin, hav_to_m};
///
/// let rider = Origin::new(LatLng::new(52.5219, 13.4132)?);
/// let near = rider.hav(LatLng::new(52.5200, 13.4050)?);
/// let far = rider.hav(LatLng::new(52.5163, 13.3777)?);
/// assert!(near < far);
/// assert_eq!(hav_to_m(near).round(), 594.0);
/// # Ok::<(), kerb_geometry::CoordinateError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Origin {
    position: LatLng,
    sin_lat: f64,
    cos_lat: f64,
}

impl Origin {
    /// Prepares a position: computes its sine and cosine once.
    pub fn new(position: LatLng) -> Origin {
        Origin { position, sin_lat: sin_lat(position.lat_e7()), cos_lat: cos_lat(position.lat_e7()) }
    }

    /// Returns the prepared position.
    pub fn position(&self) -> LatLng {
        self.position
    }

    /// Returns the half-chord squared to a position: 0 at the origin, 1 at its antipode, and growing with the great-circle
    /// distance in between. [`hav_to_m`](crate::hav_to_m) converts it to meters.
    #[inline]
    pub fn hav(&self, position: LatLng) -> f64 {
        let lat = position.lat_e7() - self.position.lat_e7();
        let lon = self.lon_difference_e7(position);
        if lat.abs() <= NEAR_E7 && lon <= i64::from(NEAR_E7) {
            // Longitude differences are at most 1.8e9, which a double holds exactly. So are all casts to `f64` below.
            self.hav_near(f64::from(lat), lon as f64)
        } else {
            self.hav_far(position, lat, lon)
        }
    }

    /// Returns a lower bound of [`hav`](Origin::hav) over all positions in the box; 0 if the origin is in it.
    #[inline]
    pub fn lower_bound(&self, bounds: &CellBounds) -> f64 {
        let at = self.position;
        let lat_gap = lat_gap_e7(at.lat_e7(), bounds.south_e7(), bounds.north_e7());
        let lon_gap = lon_gap_e7(at.lon_e7(), bounds.west_e7(), bounds.east_e7());
        let lat_poleward = bounds.south_e7().abs().max(bounds.north_e7().abs());
        below(
            sin_sq_half_below(f64::from(lat_gap)),
            self.lon_factor_below(lat_poleward),
            sin_sq_half_below(lon_gap as f64),
        )
    }

    /// Returns the lower bounds of the four children of a cell above level 32, by child index.
    ///
    /// Each number equals [`lower_bound`](Origin::lower_bound) of the child's bounds. The work is half of four calls,
    /// because the children share two ranges of latitude and two of longitude.
    #[inline]
    pub fn lower_bounds_of_children(&self, cell: Cell) -> [f64; 4] {
        debug_assert!(cell.level() < Cell::MAX_LEVEL, "a cell of level 32 has no children");
        let ([x_min, x_end], [y_min, y_end]) = cell.grid();
        let lats = [y_min, y_min.midpoint(y_end), y_end].map(grid_lat_e7);
        let lons = [x_min, x_min.midpoint(x_end), x_end].map(grid_lon_e7);
        let at = self.position;

        let gaps_e7 = [
            i64::from(lat_gap_e7(at.lat_e7(), lats[0], lats[1])),
            i64::from(lat_gap_e7(at.lat_e7(), lats[1], lats[2])),
            lon_gap_e7(at.lon_e7(), lons[0], lons[1]),
            lon_gap_e7(at.lon_e7(), lons[1], lons[2]),
        ];
        let [south, north, west, east] = gaps_e7.map(|gap_e7| sin_sq_half_below(gap_e7 as f64));
        let south_factor = self.lon_factor_below(lats[0].abs().max(lats[1].abs()));
        let north_factor = self.lon_factor_below(lats[1].abs().max(lats[2].abs()));
        [
            below(south, south_factor, west),
            below(north, north_factor, west),
            below(south, south_factor, east),
            below(north, north_factor, east),
        ]
    }

    /// Returns an upper bound of [`hav`](Origin::hav) over all positions in the box.
    pub fn upper_bound(&self, bounds: &CellBounds) -> f64 {
        let at = self.position;
        let (south, north) = (bounds.south_e7(), bounds.north_e7());
        let lat_far = (at.lat_e7() - south).abs().max((at.lat_e7() - north).abs());
        // The farthest meridian of the box is the one nearest to the meridian opposite the origin.
        let opposite = if at.lon_e7() < 0 { at.lon_e7() + HALF_E7 } else { at.lon_e7() - HALF_E7 };
        let lon_far = i64::from(HALF_E7) - lon_gap_e7(opposite, bounds.west_e7(), bounds.east_e7());
        let lat_equatorward = lat_gap_e7(0, south, north);

        let hav = sin_sq_half_above(f64::from(lat_far))
            + self.cos_lat * cos_lat_above(lat_equatorward) * sin_sq_half_above(lon_far as f64);
        (hav * (1.0 + MARGIN)).min(1.0)
    }

    /// Returns the difference in longitude by the shorter way around the globe, not negative.
    #[inline]
    fn lon_difference_e7(&self, position: LatLng) -> i64 {
        let straight = (i64::from(position.lon_e7()) - i64::from(self.position.lon_e7())).abs();
        straight.min(TURN_E7 - straight)
    }

    /// Computes the haversine of a close position by short series, without libm. The cosine of the other latitude follows
    /// from the origin's by `cos(a + d) = cos a cos d - sin a sin d`.
    ///
    /// Its error is relative to the larger of the two cosines, even close to a pole: `cos a` and `sin d` are exact to
    /// their own last bits, and `d` is at most the larger of the two distances to the pole.
    #[inline]
    fn hav_near(&self, lat_difference_e7: f64, lon_difference_e7: f64) -> f64 {
        let lat_term = sin_sq_half_below(lat_difference_e7);
        let cos_other = self.cos_lat * (1.0 - 2.0 * lat_term) - self.sin_lat * sin_near(lat_difference_e7);
        lat_term + self.cos_lat * cos_other * sin_sq_half_below(lon_difference_e7)
    }

    /// Computes the haversine with the sine of libm. A search rarely needs it, so it stays out of line.
    #[cold]
    fn hav_far(&self, position: LatLng, lat_difference_e7: i32, lon_difference_e7: i64) -> f64 {
        let lat_term = sin_sq_half(f64::from(lat_difference_e7));
        let lon_term = sin_sq_half(lon_difference_e7 as f64);
        (lat_term + self.cos_lat * cos_lat(position.lat_e7()) * lon_term).min(1.0)
    }

    /// Returns a lower bound of the product of the two cosines in the haversine, for a box that extends poleward to this
    /// latitude.
    #[inline]
    fn lon_factor_below(&self, lat_poleward_e7: i32) -> f64 {
        self.cos_lat * cos_lat_below(lat_poleward_e7)
    }
}

/// Returns the haversine of terms that are each at most the true one, minus the margin for rounding.
#[inline]
fn below(lat_term: f64, lon_factor: f64, lon_term: f64) -> f64 {
    (1.0 - MARGIN) * (lat_term + lon_factor * lon_term)
}
