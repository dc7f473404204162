//! `kerb roads segments`: lists the directions of a road network, as input for a speed file.

use std::io::{self, Write};
use std::path::PathBuf;

use kerb::terminal::{escape_json, stream};
use kerb_routing::Network;
use kerb_routing::speeds::{list_directions, write_segments};
use serde_json::json;

use super::super::failure::{Failure, Outcome};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The road network, as `kerb roads import` wrote it
    file: PathBuf,
    /// Print GeoJSON, one feature a line, instead of CSV
    #[arg(long)]
    geojson: bool,
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    let failed = |error| Failure::Failed(format!("{}: {error}", args.file.display()));
    let network = Network::open(&args.file).map_err(failed)?;
    if args.geojson {
        stream(|out| write_features(&network, out))?;
    } else {
        stream(|out| write_segments(&network, out))?;
    }
    Ok(Outcome::Done)
}

/// Writes GeoJSON text sequences (RFC 8142) without the separators: each line is a feature, so a reader can stream it.
fn write_features(network: &Network, out: &mut dyn Write) -> io::Result<()> {
    for row in list_directions(network) {
        let mut line: Vec<_> = network
            .shape(row.arc.segment)
            .iter()
            .map(|point| [point.lat_lng().lon_deg(), point.lat_lng().lat_deg()])
            .collect();
        if row.arc.reverse {
            line.reverse();
        }
        let feature = json!({
            "type": "Feature",
            "geometry": { "type": "LineString", "coordinates": line },
            "properties": {
                "segment": row.arc.segment.0,
                "direction": row.direction(),
                "way": row.way,
                "length_m": row.length_m,
                "highway": row.class,
                "free_flow_kmh": row.free_flow.kmh(),
                "name": row.name,
            },
        });
        writeln!(out, "{}", escape_json(&feature.to_string()))?;
    }
    Ok(())
}
