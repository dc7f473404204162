//! `kerb roads route`: prints the fastest route between two positions.

use std::path::PathBuf;

use kerb::terminal::{print, print_json};
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
    let route = roads.route_toward(args.from, args.heading, args.to);
    let route = route.map_err(|error| Failure::Failed(error.to_string()))?;
    if args.geojson {
        print_json(to_geojson(&route))?;
    } else {
        print(to_text(&route))?;
    }
    Ok(Outcome::Done)
}

fn to_text(route: &DrivingRoute) -> String {
    let row = |turn: &str, name: &str, time_ms: u32, length_m: f64| {
        vec![turn.to_owned(), name.to_owned(), table::age(time_ms), table::distance(length_m)]
    };
    let step_row = |step: &RouteStep| {
        let name = if step.name.is_empty() { "unnamed" } else { &step.name };
        row(step.turn.name(), name, step.time_ms, step.length_m)
    };
    let mut rows: Vec<_> = route.steps.iter().map(step_row).collect();
    rows.push(row("arrive", "", route.time_ms, route.length_m));
    table::render(&["TURN", "STREET", " TIME", " LENGTH"], &rows)
}

/// Formats the route as GeoJSON (RFC 7946), whose positions are longitude, latitude.
fn to_geojson(route: &DrivingRoute) -> Value {
    let line: Vec<_> = route.line.iter().map(|at| [at.lon_deg(), at.lat_deg()]).collect();
    let steps: Vec<_> = route
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
        "properties": { "time_ms": route.time_ms, "length_m": route.length_m, "steps": steps },
    })
}

pub(super) fn degrees(text: &str) -> Result<f64, String> {
    let degrees: f64 = text.parse().map_err(|error| format!("{text:?} is not a number: {error}"))?;
    if (0.0..=360.0).contains(&degrees) { Ok(degrees) } else { Err("must be 0 to 360".to_owned()) }
}
