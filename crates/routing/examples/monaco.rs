//! Imports the shipped extract of Monaco, computes a route, and the area that is reached within three minutes.
//!
//! `cargo run -p kerb-routing --example monaco`

use std::error::Error;
use std::fs::File;
use std::path::Path;

use kerb_geometry::LatLng;
use kerb_routing::Roads;
use kerb_routing::import::import_pbf;

/// The largest distance from a position to its street in meters. Positions farther from every street are off the map.
const SNAP_MAX_M: f64 = 300.0;

fn main() -> Result<(), Box<dyn Error>> {
    let extract = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/monaco.osm.pbf");
    let imported = import_pbf(File::open(extract)?, &mut |_progress| {})?;
    let summary = imported.network.summary();
    println!("{} segments, {:.1} km of streets", summary.segments, summary.length_m / 1_000.0);

    let roads = Roads::new(imported.network, SNAP_MAX_M)?;
    let (casino, station) = (LatLng::new(43.7392, 7.4276)?, LatLng::new(43.7386, 7.4191)?);
    let route = roads.route(casino, station)?;
    println!("{:.0} s and {:.0} m by car:", f64::from(route.time_ms) / 1e3, route.length_m);
    for step in &route.steps {
        println!("  {:12} {}", step.turn.name(), step.name);
    }

    let area = roads.isochrone(&roads.phantom_nodes(casino)?, 180_000);
    println!("within three minutes: {:.2} km2 in {} polygons", area.area_m2 / 1e6, area.polygons.len());
    Ok(())
}
