//! `kerb shards`: prints the nodes and the fullest shards.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

use kerb::terminal::{print, print_json, stream};
use kerb_proto::v1::admin_service_client::AdminServiceClient;
use kerb_proto::v1::{ListShardsRequest, ListShardsResponse, NodeInfo, ShardInfo};
use serde_json::{Value, json};

use super::args::EndpointArgs;
use super::client::failed;
use super::failure::{Failure, Outcome};
use super::table;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Refresh until ctrl-c
    #[arg(long)]
    watch: bool,
    /// With --watch: the interval between two refreshes
    #[arg(long, value_name = "S", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    every_s: u64,
    /// The number of shards to list, the fullest first
    #[arg(long, value_name = "N", default_value_t = 10)]
    top: usize,
    /// Print JSON, one object a refresh, with all shards
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: EndpointArgs,
}

pub(crate) async fn run(args: Args) -> Result<Outcome, Failure> {
    let mut client = AdminServiceClient::new(args.server.connect().await?);
    let mut ticks = tokio::time::interval(Duration::from_secs(args.every_s));
    loop {
        ticks.tick().await;
        let response = client.list_shards(args.server.request(ListShardsRequest {})).await;
        let response = response.map_err(|status| failed(&status))?.into_inner();
        if args.watch && !args.json && std::io::stdout().is_terminal() {
            // The cursor goes home before the screen is cleared below it, which flickers less than clearing first.
            stream(|out| write!(out, "\x1b[H\x1b[J"))?;
        }
        if args.json {
            print_json(to_json(&response))?;
        } else {
            print(to_text(&response, args.top))?;
        }
        if !args.watch {
            return Ok(Outcome::Done);
        }
    }
}

fn to_text(answer: &ListShardsResponse, top: usize) -> String {
    format!("{}\n{}", nodes(answer), fullest(&answer.shards, top))
}

fn nodes(answer: &ListShardsResponse) -> String {
    let row = |node: &NodeInfo| {
        let shards: Vec<_> = answer.shards.iter().filter(|shard| shard.node_id == node.node_id).collect();
        let index = node.roles.iter().any(|role| role == "index-server");
        let count = |value: String| if index { value } else { String::new() };
        let covered = shards.iter().filter(|shard| shard.covered).count();
        vec![
            node.node_id.clone(),
            node.roles.join(", "),
            if node.address.is_empty() { "this process".to_owned() } else { node.address.clone() },
            if node.live { "live" } else { "no answer" }.to_owned(),
            count(shards.len().to_string()),
            count(covered.to_string()),
            count(shards.iter().map(|shard| shard.drivers).sum::<u64>().to_string()),
            count(table::bytes(shards.iter().map(|shard| shard.bytes).sum())),
        ]
    };
    let rows: Vec<_> = answer.nodes.iter().map(row).collect();
    table::render(&["NODE", "ROLES", "ADDRESS", "STATE", " SHARDS", " COVERED", " DRIVERS", " MEMORY"], &rows)
}

fn fullest(shards: &[ShardInfo], top: usize) -> String {
    let mut by_shard: BTreeMap<u32, Vec<&ShardInfo>> = BTreeMap::new();
    for shard in shards.iter().filter(|shard| shard.drivers > 0) {
        by_shard.entry(shard.shard).or_default().push(shard);
    }
    let drivers = |replicas: &[&ShardInfo]| replicas.iter().map(|shard| shard.drivers).max().unwrap_or(0);
    let mut order: Vec<_> = by_shard.into_iter().collect();
    order.sort_by_key(|(shard, replicas)| (std::cmp::Reverse(drivers(replicas)), *shard));
    if order.is_empty() {
        return "no drivers\n".to_owned();
    }
    let row = |(shard, replicas): &(u32, Vec<&ShardInfo>)| {
        let state = |r: &&ShardInfo| format!("{}{}", r.node_id, if r.covered { "" } else { " (filling)" });
        vec![
            shard.to_string(),
            drivers(replicas).to_string(),
            table::bytes(replicas.iter().map(|r| r.bytes).max().unwrap_or(0)),
            replicas.iter().map(state).collect::<Vec<_>>().join(", "),
        ]
    };
    let rows: Vec<_> = order.iter().take(top).map(row).collect();
    table::render(&["SHARD", " DRIVERS", " MEMORY", "ON"], &rows)
}

fn to_json(answer: &ListShardsResponse) -> Value {
    let node = |node: &NodeInfo| json!({"node_id": node.node_id, "roles": node.roles, "address": node.address, "live": node.live});
    let shard = |s: &ShardInfo| json!({"shard": s.shard, "node_id": s.node_id, "drivers": s.drivers, "bytes": s.bytes, "covered": s.covered});
    json!({
        "nodes": answer.nodes.iter().map(node).collect::<Vec<_>>(),
        "shards": answer.shards.iter().map(shard).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fullest_shards_come_first_and_a_filling_replica_is_marked() {
        let shard = |shard, node: &str, drivers, covered| ShardInfo {
            shard,
            node_id: node.into(),
            drivers,
            bytes: 64 * drivers,
            covered,
        };
        let shards =
            [shard(3, "a", 5, true), shard(7, "a", 9, true), shard(7, "b", 2, false), shard(8, "a", 0, true)];
        let text = fullest(&shards, 10);
        assert_eq!(
            text,
            "SHARD  DRIVERS  MEMORY  ON\n7            9   576 B  a, b (filling)\n3            5   320 B  a\n"
        );
        assert_eq!(fullest(&[], 10), "no drivers\n");
    }
}
