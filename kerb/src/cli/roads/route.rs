//! `kerb roads route`: prints the fastest route between two positions.

use std::path::PathBuf;

use kerb_geometry::LatLng;
use kerb_routing::{DrivingRoute, RouteStep};
use serde_json::{Value, json};

use super::super::args::position;
use super::super::failure::{Failure, Outcome};
use super::super::table;
use super::snap::SnapArgs;

#[derive(Debug, clap::Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Args {
    /// The road network, as `kerb roads import` wrote it
    file: PathBuf,
    /// The origin: "LAT,LON"
    #[arg(value_parser = position, allow_hyphen_values = true)]
    from: LatLng,
    /// The destination: "LAT,LON"
    #[arg(value_parser = position, allow_hyphen_values = true)]
    to: LatLng,
    /// The direction of travel at the origin, degrees clockwise from north: the route starts on a street direction
    /// within 60 degrees of it
    #[arg(long, value_name = "DEG", value_parser = degrees)]
    heading: Option<f64>,
    #[command(flatten)]
    snap: SnapArgs,
    /// Print one GeoJSON feature: the line, with duration, length and steps as properties
    #[arg(long)]
    geojson: bool,
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    let roads = args.snap.open(&args.file)?;
    let way = roads.route_toward(args.from, args.heading, args.to);
    let way = way.map_err(|error| Failure::Failed(error.to_string()))?;
    if args.geojson {
        println!("{}", to_geojson(&way));
    } else {
        print!("{}", to_text(&way));
    }
    Ok(Outcome::Done)
}

fn to_text(way: &DrivingRoute) -> String {
    let row = |turn: &str, name: &str, time_ms: u32, length_m: f64| {
        vec![turn.to_owned(), table::printable(name), table::age(time_ms), table::distance(length_m)]
    };
    let of_step = |step: &RouteStep| {
        let name = if step.name.is_empty() { "unnamed" } else { &step.name };
        row(step.turn.name(), name, step.time_ms, step.length_m)
    };
    let mut rows: Vec<_> = way.steps.iter().map(of_step).collect();
    rows.push(row("arrive", "", way.time_ms, way.length_m));
    table::render(&["TURN", "STREET", " TIME", " LENGTH"], &rows)
}

/// RFC 7946: positions are longitude, latitude.
fn to_geojson(way: &DrivingRoute) -> Value {
    let line: Vec<_> = way.line.iter().map(|at| [at.lon_deg(), at.lat_deg()]).collect();
    let steps: Vec<_> = way
        .steps
        .iter()
        .map(|step| {
            json!({
                "turn": step.turn.name(),
                "name": step.name,
                "time_ms": step.time_ms,
                "length_m": step.length_m,
                "first_point": step.first_point,
            })
        })
        .collect();
    json!({
        "type": "Feature",
        "geometry": { "type": "LineString", "coordinates": line },
        "properties": { "time_ms": way.time_ms, "length_m": way.length_m, "steps": steps },
    })
}

pub(super) fn degrees(text: &str) -> Result<f64, String> {
    let degrees: f64 = text.parse().map_err(|error| format!("{text:?} is not a number: {error}"))?;
    if (0.0..=360.0).contains(&degrees) { Ok(degrees) } else { Err("must be 0 to 360".to_owned()) }
}
