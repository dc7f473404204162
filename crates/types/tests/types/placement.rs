//! Shards on servers: every shard has its replicas, load is even, and few shards move.

use kerb_types::{NodeId, ShardId, ShardMap};
use proptest::prelude::*;

fn servers(n: usize) -> Vec<NodeId> {
    (0..n).map(|i| NodeId::new(&format!("index-{i}")).unwrap()).collect()
}

fn holders(map: &ShardMap, shard: ShardId) -> Vec<NodeId> {
    map.replicas(shard).cloned().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_shard_has_distinct_replicas_and_both_directions_agree(
        n in 0_usize..12, replicas in 1_usize..4, shards in 1_u16..200,
    ) {
        let servers = servers(n);
        let map = ShardMap::place(shards, replicas, &servers);
        for shard in (0..shards).map(ShardId) {
            let mut held = holders(&map, shard);
            prop_assert_eq!(held.len(), replicas.min(n));
            for server in &servers {
                prop_assert_eq!(held.contains(server), map.shards_of(server).contains(&shard));
            }
            held.sort();
            held.dedup();
            prop_assert_eq!(held.len(), replicas.min(n));
        }
    }

    #[test]
    fn a_lost_server_moves_only_its_own_shards(n in 2_usize..12, lost in 0_usize..12) {
        let before_servers = servers(n);
        let lost = before_servers[lost % n].clone();
        let after_servers: Vec<_> = before_servers.iter().filter(|s| **s != lost).cloned().collect();
        let (before, after) = (ShardMap::place(256, 2, &before_servers), ShardMap::place(256, 2, &after_servers));
        for shard in (0..256).map(ShardId) {
            let kept: Vec<_> = holders(&before, shard).into_iter().filter(|s| *s != lost).collect();
            let now = holders(&after, shard);
            prop_assert!(kept.iter().all(|s| now.contains(s)), "{shard}: {kept:?} then {now:?}");
        }
    }
}

#[test]
fn the_order_of_the_list_does_not_matter() {
    let mut list = servers(7);
    let map = ShardMap::place(128, 2, &list);
    list.reverse();
    list.push(list[0].clone());
    assert_eq!(ShardMap::place(128, 2, &list), map);
}

#[test]
fn sixteen_servers_share_1024_shards_evenly() {
    let servers = servers(16);
    let map = ShardMap::place(1024, 2, &servers);
    for server in &servers {
        // 128 expected; the standard deviation of a fair draw is about 11.
        let held = map.shards_of(server).len();
        assert!((80..=176).contains(&held), "{server} holds {held}");
    }
}

#[test]
fn a_shard_outside_the_map_has_no_holder() {
    let map = ShardMap::place(4, 2, &servers(3));
    assert_eq!(map.replicas(ShardId(4)).count(), 0);
    assert!(map.shards_of(&NodeId::new("stranger").unwrap()).is_empty());
}
