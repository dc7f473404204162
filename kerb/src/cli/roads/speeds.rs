//! `kerb roads speeds`: shows and sets the street speeds of running nodes.

use std::path::PathBuf;
use std::sync::Arc;

use kerb::terminal::{escape, note, print, print_json};
use kerb_proto::v1::roads_admin_service_client::RoadsAdminServiceClient;
use kerb_proto::v1::street_speed::Direction;
use kerb_proto::v1::{
    DescribeRoadsRequest, NodeRoads, NodeSpeedsResult, SegmentEnds, SegmentNumber, SpeedFile, StreetSpeed,
};
use kerb_routing::speeds::{DirectionName, SpeedRow, read_rows};
use serde_json::{Value, json};

use super::super::args::CallArgs;
use super::super::client::failed;
use super::super::failure::{Failure, Outcome};
use super::super::table;
use super::days::open;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Send the speeds of a file to all nodes with travel times; they override the nodes' own files
    Set(SetArgs),
    /// Show the sources of each node's speeds
    Show(ShowArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct SetArgs {
    /// A speed file with a column `speed_kmh`, CSV or gzip
    file: PathBuf,
    /// Lifetime of the speeds, seconds [default: the nodes' setting `roads.speed_lifetime_ms`]
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u32).range(1..=4_000_000))]
    lifetime_s: Option<u32>,
    /// Only for the node that is called
    #[arg(long)]
    this_node_only: bool,
    /// The checksum of the road network that the file's numbers belong to, as `kerb roads info` prints it
    #[arg(long, value_name = "HEX", default_value = "", hide_default_value = true)]
    checksum: String,
    #[command(flatten)]
    call: CallArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// Only the node that is called
    #[arg(long)]
    this_node_only: bool,
    #[command(flatten)]
    call: CallArgs,
}

pub(crate) async fn run(command: Command) -> Result<Outcome, Failure> {
    match command {
        Command::Set(args) => set(args).await,
        Command::Show(args) => show(args).await,
    }
}

async fn set(args: SetArgs) -> Result<Outcome, Failure> {
    let read = read_rows(open(&args.file)?);
    let rows = read.map_err(|error| Failure::Failed(format!("{}: {error}", args.file.display())))?;
    let speeds = rows.iter().map(|row| street_speed(row, args.lifetime_s)).collect();
    let messages = kerb::speed_messages(Arc::new(speeds), args.this_node_only, args.checksum);
    let server = &args.call.server;
    let mut client = RoadsAdminServiceClient::new(server.connect().await?);
    let response = client.set_speeds(server.request(futures::stream::iter(messages))).await;
    let nodes = response.map_err(|status| failed(&status))?.into_inner().nodes;
    for (node, rejected) in nodes.iter().flat_map(|node| node.rejections.iter().map(move |row| (node, row))) {
        // A row number outside the file would be the server's mistake; line 0 then shows it.
        let row = usize::try_from(rejected.row).ok().and_then(|row| rows.get(row));
        let line = row.map_or(0, |row| row.line);
        let (id, text) = (escape(&node.node_id), escape(&rejected.description));
        note(format_args!(
            "{} line {line}: rejected by {id}: {}: {text}",
            args.file.display(),
            rejected.field
        ));
    }
    if args.call.json {
        print_json(json!({ "nodes": nodes.iter().map(taken_json).collect::<Vec<_>>() }))?;
    } else {
        let row = |node: &NodeSpeedsResult| {
            vec![node.node_id.clone(), node.taken.to_string(), node.refused.to_string(), node.error.clone()]
        };
        let rows: Vec<_> = nodes.iter().map(row).collect();
        print(table::render(&["NODE", " ACCEPTED", " REJECTED", "ERROR"], &rows))?;
    }
    let incomplete = nodes.iter().filter(|node| node.refused > 0 || !node.error.is_empty()).count();
    if incomplete == 0 {
        return Ok(Outcome::Done);
    }
    Err(Failure::Failed(format!("{incomplete} of {} nodes did not accept all speeds", nodes.len())))
}

fn street_speed(row: &SpeedRow, lifetime_s: Option<u32>) -> StreetSpeed {
    let direction = match row.direction {
        DirectionName::Number { segment, reverse } => Direction::Number(SegmentNumber { segment, reverse }),
        DirectionName::Ends { from, to, way } => {
            Direction::Ends(SegmentEnds { from: Some(from.into()), to: Some(to.into()), way })
        }
    };
    StreetSpeed {
        direction: Some(direction),
        speed_kmh: row.speed.kmh(),
        lifetime_ms: lifetime_s.map(|s| s.saturating_mul(1_000)),
    }
}

