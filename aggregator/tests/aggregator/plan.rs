use kerb_aggregator::scatter::{ReplicaHealth, plan, replica_healths};
use kerb_types::{NodeId, ServerIndex, ShardId, ShardMap};
use proptest::prelude::*;

use crate::fakes::{Cluster, node};

fn servers(count: usize) -> Vec<NodeId> {
    (0..count).map(|i| node(&format!("s{i:02}"))).collect()
}

fn health() -> impl Strategy<Value = ReplicaHealth> {
    prop_oneof![4 => Just(ReplicaHealth::Healthy), 1 => Just(ReplicaHealth::Suspect), 1 => Just(ReplicaHealth::Dead)]
}

proptest! {
    /// Every shard is queried exactly once, at a replica that may be queried, with no healthier one passed over. A shard
    /// is unassigned only when no replica may be queried. Each server gets one query.
    #[test]
    fn keeps_its_contract(
        healths in prop::collection::vec(health(), 1..12),
        replicas in 1_usize..4,
        shards in prop::collection::btree_set(0_u16..64, 0..64),
        rotation in 0_usize..100,
        refused in prop::collection::vec(any::<u16>(), 64),
    ) {
        let map = ShardMap::place(64, replicas, &servers(healths.len()));
        let shards: Vec<_> = shards.into_iter().map(ShardId).collect();
        let may_query = |shard: ShardId, server: ServerIndex| {
            refused[usize::from(shard.0)] >> (server.as_usize() % 16) & 1 == 0
        };
        let plan = plan(&shards, &map, &healths, rotation, may_query);
        let mut planned = plan.unassigned.clone();
        let mut targets = Vec::new();
        for query in &plan.queries {
            prop_assert!(!query.shards.is_empty());
            targets.push(query.server);
            for &shard in &query.shards {
                planned.push(shard);
                prop_assert!(map.holder_indices(shard).any(|s| s == query.server) && may_query(shard, query.server));
                let better = |s: ServerIndex| may_query(shard, s)
                    && healths[s.as_usize()] < healths[query.server.as_usize()];
                prop_assert!(!map.holder_indices(shard).any(better));
            }
        }
        for &shard in &plan.unassigned {
            prop_assert!(!map.holder_indices(shard).any(|server| may_query(shard, server)));
        }
        planned.sort();
        prop_assert_eq!(planned, shards);
        targets.sort_unstable();
        prop_assert!(targets.is_sorted_by(|a, b| a < b), "one query a server");
    }
}

#[test]
fn one_server_that_holds_all_shards_is_queried_alone() {
    let map = ShardMap::place(64, 3, &servers(3));
    let shards: Vec<_> = (0..64).map(ShardId).collect();
    for rotation in 0..6 {
        assert_eq!(plan(&shards, &map, &[ReplicaHealth::Healthy; 3], rotation, |_, _| true).queries.len(), 1);
    }
}

#[test]
fn a_growing_rotation_spreads_the_load_over_equal_replicas() {
    let map = ShardMap::place(64, 3, &servers(3));
    let mut queried = [0; 3];
    for rotation in 0..300 {
        let plan = plan(&[ShardId(7)], &map, &[ReplicaHealth::Healthy; 3], rotation, |_, _| true);
        queried[plan.queries[0].server.as_usize()] += 1;
    }
    assert_eq!(queried, [100; 3]);
}

#[test]
fn dead_servers_are_queried_only_where_no_live_replica_exists() {
    let map = ShardMap::place(16, 1, &servers(2));
    let shards: Vec<_> = (0..16).map(ShardId).collect();
    let plan = plan(&shards, &map, &[ReplicaHealth::Healthy, ReplicaHealth::Dead], 0, |_, _| true);
    assert_eq!(plan.queries.len(), 2, "without replicas a dead server is still tried");
}

#[test]
fn health_follows_liveness_and_suspicion() {
    let cluster = Cluster::new(3, 2);
    cluster.set_live("index-1", false);
    let view = cluster.view.borrow().clone();
    let healths = replica_healths(&view, |server| server.as_str() == "index-2");
    assert_eq!(healths, [ReplicaHealth::Healthy, ReplicaHealth::Dead, ReplicaHealth::Suspect]);
}
