//! Geometry on the globe: validated positions, exact ordering by distance, quadtree cells, sharding tiles and search
//! areas.
//!
//! Every position lies on a lattice of 1e-7 degrees and is kept in integers, so cells, tiles and polygons are
//! decided without rounding. Floats appear in one place: the *half-chord squared* ([`Origin::hav`]), which orders
//! positions by great-circle distance without a square root or an arc sine.
//!
//! This crate has no ids, no time, no async code and no wire format.
//!
//! ```
//! use kerb_geometry::{Area, Circle, LatLng, cover};
//!
//! let alexanderplatz = LatLng::new(52.5219, 13.4132)?;
//! let area = Area::from(Circle::new(alexanderplatz, 2_000.0)?);
//!
//! assert!(area.contains(LatLng::new(52.5200, 13.4050)?));
//! let tiles = cover(&area, 64).expect("a circle of 2 km touches few tiles");
//! assert!(tiles.len() <= 4);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod area;
mod bounds;
mod cell;
mod circle;
mod coordinate;
mod cover;
mod distance;
mod morton;
mod origin;
mod polygon;
#[cfg(feature = "serde")]
mod serde_degrees;
mod tile;
mod trig;

pub use area::Area;
pub use bounds::{CellBounds, Relation};
pub use cell::Cell;
pub use circle::{Circle, RadiusError};
pub use coordinate::{CoordinateError, LatLng};
pub use cover::cover;
pub use distance::{EARTH_RADIUS_M, HALF_CIRCUMFERENCE_M, distance_m, hav_to_m, m_to_hav};
pub use morton::Morton;
pub use origin::Origin;
pub use polygon::{MAX_POLYGON_VERTICES, Polygon, PolygonError, RingIndex, RingVertex, Vertex};
pub use tile::Tile;
