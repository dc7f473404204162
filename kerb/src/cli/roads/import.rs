//! `kerb roads import`: makes a road network and reports what it excluded.

use std::fmt::Write;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use kerb::terminal::{print, print_json};
use kerb_routing::import::{
    ImportError, ImportOptions, ImportStage, ImportedNetwork, Progress, Report, RestrictionCounts, UTurns,
    Vehicle, import_csv, import_pbf_with,
};
use serde_json::{Value, json};

use super::super::failure::{Failure, Outcome};
use super::super::{progress, table};
use super::info;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An OpenStreetMap extract (.osm.pbf), or a table of nodes (CSV or gzip)
    input: PathBuf,
    /// The table of edges, when the input is a table of nodes
    edges: Option<PathBuf>,
    /// The road network to write [default: next to the input]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The vehicle that must fit through the streets of an extract
    #[arg(long, value_enum, default_value = "car", conflicts_with = "edges")]
    vehicle: VehicleKind,
    /// Keep ferries and car trains of an extract as slow links
    #[arg(long, conflicts_with = "edges")]
    ferries: bool,
    /// Where cars may turn round
    #[arg(long, value_enum, default_value = "dead-ends", conflicts_with = "edges")]
    u_turns: UTurnKind,
    /// Print the report as one JSON object
    #[arg(long)]
    json: bool,
}

/// The sizes of vehicles.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum VehicleKind {
    /// 2.0 m high, 1.9 m wide, 4.9 m long, 2 t
    Car,
    /// 2.3 m high, 2.1 m wide, 5.9 m long, 3.5 t
    Van,
    /// 2.9 m high, 2.2 m wide, 7.4 m long, 5.5 t
    Minibus,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum UTurnKind {
    /// Where a street ends, and at turning circles
    DeadEnds,
    /// At every junction
    Everywhere,
}

impl Args {
    fn options(&self) -> ImportOptions {
        ImportOptions {
            vehicle: match self.vehicle {
                VehicleKind::Car => Vehicle::CAR,
                VehicleKind::Van => Vehicle::VAN,
                VehicleKind::Minibus => Vehicle::MINIBUS,
            },
            ferries: self.ferries,
            u_turns: match self.u_turns {
                UTurnKind::DeadEnds => UTurns::DeadEnds,
                UTurnKind::Everywhere => UTurns::Everywhere,
            },
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    let output = args.output.clone().unwrap_or_else(|| default_output(&args.input));
    if output == args.input {
        return Err(Failure::Usage(format!("{} is both input and output", output.display())));
    }
    let ImportedNetwork { network, report } = match &args.edges {
        None => import_extract(&args.input, &args.options())?,
        Some(edges) => import_tables(&args.input, edges)?,
    };
    network.save(&output).map_err(|error| Failure::Failed(format!("{}: {error}", output.display())))?;
    let summary = network.summary();
    if args.json {
        print_json(json!({ "report": to_json(&report), "network": info::to_json(&network, &summary) }))?;
    } else {
        print(format_args!(
            "{}\n{}: {}",
            to_text(&report),
            output.display(),
            info::to_text(&network, &summary)
        ))?;
    }
    Ok(Outcome::Done)
}

fn import_extract(path: &Path, options: &ImportOptions) -> Result<ImportedNetwork, Failure> {
    let source = BufReader::new(open(path)?);
    let bar = progress::bar("{bar:40} {bytes}/{total_bytes}, {msg}, {elapsed}");
    let imported = import_pbf_with(source, options, &mut |progress: Progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
        bar.set_message(match progress.stage {
            ImportStage::Ways => "reading ways",
            ImportStage::Nodes => "reading nodes",
            ImportStage::Graph => "making the graph and ordering it",
        });
    });
    bar.finish_and_clear();
    imported.map_err(|error| failed(path, &error))
}

fn import_tables(nodes: &Path, edges: &Path) -> Result<ImportedNetwork, Failure> {
    let imported = import_csv(open(nodes)?, open(edges)?);
    imported.map_err(|error| {
        let is_in_nodes = matches!(error, ImportError::Row { table: "nodes", .. });
        failed(if is_in_nodes { nodes } else { edges }, &error)
    })
}

fn open(path: &Path) -> Result<File, Failure> {
    File::open(path).map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))
}

fn failed(path: &Path, error: &ImportError) -> Failure {
    Failure::Failed(format!("{}: {error}", path.display()))
}

/// Returns the path of the network for an input: `berlin.osm.pbf` becomes `berlin.roads` in the same folder.
fn default_output(input: &Path) -> PathBuf {
    let name = input.file_name().unwrap_or_default().to_string_lossy();
    let stem = ["osm.pbf", "pbf", "csv.gz", "csv"].into_iter().find_map(|ending| {
        let stem = name.strip_suffix(ending)?;
        stem.strip_suffix('.')
    });
    input.with_file_name(format!("{}.roads", stem.unwrap_or(&name)))
}

