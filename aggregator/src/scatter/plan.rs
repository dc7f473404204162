//! Chooses the replica that each shard is queried at. Pure: it reads the shard map and the health of the replicas.

use kerb_types::{MembershipView, NodeId, ServerIndex, ShardId, ShardMap};

/// The health of a replica as the recent searches of this aggregator saw it, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReplicaHealth {
    /// It is live and answers.
    Healthy,
    /// It is live, but did not answer the last queries.
    Suspect,
    /// It is not live. It is queried only when no other server holds the shard, because it may just have restarted.
    Dead,
}

/// One query of a plan: a server, and the shards that it is queried for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedQuery {
    /// The server that gets the query.
    pub server: ServerIndex,
    /// The shards that the query covers; at least one.
    pub shards: Vec<ShardId>,
}

/// The queries that cover a set of shards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Each assigned shard is in exactly one query; each server gets at most one query.
    pub queries: Vec<PlannedQuery>,
    /// Shards without a replica that may be queried.
    pub unassigned: Vec<ShardId>,
}

/// Rerotations the health of each server of the shard map, in its order.
pub fn replica_healths(view: &MembershipView, suspect: impl Fn(&NodeId) -> bool) -> Vec<ReplicaHealth> {
    let health = |server: &NodeId| {
        if !view.node(server).is_some_and(|node| node.live) {
            ReplicaHealth::Dead
        } else if suspect(server) {
            ReplicaHealth::Suspect
        } else {
            ReplicaHealth::Healthy
        }
    };
    view.shard_map.servers().iter().map(health).collect()
}

/// Assigns each of `shards` to one of its replicas: one with the best health among those that `may_query` allows.
///
/// The plan uses few servers: greedily, the server that can take the most unassigned shards comes first. Among equally
/// good servers `rotation` decides, so that a caller that counts it up spreads the load.
pub fn plan(
    shards: &[ShardId],
    map: &ShardMap,
    healths: &[ReplicaHealth],
    rotation: usize,
    may_query: impl Fn(ShardId, ServerIndex) -> bool,
) -> Plan {
    assert_eq!(healths.len(), map.servers().len(), "one health a server");
    let mut plan = Plan::default();
    let mut unassigned = Vec::with_capacity(shards.len());
    for &shard in shards {
        let candidates = best_holders(shard, map, healths, &may_query);
        if candidates.clone().next().is_some() {
            unassigned.push(shard);
        } else {
            plan.unassigned.push(shard);
        }
    }
    let mut votes = vec![0_usize; healths.len()];
    while !unassigned.is_empty() {
        votes.fill(0);
        for &shard in &unassigned {
            best_holders(shard, map, healths, &may_query).for_each(|server| votes[server.as_usize()] += 1);
        }
        let server = most_votes(&votes, rotation);
        let takes = |shard: &mut ShardId| best_holders(*shard, map, healths, &may_query).any(|s| s == server);
        let taken: Vec<_> = unassigned.extract_if(.., takes).collect();
        assert!(!taken.is_empty(), "the chosen server has a vote of an unassigned shard");
        plan.queries.push(PlannedQuery { server, shards: taken });
    }
    plan
}

/// Returns the replicas of a shard that may be queried and have the best health among these.
fn best_holders<'a>(
    shard: ShardId,
    map: &'a ShardMap,
    healths: &'a [ReplicaHealth],
    may_query: &'a impl Fn(ShardId, ServerIndex) -> bool,
) -> impl Iterator<Item = ServerIndex> + Clone + 'a {
    let allowed = map.holder_indices(shard).filter(move |&server| may_query(shard, server));
    let best = allowed.clone().map(|server| healths[server.as_usize()]).min();
    allowed.filter(move |&server| Some(healths[server.as_usize()]) == best)
}

/// Returns the server with the most votes; among equals the first one from `rotation` on, around the list.
fn most_votes(votes: &[usize], rotation: usize) -> ServerIndex {
    let first = rotation % votes.len();
    let around = (first..votes.len()).chain(0..first);
    // `max_by_key` keeps the last of equals, so the reversed walk keeps the first.
    let chosen = around.rev().max_by_key(|&server| votes[server]);
    ServerIndex::new(chosen.expect("a shard is unassigned, so there are servers"))
}
