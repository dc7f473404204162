//! `kerb roads import`: makes a road network and reports what it excluded.

use std::fmt::Write;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use kerb::terminal::{print, print_json};
use kerb_routing::import::{
    ImportError, ImportStage, ImportedNetwork, Progress, Report, RestrictionCounts, import_csv, import_pbf,
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
    /// Print the report as one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    let output = args.output.clone().unwrap_or_else(|| default_output(&args.input));
    if output == args.input {
        return Err(Failure::Usage(format!("{} is both input and output", output.display())));
    }
    let ImportedNetwork { network, report } = match &args.edges {
        None => import_extract(&args.input)?,
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

fn import_extract(path: &Path) -> Result<ImportedNetwork, Failure> {
    let source = BufReader::new(open(path)?);
    let bar = progress::bar("{bar:40} {bytes}/{total_bytes}, {msg}, {elapsed}");
    let imported = import_pbf(source, &mut |progress: Progress| {
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
        (report.missing_nodes, "nodes that the input does not contain: streets end before them"),
        (report.closed_barriers, "barriers: streets end at them"),
        (turns.conditional, "turn restrictions at some hours: not kept"),
        (turns.unclear, "turn restrictions that are unclear: not kept"),
        (turns.other_vehicles, "turn restrictions for other vehicles"),
        (turns.without_effect, "turn restrictions without effect"),
        (turns.kept, "turn restrictions in the graph"),
        (turns.kept_over_ways, "of these restrictions via a way"),
    ];
    for (count, what) in lines.into_iter().filter(|(count, _)| *count > 0) {
        let _ = writeln!(text, "  {count} {what}");
    }
    if !report.restriction_values.is_empty() {
        text.push_str(&restrictions_to_text(report));
    }
    let dropped = report.dropped;
    let _ = writeln!(
        text,
        "dropped {} parts that are not connected both ways with the largest: {} nodes, {} segments, {}",
        dropped.components,
        dropped.nodes,
        dropped.segments,
        table::distance(dropped.length_m)
    );
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
        "without_effect": turns.without_effect,
        "conditional": turns.conditional,
        "other_vehicles": turns.other_vehicles,
        "unclear": turns.unclear,
    })
}

fn to_json(report: &Report) -> Value {
    let (excluded, dropped) = (report.excluded, report.dropped);
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
        },
        "missing_nodes": report.missing_nodes,
        "closed_barriers": report.closed_barriers,
        "turn_restrictions": restrictions_to_json(&report.restrictions),
        "turn_restrictions_by_value": values,
        "dropped": {
            "components": dropped.components,
            "nodes": dropped.nodes,
            "segments": dropped.segments,
            "length_m": dropped.length_m,
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
