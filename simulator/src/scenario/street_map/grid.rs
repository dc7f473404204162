//! The streets of a synthetic city: a grid in which every fourth street is faster.

use std::fmt::Write;

use kerb_routing::Network;
use kerb_routing::import::import_csv;

use crate::scenario::street_map::trajectory::degrees;
use crate::scenario::{GeoPoint, ScenarioError};

/// Every n-th street is faster.
const AVENUE_EVERY: u32 = 4;

/// Builds a square grid with this number of streets in each direction.
pub(super) fn network(center: GeoPoint, streets: u32, block_m: f64) -> Result<Network, ScenarioError> {
    let mut nodes = "node_id,lat,lon\n".to_owned();
    let mut edges = "from_node,to_node,length_m,highway,two_way\n".to_owned();
    let (north_deg, east_deg) = degrees(block_m, block_m, center.lat);
    let middle = f64::from(streets - 1) / 2.0;
    for row in 0..streets {
        for column in 0..streets {
            let lat = center.lat + (f64::from(row) - middle) * north_deg;
            let lon = center.lon + (f64::from(column) - middle) * east_deg;
            let node = row * streets + column;
            // Writing to a string cannot fail.
            _ = writeln!(nodes, "{node},{lat:.7},{lon:.7}");
            if column + 1 < streets {
                add(&mut edges, node, node + 1, block_m, row);
            }
            if row + 1 < streets {
                add(&mut edges, node, node + streets, block_m, column);
            }
        }
    }
    let imported = import_csv(nodes.as_bytes(), edges.as_bytes());
    let imported = imported.map_err(|error| ScenarioError::Streets {
        file: "streets.source".to_owned(),
        reason: error.to_string(),
    })?;
    Ok(imported.network)
}

/// Adds both directions of a block.
fn add(edges: &mut String, a: u32, b: u32, block_m: f64, street: u32) {
    let class = if street.is_multiple_of(AVENUE_EVERY) { "secondary" } else { "residential" };
    for (from, to) in [(a, b), (b, a)] {
        _ = writeln!(edges, "{from},{to},{block_m},{class},1");
    }
}
