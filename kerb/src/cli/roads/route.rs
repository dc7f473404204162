//! `kerb roads route`: the fastest way between two positions.

use std::path::PathBuf;

use kerb_routing::{Roads, Way};
use kerb_spatial::LatLng;
use serde_json::{Value, json};

use super::super::failure::{Failure, Outcome};
use super::super::table;

#[derive(Debug, clap::Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Args {
    /// The road network, as `kerb roads import` wrote it
    file: PathBuf,
    /// Where the way begins: "LAT,LON"
    #[arg(value_parser = position, allow_hyphen_values = true)]
    from: LatLng,
    /// Where it ends: "LAT,LON"
    #[arg(value_parser = position, allow_hyphen_values = true)]
    to: LatLng,
    /// A position farther from every street is off the map
    #[arg(long, value_name = "M", default_value_t = 300.0, value_parser = metres)]
    snap_max_m: f64,
    /// Print one GeoJSON feature: the line, with time, length and steps as its properties
    #[arg(long)]
    geojson: bool,
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    let roads = Roads::open(&args.file, args.snap_max_m);
    let roads = roads.map_err(|error| Failure::Failed(format!("{}: {error}", args.file.display())))?;
    let way = roads.way(args.from, args.to).map_err(|error| Failure::Failed(error.to_string()))?;
    if args.geojson {
        println!("{}", to_geojson(&way));
    } else {
        print!("{}", to_text(&way));
    }
    Ok(Outcome::Done)
}

fn to_text(way: &Way) -> String {
    let row = |name: &str, time_ms: u32, length_m: f64| {
        let name = if name.is_empty() { "unnamed" } else { name };
        vec![table::printable(name), table::age(time_ms), table::distance(length_m)]
    };
    let mut rows: Vec<_> =
        way.steps.iter().map(|step| row(&step.name, step.time_ms, step.length_m)).collect();
    rows.push(row("in all", way.time_ms, way.length_m));
    table::render(&["STREET", " TIME", " LENGTH"], &rows)
}

/// RFC 7946: positions are longitude, latitude.
fn to_geojson(way: &Way) -> Value {
    let line: Vec<_> = way.line.iter().map(|at| [at.lon_deg(), at.lat_deg()]).collect();
    let steps: Vec<_> = way
        .steps
        .iter()
        .map(|step| json!({ "name": step.name, "time_ms": step.time_ms, "length_m": step.length_m }))
        .collect();
    json!({
        "type": "Feature",
        "geometry": { "type": "LineString", "coordinates": line },
        "properties": { "time_ms": way.time_ms, "length_m": way.length_m, "steps": steps },
    })
}

fn position(text: &str) -> Result<LatLng, String> {
    let (lat, lon) = text.split_once(',').ok_or("must be LAT,LON, for example 43.7333,7.4167")?;
    let number =
        |text: &str| text.trim().parse::<f64>().map_err(|error| format!("{text:?} is not a number: {error}"));
    LatLng::new(number(lat)?, number(lon)?).map_err(|error| error.to_string())
}

pub(super) fn metres(text: &str) -> Result<f64, String> {
    let metres: f64 = text.parse().map_err(|error| format!("{text:?} is not a number: {error}"))?;
    // A range holds no NaN.
    if (1.0..=10_000.0).contains(&metres) { Ok(metres) } else { Err("must be 1 to 10000".to_owned()) }
}
