//! Searches by travel time, and travel times of what a search by distance found.

pub mod eta_knn;
pub(crate) mod eta_search;

pub use eta_knn::{DriverStarts, NearestByEtaSearch, etas};
