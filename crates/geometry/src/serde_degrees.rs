//! Serializes a position as degrees, for formats that people read.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::coordinate::{CoordinateError, LatLng};

/// A position in degrees. The round trip is exact: parsing changes a double of at most 180 by at most 3e-14, and the
/// lattice rounds to 1e-7.
#[derive(Serialize, Deserialize)]
struct Degrees {
    lat: f64,
    lon: f64,
}

impl TryFrom<Degrees> for LatLng {
    type Error = CoordinateError;

    fn try_from(degrees: Degrees) -> Result<Self, CoordinateError> {
        LatLng::new(degrees.lat, degrees.lon)
    }
}

/// Writes two fields in degrees: `{"lat": 52.52, "lon": 13.405}`.
impl Serialize for LatLng {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Degrees { lat: self.lat_deg(), lon: self.lon_deg() }.serialize(serializer)
    }
}

/// Reads the same two fields and validates them with [`LatLng::new`].
impl<'de> Deserialize<'de> for LatLng {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Degrees::deserialize(deserializer)?.try_into().map_err(serde::de::Error::custom)
    }
}
