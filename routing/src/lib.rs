//! Streets: OpenStreetMap in, a road network that the searches read as plain slices, and where on it a position is.
//!
//! [`import`] makes a [`Network`] out of an extract, [`Network::save`] and [`Network::open`] keep it in one file, and a
//! [`Snapper`] finds the street beside a position. Turn restrictions are in the graph itself: a search over
//! [`Network::first_out`] and [`Network::head`] needs to know nothing of them.
//!
//! This crate knows nothing of drivers, trips, time of day or the wire.

mod class;
mod file;
mod graph;
pub mod import;
mod snap;

pub use class::RoadClass;
pub use file::{FORMAT_VERSION, OpenError};
pub use graph::{Arc, Network, Place, SegmentId, Summary};
pub use snap::{Question, Snap, SnapError, Snapper};
