//! The static membership file of a cluster.

use std::path::Path;

use kerb_cluster::static_file::parse;
use kerb_types::Sharding;

/// Parses the text of a membership file.
pub fn target(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    match parse(Path::new("cluster.toml"), text, Sharding::default()) {
        Ok(view) => {
            assert!(!view.nodes.is_empty(), "a view has nodes");
            true
        }
        Err(error) => {
            let lines = text.lines().count().max(1);
            assert!(error.line.is_none_or(|line| (1..=lines + 1).contains(&line)), "{error}");
            false
        }
    }
}

/// One node with all roles, and three nodes.
pub fn seeds() -> Vec<Vec<u8>> {
    let one = "[[nodes]]\nid = \"a\"\naddress = \"127.0.0.1:7000\"\nroles = [\"location-ingest\", \"index-server\", \"aggregator\", \"matcher\"]\n";
    let three = "replicas = 2\nnodes = [\n  { id = \"ingest-1\", address = \"10.0.0.1:7000\", roles = [\"location-ingest\"] },\n  { id = \"index-1\", address = \"index-1.local:7000\", roles = [\"index-server\"] },\n  { id = \"front\", address = \"[::1]:7000\", roles = [\"aggregator\", \"matcher\"] },\n]\n";
    vec![one.into(), three.into()]
}