fn taken_json(node: &NodeSpeedsResult) -> Value {
    let rejected_row = |row: &kerb_proto::v1::RejectedSpeed| json!({ "row": row.row, "field": row.field, "description": row.description });
    json!({
        "node_id": node.node_id,
        "error": node.error,
        "taken": node.taken,
        "refused": node.refused,
        "rejections": node.rejections.iter().map(rejected_row).collect::<Vec<_>>(),
    })
}

async fn show(args: ShowArgs) -> Result<Outcome, Failure> {
    let server = &args.call.server;
    let mut client = RoadsAdminServiceClient::new(server.connect().await?);
    let request = DescribeRoadsRequest { this_node_only: args.this_node_only };
    let response = client.describe_roads(server.request(request)).await;
    let nodes = response.map_err(|status| failed(&status))?.into_inner().nodes;
    if args.call.json {
        print_json(json!({ "nodes": nodes.iter().map(node_json).collect::<Vec<_>>() }))?;
    } else {
        print(to_text(&nodes))?;
    }
    Ok(Outcome::Done)
}

fn to_text(nodes: &[NodeRoads]) -> String {
    let heads = [
        "NODE",
        " DIRECTIONS",
        " STREAMED",
        " FILE",
        " PROFILE",
        " GENERATION",
        " LAST TOOK",
        " ACCEPTED",
        " REJECTED",
        "ERRORS",
    ];
    let row = |node: &NodeRoads| {
        let took = format!("{:.1} ms", f64::from(node.apply_us) / 1_000.0);
        let files = [&node.file, &node.profile].into_iter().flatten();
        let errors =
            files.filter(|file| !file.error.is_empty()).map(|file| format!("{}: {}", file.path, file.error));
        let errors: Vec<_> =
            Some(node.error.clone()).filter(|e| !e.is_empty()).into_iter().chain(errors).collect();
        vec![
            node.node_id.clone(),
            node.directions.to_string(),
            node.streamed.to_string(),
            node.from_file.to_string(),
            node.from_profile.to_string(),
            node.generation.to_string(),
            if node.applied_ms == 0 { String::new() } else { took },
            node.rows_taken.to_string(),
            node.rows_refused.to_string(),
            errors.join("; "),
        ]
    };
    table::render(&heads, &nodes.iter().map(row).collect::<Vec<_>>())
}

fn node_json(node: &NodeRoads) -> Value {
    let file = |file: &SpeedFile| {
        json!({
            "path": file.path,
            "read_ms": file.read_ms,
            "error": file.error,
            "reads": file.reads,
            "failures": file.failures,
        })
    };
    json!({
        "node_id": node.node_id,
        "error": node.error,
        "network_checksum": node.network_checksum,
        "segments": node.segments,
        "directions": node.directions,
        "streamed": node.streamed,
        "from_file": node.from_file,
        "from_profile": node.from_profile,
        "generation": node.generation,
        "applied_ms": node.applied_ms,
        "apply_us": node.apply_us,
        "next_change_ms": node.next_change_ms,
        "hour_of_week": node.hour_of_week,
        "rows_taken": node.rows_taken,
        "rows_refused": node.rows_refused,
        "file": node.file.as_ref().map(file),
        "profile": node.profile.as_ref().map(file),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_has_not_applied_speeds_shows_no_time() {
        let file =
            SpeedFile { path: "now.csv".to_owned(), error: "line 2: no".to_owned(), ..SpeedFile::default() };
        let busy = NodeRoads {
            node_id: "gate".to_owned(),
            directions: 12,
            streamed: 3,
            from_file: 2,
            generation: 7,
            applied_ms: 1,
            apply_us: 1_250,
            rows_taken: 9,
            rows_refused: 1,
            file: Some(file),
            ..NodeRoads::default()
        };
        let idle = NodeRoads { node_id: "matcher".to_owned(), directions: 12, ..NodeRoads::default() };
        let text = to_text(&[busy, idle]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "NODE     DIRECTIONS  STREAMED  FILE  PROFILE  GENERATION  LAST TOOK  ACCEPTED  REJECTED  ERRORS",
                "gate             12         3     2        0           7     1.2 ms         9         1  now.csv: line 2: no",
                "matcher          12         0     0        0           0                    0         0",
            ]
        );
    }
}
