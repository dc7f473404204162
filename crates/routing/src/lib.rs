//! Road networks: OpenStreetMap in, travel times out.
//!
//! [`import`] builds a [`Network`] from an extract; [`Network::save`] and [`Network::open`] store it in one file. A
//! [`Snapper`] finds the street next to a position. The [`engine`] computes travel times and routes. [`Roads`] combines
//! these, and [`RoadTimes`] implements the port [`TravelTimes`](kerb_ports::TravelTimes) with them. Turn restrictions
//! are part of the graph, so a search over [`Network::first_out`] and [`Network::head`] obeys them without extra code.
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
//! [`speeds`] replaces free-flow times by streamed, measured or learned speeds; [`map_matching`] learns them from
//! drives.
//!
//! This crate has no dependency on the fleet's drivers and trips, on clocks, or on the wire: the time is an argument.

pub mod csv_rows;
pub mod engine;
pub mod import;
pub mod isochrone;
pub mod map_matching;
mod network;
mod roads;
mod snap;
pub mod speeds;
mod travel_times;

pub use csv_rows::RowError;
pub use network::{
    DirectedSegment, FORMAT_VERSION, LatticePoint, Network, OpenError, RoadClass, SegmentId, Summary,
};
pub use roads::{DrivingRoute, Roads, RoadsError, RouteError, RouteStep, Turn};
pub use snap::{Snap, SnapError, SnapQuery, Snapper, TripEnd};
pub use travel_times::{RoadTimes, StraightLine};
