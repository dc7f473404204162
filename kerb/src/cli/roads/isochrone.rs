//! `kerb roads isochrone`: prints the area reachable from a position within some minutes.

use std::path::PathBuf;

use kerb::terminal::{print, print_json};
use kerb_geometry::LatLng;
use kerb_routing::isochrone::Isochrone;
use serde_json::{Value, json};

use super::super::failure::{Failure, Outcome};
use super::super::table;
use super::route;
use super::snap::SnapArgs;

#[derive(Debug, clap::Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Args {
    /// The road network, as `kerb roads import` wrote it
    file: PathBuf,
    /// The origin: "LAT,LON"
    #[arg(value_parser = super::super::args::position, allow_hyphen_values = true)]
    at: LatLng,
    /// Minutes of travel, 1 to 600; several separated by commas
    #[arg(long, value_name = "MIN", value_delimiter = ',', default_value = "5,10", value_parser = clap::value_parser!(u32).range(1..=600))]
    minutes: Vec<u32>,
    /// The direction of travel at the origin, degrees clockwise from north
    #[arg(long, value_name = "DEG", value_parser = route::degrees)]
    heading: Option<f64>,
    #[command(flatten)]
    snap: SnapArgs,
    /// Print one GeoJSON feature collection with an area for each number of minutes
    #[arg(long)]
    geojson: bool,
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    let roads = args.snap.open(&args.file)?;
    let ends = roads.phantom_nodes_toward(args.at, args.heading);
    let ends = ends.map_err(|error| Failure::Failed(error.to_string()))?;
    let areas = args.minutes.iter().map(|minutes| (*minutes, roads.isochrone(&ends, minutes * 60_000)));
    let areas: Vec<_> = areas.collect();
    if args.geojson {
        print_json(to_geojson(&areas))?;
    } else {
        print(to_text(&areas))?;
    }
    Ok(Outcome::Done)
}

fn to_text(areas: &[(u32, Isochrone)]) -> String {
    let row = |(minutes, area): &(u32, Isochrone)| {
        let holes: usize = area.polygons.iter().map(|polygon| polygon.holes.len()).sum();
        vec![
            minutes.to_string(),
            format!("{:.2} km²", area.area_m2 / 1e6),
            table::distance(area.streets_m),
            area.polygons.len().to_string(),
            holes.to_string(),
            format!("{} m", area.cell_m),
        ]
    };
    let rows: Vec<_> = areas.iter().map(row).collect();
    table::render(&[" MINUTES", " AREA", " STREETS", " PARTS", " HOLES", " CELL"], &rows)
}

/// Formats the areas as GeoJSON (RFC 7946), whose positions are longitude, latitude and whose outer rings are
/// counterclockwise.
fn to_geojson(areas: &[(u32, Isochrone)]) -> Value {
    let feature = |(minutes, area): &(u32, Isochrone)| {
        let polygons = area.polygons.iter();
        let polygons = polygons.map(|polygon| {
            std::iter::once(&polygon.outer).chain(&polygon.holes).cloned().collect::<Vec<_>>()
        });
        json!({
            "type": "Feature",
            "geometry": { "type": "MultiPolygon", "coordinates": polygons.collect::<Vec<_>>() },
            "properties": {
                "minutes": minutes,
                "area_m2": area.area_m2,
                "streets_m": area.streets_m,
                "cell_m": area.cell_m,
            },
        })
    };
    json!({ "type": "FeatureCollection", "features": areas.iter().map(feature).collect::<Vec<_>>() })
}
