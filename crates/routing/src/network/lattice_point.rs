//! A position as the file stores it.

use kerb_geometry::LatLng;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A position in units of 1e-7 degrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct LatticePoint {
    /// The latitude, in units of 1e-7 degrees.
    pub lat_e7: i32,
    /// The longitude, in units of 1e-7 degrees.
    pub lon_e7: i32,
}

impl LatticePoint {
    /// The same point as a position. Panics outside of the globe; a network's points are checked when it is made or
    /// opened.
    pub fn lat_lng(self) -> LatLng {
        LatLng::from_e7(self.lat_e7, self.lon_e7).expect("positions were checked when the network was made")
    }
}

impl From<LatLng> for LatticePoint {
    fn from(position: LatLng) -> LatticePoint {
        LatticePoint { lat_e7: position.lat_e7(), lon_e7: position.lon_e7() }
    }
}
