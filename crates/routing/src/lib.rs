//! Streets: OpenStreetMap in, travel times out.
//!
//! [`import`] makes a [`Network`] out of an extract, [`Network::save`] and [`Network::open`] keep it in one file, and a
//! [`Snapper`] finds the street beside a position, [`engine`] how long the way
//! between two takes; [`Roads`] is all of it, and [`RoadTimes`] the matcher's port. Turn restrictions are in the graph itself: a search over
//! [`Network::first_out`] and [`Network::head`] needs to know nothing of them.
//!
//! ```
//! use kerb_routing::{SnapQuery, Snapper, import::import_csv};
//! use kerb_geometry::LatLng;
//!
//! let nodes = "node_id,lat,lon\n1,52.520,13.400\n2,52.520,13.410\n";
//! let edges = "from_node,to_node,length_m,highway\n1,2,676.5,secondary\n2,1,676.5,secondary\n";
//! let network = import_csv(nodes.as_bytes(), edges.as_bytes())?.network;
//! assert_eq!((network.segments(), network.head().len()), (1, 2));
//! // At 50 km/h.
//! assert_eq!(network.time_ms(), [48_708, 48_708]);
//!
//! let at = LatLng::new(52.5202, 13.4025)?;
//! let snap = Snapper::new(&network).snap(SnapQuery { at, heading_deg: Some(90.0), max_m: 100.0 })?;
//! assert_eq!((snap.forward, snap.reverse), (true, false));
//! assert_eq!((snap.share * 100.0).round(), 25.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`speeds`] replaces the streets' times by what is told or known of an hour, and [`map_matching`] learns it from drives.
//!
//! This crate knows nothing of the fleet's drivers and trips, or of the wire; the hour is an argument.

mod class;
pub mod csv_rows;
pub mod engine;
mod file;
mod graph;
pub mod import;
pub mod isochrone;
mod line;
pub mod map_matching;
mod roads;
mod snap;
pub mod speeds;
pub mod straight_line;
mod travel_times;
mod turn;

pub use class::RoadClass;
pub use csv_rows::RowError;
pub use file::{FORMAT_VERSION, OpenError};
pub use graph::{DirectedSegment, LatticePoint, Network, SegmentId, Summary};
pub use roads::{DrivingRoute, Roads, RoadsError, RouteError, RouteStep};
pub use snap::{Snap, SnapError, SnapQuery, Snapper};
pub use straight_line::StraightLine;
pub use travel_times::RoadTimes;
pub use turn::Turn;
