//! A position on the globe: validated once when it is made, trusted everywhere after.

use std::fmt;

/// Lattice steps in one degree.
const STEPS_PER_DEGREE: f64 = 1e7;
/// A quarter turn in lattice steps: the largest latitude.
pub(crate) const QUARTER_E7: i32 = 900_000_000;
/// Half a turn in lattice steps: the largest longitude.
pub(crate) const HALF_E7: i32 = 1_800_000_000;
/// A whole turn in lattice steps. It does not fit an `i32`.
pub(crate) const TURN_E7: i64 = 3_600_000_000;

/// A WGS 84 position on a lattice of 1e-7 degrees, which is 1.1 cm of latitude.
///
/// The latitude is within -90 to 90 degrees and the longitude within -180 to just below 180: the meridian of 180
/// degrees is written -180, so that every meridian has one name. The order is by latitude, then longitude. It has
/// no geographic meaning and serves sorting.
///
/// ```
/// use kerb_geometry::LatLng;
///
/// let berlin = LatLng::new(52.52, 13.405)?;
/// assert_eq!(berlin.lat_e7(), 525_200_000);
/// assert_eq!(LatLng::from_bits(berlin.to_bits()), berlin);
/// assert_eq!(LatLng::new(0.0, 180.0)?, LatLng::new(0.0, -180.0)?);
/// assert_eq!(LatLng::new(91.2, 0.0).unwrap_err().to_string(), "latitude: 91.2 is outside -90 to 90 degrees");
/// # Ok::<(), kerb_geometry::CoordinateError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LatLng {
    lat_e7: i32,
    lon_e7: i32,
}

/// Why a pair of numbers is not a position. The value is in degrees.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum CoordinateError {
    /// The latitude is not a number from -90 to 90.
    #[error("latitude: {0} is outside -90 to 90 degrees")]
    Latitude(f64),
    /// The longitude is not a number from -180 to 180.
    #[error("longitude: {0} is outside -180 to 180 degrees")]
    Longitude(f64),
}

impl CoordinateError {
    /// Returns the name of the wrong field: `latitude` or `longitude`.
    pub fn field(&self) -> &'static str {
        match self {
            CoordinateError::Latitude(_) => "latitude",
            CoordinateError::Longitude(_) => "longitude",
        }
    }
}

impl LatLng {
    /// Rounds a position in degrees to the nearest lattice point.
    ///
    /// The error names the value that is not finite, or outside -90 to 90 (latitude) or -180 to 180 (longitude).
    pub fn new(lat_deg: f64, lon_deg: f64) -> Result<LatLng, CoordinateError> {
        // A range holds no NaN and no infinity, so this is the whole check.
        if !(-90.0..=90.0).contains(&lat_deg) {
            return Err(CoordinateError::Latitude(lat_deg));
        }
        if !(-180.0..=180.0).contains(&lon_deg) {
            return Err(CoordinateError::Longitude(lon_deg));
        }
        // The products are at most 1.8e9 in size, which fits an `i32`, so the casts cannot lose.
        let [lat_e7, lon_e7] = [lat_deg, lon_deg].map(|degrees| (degrees * STEPS_PER_DEGREE).round() as i32);
        Ok(LatLng::on_lattice(lat_e7, lon_e7))
    }

    /// Validates a position in whole multiples of 1e-7 degrees.
    pub fn from_e7(lat_e7: i32, lon_e7: i32) -> Result<LatLng, CoordinateError> {
        if !(-QUARTER_E7..=QUARTER_E7).contains(&lat_e7) {
            return Err(CoordinateError::Latitude(f64::from(lat_e7) / STEPS_PER_DEGREE));
        }
        if !(-HALF_E7..=HALF_E7).contains(&lon_e7) {
            return Err(CoordinateError::Longitude(f64::from(lon_e7) / STEPS_PER_DEGREE));
        }
        Ok(LatLng::on_lattice(lat_e7, lon_e7))
    }

    /// Makes a position of numbers that are in range; +180 becomes -180.
    fn on_lattice(lat_e7: i32, lon_e7: i32) -> LatLng {
        LatLng { lat_e7, lon_e7: if lon_e7 == HALF_E7 { -HALF_E7 } else { lon_e7 } }
    }

    /// Returns the latitude in degrees, north positive.
    pub fn lat_deg(self) -> f64 {
        f64::from(self.lat_e7) / STEPS_PER_DEGREE
    }

    /// Returns the longitude in degrees, east positive.
    pub fn lon_deg(self) -> f64 {
        f64::from(self.lon_e7) / STEPS_PER_DEGREE
    }

    /// Returns the latitude in units of 1e-7 degrees.
    #[inline]
    pub fn lat_e7(self) -> i32 {
        self.lat_e7
    }

    /// Returns the longitude in units of 1e-7 degrees.
    #[inline]
    pub fn lon_e7(self) -> i32 {
        self.lon_e7
    }

    /// Packs both numbers into one word (latitude in the high half), for an atomic.
    #[inline]
    pub fn to_bits(self) -> u64 {
        u64::from(self.lat_e7.cast_unsigned()) << 32 | u64::from(self.lon_e7.cast_unsigned())
    }

    /// Unpacks a position that [`LatLng::to_bits`] packed. Any other word gives a position outside the valid range.
    #[inline]
    pub fn from_bits(bits: u64) -> LatLng {
        // The casts split the word into its halves.
        let position =
            LatLng { lat_e7: ((bits >> 32) as u32).cast_signed(), lon_e7: (bits as u32).cast_signed() };
        debug_assert!(
            LatLng::from_e7(position.lat_e7, position.lon_e7) == Ok(position),
            "{bits:#018x} was not made by to_bits"
        );
        position
    }
}

/// Writes latitude, then longitude, in degrees with all seven decimals.
impl fmt::Display for LatLng {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A number within ±180 with seven decimals has ten digits, and a double has sixteen: nothing is lost.
        write!(f, "{:.7},{:.7}", self.lat_deg(), self.lon_deg())
    }
}

/// Writes degrees like [`Display`](fmt::Display): they are easier to read than lattice steps.
impl fmt::Debug for LatLng {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LatLng({self})")
    }
}

impl From<LatLng> for geo::Point<f64> {
    fn from(position: LatLng) -> geo::Point<f64> {
        geo::Point::new(position.lon_deg(), position.lat_deg())
    }
}
