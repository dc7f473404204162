//! Parses the text of a membership file. An error names the line and the key.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kerb_types::{MembershipView, Node, NodeId, Role, ShardMap, Sharding};
use serde::Deserialize;
use toml::Spanned;

/// Maximum replicas of a shard.
pub const REPLICAS_MAX: usize = 8;
const REPLICAS_DEFAULT: usize = 2;
/// Maximum nodes of a cluster: each node probes all others.
const NODES_MAX: usize = 1_000;

/// Where a membership file is invalid, and what would be valid.
#[expect(missing_docs, reason = "the path of the file needs no more words")]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {}{}{reason}", path.display(), line.map(|line| format!(":{line}")).unwrap_or_default(), key, if key.is_empty() { "" } else { ": " })]
pub struct FileError {
    pub path: PathBuf,
    /// Number of the line, from 1; `None` for the whole file.
    pub line: Option<usize>,
    /// Path of the key, for example `nodes[2].address`; empty for the whole file.
    pub key: String,
    /// The present value and what would be valid.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    replicas: Option<Spanned<usize>>,
    nodes: Spanned<Vec<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Spanned<String>,
    address: Spanned<String>,
    roles: Spanned<Vec<Role>>,
}

/// Parses the text of a membership file. `path` is only for error messages.
pub fn parse(path: &Path, text: &str, sharding: Sharding) -> Result<MembershipView, FileError> {
    let source = SourceText { path, text };
    let file: File = toml::from_str(text).map_err(|error| source.syntax_error(&error))?;
    let replicas = match &file.replicas {
        None => REPLICAS_DEFAULT,
        Some(value) if (1..=REPLICAS_MAX).contains(value.get_ref()) => *value.get_ref(),
        Some(value) => {
            let reason = format!("{}, must be 1 to {REPLICAS_MAX}", value.get_ref());
            return Err(source.value_error(value.span().start, "replicas", reason));
        }
    };
    let count = file.nodes.get_ref().len();
    if !(1..=NODES_MAX).contains(&count) {
        let reason = format!("{count} nodes, must be 1 to {NODES_MAX}");
        return Err(source.value_error(file.nodes.span().start, "nodes", reason));
    }
    let mut nodes: Vec<Node> = Vec::with_capacity(count);
    for (i, entry) in file.nodes.get_ref().iter().enumerate() {
        let node = source.node(i, entry)?;
        if nodes.iter().any(|other| other.id == node.id) {
            let reason = format!("{:?} is there twice, each node must have a name of its own", node.id);
            return Err(source.value_error(entry.id.span().start, &format!("nodes[{i}].id"), reason));
        }
        if nodes.iter().any(|other| other.address == node.address) {
            let reason = format!(
                "{:?} is there twice, each node must have an address of its own",
                entry.address.get_ref()
            );
            return Err(source.value_error(
                entry.address.span().start,
                &format!("nodes[{i}].address"),
                reason,
            ));
        }
        if let Some(other) = nodes.iter().find(|other| is_matcher(other)).filter(|_| is_matcher(&node)) {
            let reason = format!(
                "a second matcher in addition to {:?}, must be at most one: trips are in that node's data directory",
                other.id
            );
            return Err(source.value_error(entry.roles.span().start, &format!("nodes[{i}].roles"), reason));
        }
        nodes.push(node);
    }
    nodes.sort_by(|a, b| a.id.cmp(&b.id));
    let servers: Vec<NodeId> = nodes
        .iter()
        .filter(|node| node.roles.contains(&Role::IndexServer))
        .map(|node| node.id.clone())
        .collect();
    Ok(MembershipView { shard_map: Arc::new(ShardMap::place(sharding.shards(), replicas, &servers)), nodes })
}

fn is_matcher(node: &Node) -> bool {
    node.roles.contains(&Role::Matcher)
}

/// The text of the file, for the line numbers of errors.
#[derive(Clone, Copy)]
struct SourceText<'a> {
    path: &'a Path,
    text: &'a str,
}

impl SourceText<'_> {
    fn node(self, i: usize, entry: &Entry) -> Result<Node, FileError> {
        let id = NodeId::new(entry.id.get_ref()).map_err(|error| {
            self.value_error(entry.id.span().start, &format!("nodes[{i}].id"), error.description)
        })?;
        let address = entry.address.get_ref();
        if !is_host_and_port(address) {
            let reason = format!("{address:?}, must be host:port with a port of 1 to 65535");
            return Err(self.value_error(entry.address.span().start, &format!("nodes[{i}].address"), reason));
        }
        let mut roles = entry.roles.get_ref().clone();
        roles.sort_unstable();
        roles.dedup();
        if roles.is_empty() {
            let reason =
                "empty, must be one or more of location-ingest, index-server, aggregator, matcher".to_owned();
            return Err(self.value_error(entry.roles.span().start, &format!("nodes[{i}].roles"), reason));
        }
        Ok(Node { id, roles, address: Some(address.clone()), live: true })
    }

    fn value_error(self, offset: usize, key: &str, reason: String) -> FileError {
        FileError { path: self.path.to_owned(), line: Some(self.line(offset)), key: key.to_owned(), reason }
    }

    /// Converts an error of the TOML parser. Its message names unknown and missing keys.
    fn syntax_error(self, error: &toml::de::Error) -> FileError {
        FileError {
            path: self.path.to_owned(),
            line: error.span().map(|span| self.line(span.start)),
            key: error.span().map(|span| self.key_at(span.start)).unwrap_or_default(),
            reason: error.message().to_owned(),
        }
    }

    fn line(self, offset: usize) -> usize {
        1 + self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
    }

    /// Returns the key on the line of this offset; empty if there is none.
    fn key_at(self, offset: usize) -> String {
        let line = self.text.lines().nth(self.line(offset) - 1).unwrap_or("");
        line.split_once('=').map_or(String::new(), |(key, _)| key.trim().to_owned())
    }
}

/// Returns whether the address is `host:port`. The host is a name or an IP address; an IPv6 address is in brackets.
fn is_host_and_port(address: &str) -> bool {
    let Some((host, port)) = address.rsplit_once(':') else { return false };
    let bracketed = host.starts_with('[') && host.ends_with(']');
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let host_is_right = if bracketed {
        host[1..host.len() - 1].parse::<std::net::Ipv6Addr>().is_ok()
    } else {
        !host.is_empty() && host.bytes().all(legal)
    };
    host_is_right && port.parse::<u16>().is_ok_and(|port| port != 0)
}
