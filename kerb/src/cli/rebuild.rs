//! `kerb rebuild`: empties an index server, fills it again from the ingest nodes, and shows the progress.

use kerb::terminal::{print_json, print_line};
use kerb_proto::v1::admin_service_client::AdminServiceClient;
use kerb_proto::v1::{RebuildRequest, RebuildResponse};
use serde_json::json;
use tonic::Request;

use super::args::EndpointArgs;
use super::client::failed;
use super::failure::{Failure, Outcome};
use super::{progress, table};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The index server (see `kerb shards`)
    node: String,
    /// Only this shard; may be repeated
    #[arg(long, value_name = "N")]
    shard: Vec<u32>,
    /// Print the report as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: EndpointArgs,
}

pub(crate) async fn run(args: Args) -> Result<Outcome, Failure> {
    let mut client = AdminServiceClient::new(args.server.connect().await?);
    let message = RebuildRequest { node_id: args.node.clone(), shards: args.shard };
    // No deadline: a rebuild takes as long as the fleet is large, and each message shows its progress.
    let started = client.rebuild(Request::new(message)).await;
    let mut updates = started.map_err(|status| failed(&status))?.into_inner();
    let bar = progress::bar("{bar:40} {pos}/{len} shards, {msg}, {elapsed}");
    let mut last = RebuildResponse::default();
    while let Some(update) = updates.message().await.map_err(|status| failed(&status))? {
        bar.set_length(u64::from(update.shards_total));
        bar.set_position(u64::from(update.shards_covered));
        bar.set_message(format!("{} drivers", update.drivers));
        last = update;
    }
    bar.finish_and_clear();
    if !last.done {
        return Err(Failure::Failed(
            "the server ended the rebuild before it was done; see its log".to_owned(),
        ));
    }
    if args.json {
        print_json(to_json(&args.node, &last))?;
    } else {
        print_line(to_text(&args.node, &last))?;
    }
    Ok(Outcome::Done)
}

fn to_text(node: &str, last: &RebuildResponse) -> String {
    format!(
        "rebuilt {node}: {} shards, {} drivers, {} in {:.3} s from {}",
        last.shards_covered,
        last.drivers,
        table::bytes(last.bytes),
        last.elapsed_s,
        if last.sources.is_empty() { "no ingest node".to_owned() } else { last.sources.join(", ") },
    )
}

fn to_json(node: &str, last: &RebuildResponse) -> String {
    json!({
        "node_id": node,
        "shards": last.shards_covered,
        "drivers": last.drivers,
        "bytes": last.bytes,
        "elapsed_s": last.elapsed_s,
        "sources": last.sources,
    })
    .to_string()
}
