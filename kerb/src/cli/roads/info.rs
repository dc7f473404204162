//! `kerb roads info`: prints the contents of a road network.

use std::fmt::Write;
use std::path::PathBuf;

use kerb::terminal::{print, print_json};
use kerb_routing::{FORMAT_VERSION, Network, Summary};
use serde_json::{Value, json};

use super::super::failure::{Failure, Outcome};
use super::super::table;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The road network, as `kerb roads import` wrote it
    file: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    let failed = |error| Failure::Failed(format!("{}: {error}", args.file.display()));
    let network = Network::open(&args.file).map_err(failed)?;
    let summary = network.summary();
    if args.json {
        print_json(to_json(&network, &summary))?;
    } else {
        print(format_args!("{}: {}", args.file.display(), to_text(&network, &summary)))?;
    }
    Ok(Outcome::Done)
}

pub(super) fn to_text(network: &Network, summary: &Summary) -> String {
    let mut text = format!(
        "{} segments, {} of streets, {}\n",
        summary.segments,
        table::distance(summary.length_m),
        table::bytes(summary.bytes as u64)
    );
    let (south_west, north_east) = summary.bounds;
    let lines = [
        ("nodes", format!("{}, {} of them copies for turns", summary.nodes, summary.node_copies)),
        ("arcs", summary.arcs.to_string()),
        ("one-way segments", summary.one_way_segments.to_string()),
        ("turn restrictions", summary.turn_restrictions.to_string()),
        ("names", format!("{} on {} segments", summary.names, summary.named_segments)),
        ("curve points", summary.points.to_string()),
        ("fastest arc", format!("{:.0} km/h", summary.speed_max_m_s * 3.6)),
        // Counts are far below 2^53, so a double holds them exactly.
        ("bytes a segment", format!("{:.1}", summary.bytes as f64 / summary.segments as f64)),
        ("box", format!("{south_west} to {north_east}")),
        ("format", format!("version {FORMAT_VERSION}, checksum {:016x}", network.fingerprint())),
    ];
    for (name, value) in lines {
        let _ = writeln!(text, "  {name:18} {value}");
    }
    let row = |(class, count, length_m): &(kerb_routing::RoadClass, usize, f64)| {
        vec![class.name().to_owned(), count.to_string(), table::distance(*length_m)]
    };
    let rows: Vec<_> = summary.classes.iter().map(row).collect();
    text.push('\n');
    text.push_str(&table::render(&["CLASS", " SEGMENTS", " LENGTH"], &rows));
    text
}

pub(super) fn to_json(network: &Network, summary: &Summary) -> Value {
    let (south_west, north_east) = summary.bounds;
    let classes = summary.classes.iter().map(|(class, segments, length_m)| {
        (class.name().to_owned(), json!({ "segments": segments, "length_m": length_m }))
    });
    json!({
        "format_version": FORMAT_VERSION,
        "checksum": format!("{:016x}", network.fingerprint()),
        "bytes": summary.bytes,
        "nodes": summary.nodes,
        "node_copies": summary.node_copies,
        "segments": summary.segments,
        "one_way_segments": summary.one_way_segments,
        "named_segments": summary.named_segments,
        "names": summary.names,
        "arcs": summary.arcs,
        "points": summary.points,
        "turn_restrictions": summary.turn_restrictions,
        "length_m": summary.length_m,
        "speed_max_m_s": summary.speed_max_m_s,
        "bounds": {
            "south": south_west.lat_deg(),
            "west": south_west.lon_deg(),
            "north": north_east.lat_deg(),
            "east": north_east.lon_deg(),
        },
        "classes": classes.collect::<serde_json::Map<_, _>>(),
    })
}
