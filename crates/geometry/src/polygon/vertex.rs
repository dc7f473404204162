//! A vertex of a polygon as its caller wrote it.

use std::fmt;

use crate::{CoordinateError, LatLng};

/// A vertex on the lattice of 1e-7 degrees that keeps the sign of 180 degrees of longitude.
///
/// The meridians +180 and -180 are the same, and a [`LatLng`] has one name for it. The edge from 0 to +180 runs east
/// and the edge from 0 to -180 runs west, so a vertex keeps the name that its caller used.
///
/// ```
/// use kerb_geometry::{LatLng, Vertex};
///
/// let (east, west) = (Vertex::new(10.0, 180.0)?, Vertex::new(10.0, -180.0)?);
/// assert_ne!(east, west);
/// assert_eq!(LatLng::from(east), LatLng::from(west));
/// assert_eq!(east.to_string(), "10.0000000,180.0000000");
/// # Ok::<(), kerb_geometry::CoordinateError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Vertex {
    lat_e7: i32,
    lon_e7: i32,
}

impl Vertex {
    /// Rounds degrees to the nearest lattice point, as [`LatLng::new`] does, with the same errors.
    pub fn new(lat_deg: f64, lon_deg: f64) -> Result<Vertex, CoordinateError> {
        let position = LatLng::new(lat_deg, lon_deg)?;
        Ok(Vertex::named(position, lon_deg > 0.0))
    }

    /// Validates a vertex in whole multiples of 1e-7 degrees, as [`LatLng::from_e7`] does, with the same errors.
    pub fn from_e7(lat_e7: i32, lon_e7: i32) -> Result<Vertex, CoordinateError> {
        let position = LatLng::from_e7(lat_e7, lon_e7)?;
        Ok(Vertex::named(position, lon_e7 > 0))
    }

    /// Returns the vertex at this position, with the longitude +180 instead of -180 if its caller wrote an eastern one.
    fn named(position: LatLng, is_east: bool) -> Vertex {
        let vertex = Vertex::from(position);
        let lon_e7 = vertex.lon_e7;
        // Only the longitude -180 has two names; an eastern longitude becomes it by rounding or as +180 itself.
        let lon_e7 = if is_east && lon_e7 < 0 { -lon_e7 } else { lon_e7 };
        Vertex { lon_e7, ..vertex }
    }

    /// Returns the latitude in degrees, north positive.
    pub fn lat_deg(self) -> f64 {
        LatLng::from(self).lat_deg()
    }

    /// Returns the longitude in degrees, east positive, -180 to +180.
    pub fn lon_deg(self) -> f64 {
        f64::from(self.lon_e7) / 1e7
    }

    /// Returns the latitude in units of 1e-7 degrees.
    pub fn lat_e7(self) -> i32 {
        self.lat_e7
    }

    /// Returns the longitude in units of 1e-7 degrees, -180 to +180 degrees.
    pub fn lon_e7(self) -> i32 {
        self.lon_e7
    }

    /// Packs both numbers into one word, as [`LatLng::to_bits`] does.
    pub fn to_bits(self) -> u64 {
        u64::from(self.lat_e7.cast_unsigned()) << 32 | u64::from(self.lon_e7.cast_unsigned())
    }
}

impl From<LatLng> for Vertex {
    fn from(position: LatLng) -> Vertex {
        Vertex { lat_e7: position.lat_e7(), lon_e7: position.lon_e7() }
    }
}

impl From<Vertex> for LatLng {
    fn from(vertex: Vertex) -> LatLng {
        LatLng::from_e7(vertex.lat_e7, vertex.lon_e7).expect("a vertex is within the range of a position")
    }
}

/// Writes latitude, then longitude, in degrees with all seven decimals.
impl fmt::Display for Vertex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.7},{:.7}", self.lat_deg(), self.lon_deg())
    }
}

/// Writes degrees like [`Display`](fmt::Display).
impl fmt::Debug for Vertex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vertex({self})")
    }
}