/// Formats the report: counts of what was read, and of each kind that was excluded.
fn to_text(report: &Report) -> String {
    let mut text = format!(
        "read {} ways, {} nodes, {} relations; {} ways are streets\n",
        report.ways_read, report.nodes_read, report.relations_read, report.streets
    );
    let (excluded, turns) = (report.excluded, report.restrictions);
    let lines = [
        (excluded.no_access, "roads that cars may not use"),
        (excluded.ferries, "ferries"),
        (excluded.areas, "areas"),
        (excluded.reversible, "roads whose direction changes with the hour"),
        (excluded.empty, "streets from a node to itself"),
        (report.impassable, "roads under construction or destroyed"),
        (report.too_small, "roads that are too narrow, too low or too weak for the vehicle"),
        (report.refused_speeds, "speeds that no car drives: the default is used"),
        (report.ignored_conditions, "conditions of streets that depend on more than the hour: ignored"),
        (report.deleted, "deleted objects"),
        (report.replaced, "older versions of objects"),
        (report.broken_texts, "texts that are not UTF-8"),
        (report.nodes_off_globe, "nodes that are not on the globe"),
        (report.missing_nodes, "nodes that the input does not contain: streets end before them"),
        (report.closed_barriers, "barriers: streets end at them"),
        (report.gates, "gates: only trips to or from behind them pass"),
        (turns.conditional, "turn restrictions that depend on more than the hour: not kept"),
        (turns.at_red_lights, "turn restrictions at red lights: not kept"),
        (turns.unclear, "turn restrictions that are unclear: not kept"),
        (turns.other_vehicles, "turn restrictions for other vehicles"),
        (turns.without_effect, "turn restrictions without effect"),
        (turns.kept, "turn restrictions in the graph"),
        (turns.kept_over_ways, "of these restrictions via a way"),
        (turns.kept_at_hours, "of these restrictions at some hours"),
    ];
    for (count, what) in lines.into_iter().filter(|(count, _)| *count > 0) {
        let _ = writeln!(text, "  {count} {what}");
    }
    if !report.restriction_values.is_empty() {
        text.push_str(&restrictions_to_text(report));
    }
    let islands = report.islands;
    if islands.components > 0 {
        let _ = writeln!(
            text,
            "kept {} islands that no road connects with the largest part: {} junctions, {} segments, {}",
            islands.components,
            islands.nodes,
            islands.segments,
            table::distance(islands.length_m)
        );
    }
    text
}

/// Formats one row for each value of turn restriction.
fn restrictions_to_text(report: &Report) -> String {
    let row = |(value, counts): (&&str, &RestrictionCounts)| {
        let RestrictionCounts { kept, without_effect, conditional, other_vehicles, unclear, .. } = *counts;
        let counts = [kept, without_effect, conditional, other_vehicles, unclear];
        std::iter::once((*value).to_owned()).chain(counts.map(|count| count.to_string())).collect()
    };
    let rows: Vec<Vec<String>> = report.restriction_values.iter().map(row).collect();
    let head = ["TURN", " KEPT", " NO EFFECT", " SOME HOURS", " OTHERS", " UNCLEAR"];
    table::render(&head, &rows)
}

fn restrictions_to_json(turns: &RestrictionCounts) -> Value {
    json!({
        "kept": turns.kept,
        "kept_over_ways": turns.kept_over_ways,
        "kept_at_hours": turns.kept_at_hours,
        "at_red_lights": turns.at_red_lights,
        "without_effect": turns.without_effect,
        "conditional": turns.conditional,
        "other_vehicles": turns.other_vehicles,
        "unclear": turns.unclear,
    })
}

fn to_json(report: &Report) -> Value {
    let (excluded, islands) = (report.excluded, report.islands);
    let values = report.restriction_values.iter();
    let values: serde_json::Map<_, _> =
        values.map(|(value, counts)| ((*value).to_owned(), restrictions_to_json(counts))).collect();
    json!({
        "nodes_read": report.nodes_read,
        "ways_read": report.ways_read,
        "relations_read": report.relations_read,
        "streets": report.streets,
        "left_out": {
            "no_access": excluded.no_access,
            "ferries": excluded.ferries,
            "areas": excluded.areas,
            "reversible": excluded.reversible,
            "empty": excluded.empty,
            "impassable": report.impassable,
            "too_small": report.too_small,
        },
        "refused_speeds": report.refused_speeds,
        "ignored_conditions": report.ignored_conditions,
        "deleted": report.deleted,
        "replaced": report.replaced,
        "broken_texts": report.broken_texts,
        "nodes_off_globe": report.nodes_off_globe,
        "missing_nodes": report.missing_nodes,
        "closed_barriers": report.closed_barriers,
        "gates": report.gates,
        "turn_restrictions": restrictions_to_json(&report.restrictions),
        "turn_restrictions_by_value": values,
        "islands": {
            "components": islands.components,
            "nodes": islands.nodes,
            "segments": islands.segments,
            "length_m": islands.length_m,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_output_is_next_to_the_input() {
        for (input, output) in [
            ("maps/berlin.osm.pbf", "maps/berlin.roads"),
            ("sf_nodes.csv.gz", "sf_nodes.roads"),
            ("streets", "streets.roads"),
            ("pbf", "pbf.roads"),
        ] {
            assert_eq!(default_output(Path::new(input)), Path::new(output));
        }
    }
}
