//! The nodes of the cluster, and the placement of shards on index servers.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{NodeId, ShardId};
use crate::sharding::weight;

/// A role of a process. One process may have several roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Holds the streams of drivers and owns the driver table.
    LocationIngest,
    /// Holds shards of the index.
    IndexServer,
    /// Merges the searches of many shards into one answer.
    Aggregator,
    /// Matches riders with drivers and keeps their trips.
    Matcher,
}

impl Role {
    /// Returns the name of the role in settings and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::LocationIngest => "location-ingest",
            Self::IndexServer => "index-server",
            Self::Aggregator => "aggregator",
            Self::Matcher => "matcher",
        }
    }
}

/// A process of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The name of the process.
    pub id: NodeId,
    /// The roles of the process.
    pub roles: Vec<Role>,
    /// `host:port` of its gRPC server; `None` for a node in this process.
    pub address: Option<String>,
    /// False once the failure detector has missed the node.
    pub live: bool,
}

/// The membership of the cluster at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembershipView {
    /// Every node, live or not, ordered by id.
    pub nodes: Vec<Node>,
    /// The placement of shards. It depends on the listed index servers, not on which are live.
    pub shard_map: Arc<ShardMap>,
}

impl MembershipView {
    /// Returns the nodes with a role.
    pub fn with_role(&self, role: Role) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(move |node| node.roles.contains(&role))
    }

    /// Returns the node with this id.
    pub fn node(&self, id: &NodeId) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id == *id)
    }
}

/// A server of a [`ShardMap`], by its position in [`ShardMap::servers`]. It is valid for that map only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerIndex(u16);

impl ServerIndex {
    /// The server at this position of [`ShardMap::servers`].
    pub fn new(position: usize) -> Self {
        Self(u16::try_from(position).expect("a cluster has at most 65,536 index servers"))
    }

    /// Returns the position in [`ShardMap::servers`].
    pub fn as_usize(self) -> usize {
        usize::from(self.0)
    }
}

/// Placement of shards on index servers by rendezvous hashing (Thaler and Ravishankar 1998): each shard goes to
/// the `replicas` servers with the highest weight for it, so losing a server moves only its own shards.
///
/// ```
/// use kerb_types::{NodeId, ShardId, ShardMap};
/// let servers: Vec<_> = ["a", "b", "c"].iter().map(|n| NodeId::new(n).unwrap()).collect();
/// let map = ShardMap::place(16, 2, &servers);
/// assert_eq!(map.replicas(ShardId(3)).count(), 2);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardMap {
    servers: Vec<NodeId>,
    replicas: usize,
    /// For each shard, `replicas` indices into `servers`, the preferred one first.
    holders: Vec<u16>,
}

impl ShardMap {
    /// Places `shards` shards. With fewer servers than `replicas`, every server holds every shard.
    pub fn place(shards: u16, replicas: usize, servers: &[NodeId]) -> Self {
        let mut servers = servers.to_vec();
        servers.sort();
        servers.dedup();
        let replicas = replicas.min(servers.len());
        let mut holders = Vec::with_capacity(usize::from(shards) * replicas);
        let mut ranked: Vec<u16> = Vec::new();
        for shard in 0..shards {
            ranked.clear();
            // A cluster has far fewer than 65,536 index servers, so the cast cannot lose.
            ranked.extend(0..servers.len() as u16);
            let key = |i: &u16| std::cmp::Reverse(weight(ShardId(shard), servers[usize::from(*i)].as_str()));
            ranked.sort_by_cached_key(key);
            holders.extend(&ranked[..replicas]);
        }
        Self { servers, replicas, holders }
    }

    /// Returns the servers that hold a shard, the preferred one first; none for a shard outside the map.
    pub fn replicas(&self, shard: ShardId) -> impl Iterator<Item = &NodeId> {
        self.holders(shard).iter().map(|i| &self.servers[usize::from(*i)])
    }

    /// Returns the same servers as [`ShardMap::replicas`], as indices into [`ShardMap::servers`].
    pub fn holders(&self, shard: ShardId) -> &[u16] {
        let start = usize::from(shard.0) * self.replicas;
        self.holders.get(start..start + self.replicas).unwrap_or(&[])
    }

    /// Returns the same servers as [`ShardMap::replicas`], by index.
    pub fn holder_indices(&self, shard: ShardId) -> impl Iterator<Item = ServerIndex> + Clone {
        self.holders(shard).iter().map(|&index| ServerIndex(index))
    }

    /// Returns the server at an index of this map.
    pub fn server(&self, index: ServerIndex) -> &NodeId {
        &self.servers[index.as_usize()]
    }

    /// Returns the shards that a server holds, in order.
    pub fn shards_of(&self, server: &NodeId) -> Vec<ShardId> {
        let Some(index) = self.servers.iter().position(|s| s == server) else { return Vec::new() };
        let held = |(_, holders): &(usize, &[u16])| holders.contains(&(index as u16));
        let chunks = self.holders.chunks(self.replicas.max(1)).enumerate();
        chunks.filter(held).map(|(shard, _)| ShardId(shard as u16)).collect()
    }

    /// Returns every index server, ordered by id.
    pub fn servers(&self) -> &[NodeId] {
        &self.servers
    }
}
