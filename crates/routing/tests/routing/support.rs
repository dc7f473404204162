//! Hand-made maps, an independent reader and writer of extracts, and reference searches.

pub(crate) mod dijkstra;
pub(crate) mod osm;
pub(crate) mod pbf;
pub(crate) mod relations;
pub(crate) mod turn_reference;
