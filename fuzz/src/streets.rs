//! A small road network, for decoders that need one.

use std::sync::LazyLock;

use kerb_routing::Network;
use kerb_routing::import::import_csv;
use kerb_routing::speeds::DirectionIndex;

/// Two junctions and a street in both directions: nodes, a NUL byte, edges.
pub(crate) const ROADS: &str = "node_id,lat,lon\n1,52.520,13.400\n2,52.520,13.410\n\0from_node,to_node,length_m,highway,maxspeed_kmh,two_way\n1,2,676.5,secondary,50,1\n2,1,676.5,secondary,,1\n";

pub(crate) static STREETS: LazyLock<Streets> = LazyLock::new(|| {
    let network = import_roads(ROADS.as_bytes()).expect("valid tables");
    Streets { directions: DirectionIndex::new(&network), network }
});

pub(crate) struct Streets {
    pub(crate) network: Network,
    pub(crate) directions: DirectionIndex,
}

/// Imports a network. A NUL byte ends the table of nodes and begins the table of edges.
pub(crate) fn import_roads(text: &[u8]) -> Option<Network> {
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    import_csv(&text[..end], text.get(end + 1..).unwrap_or_default()).ok().map(|import| import.network)
}
