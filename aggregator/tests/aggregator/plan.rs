use kerb_aggregator::plan::{Standing, plan, standings};
use kerb_types::{NodeId, ShardId, ShardMap};
use proptest::prelude::*;

use crate::fakes::{Cluster, node};

fn servers(count: usize) -> Vec<NodeId> {
    (0..count).map(|i| node(&format!("s{i:02}"))).collect()
}

fn standing() -> impl Strategy<Value = Standing> {
    prop_oneof![4 => Just(Standing::Well), 1 => Just(Standing::Suspect), 1 => Just(Standing::Dead)]
}

proptest! {
    /// Every shard is asked exactly once, of a holder that may be asked, with no better one passed over; a shard
    /// stays out only when nobody may be asked; one ask a server.
    #[test]
    fn keeps_its_contract(
        standings in prop::collection::vec(standing(), 1..12),
        replicas in 1_usize..4,
        shards in prop::collection::btree_set(0_u16..64, 0..64),
        turn in 0_usize..100,
        refused in prop::collection::vec(any::<u16>(), 64),
    ) {
        let map = ShardMap::place(64, replicas, &servers(standings.len()));
        let shards: Vec<_> = shards.into_iter().map(ShardId).collect();
        let may_ask = |shard: ShardId, server: u16| refused[usize::from(shard.0)] >> (server % 16) & 1 == 0;
        let plan = plan(&shards, &map, &standings, turn, may_ask);
        let mut planned = plan.unplaced.clone();
        let mut addressees = Vec::new();
        for ask in &plan.asks {
            prop_assert!(!ask.shards.is_empty());
            addressees.push(ask.server);
            for &shard in &ask.shards {
                planned.push(shard);
                prop_assert!(map.holders(shard).contains(&ask.server) && may_ask(shard, ask.server));
                let better = |s: &u16| may_ask(shard, *s)
                    && standings[usize::from(*s)] < standings[usize::from(ask.server)];
                prop_assert!(!map.holders(shard).iter().any(better));
            }
        }
        for &shard in &plan.unplaced {
            prop_assert!(!map.holders(shard).iter().any(|&server| may_ask(shard, server)));
        }
        planned.sort();
        prop_assert_eq!(planned, shards);
        addressees.sort_unstable();
        prop_assert!(addressees.is_sorted_by(|a, b| a < b), "one ask a server");
    }
}

#[test]
fn one_server_that_holds_all_is_asked_alone() {
    let map = ShardMap::place(64, 3, &servers(3));
    let shards: Vec<_> = (0..64).map(ShardId).collect();
    for turn in 0..6 {
        assert_eq!(plan(&shards, &map, &[Standing::Well; 3], turn, |_, _| true).asks.len(), 1);
    }
}

#[test]
fn turns_spread_the_load_over_equal_replicas() {
    let map = ShardMap::place(64, 3, &servers(3));
    let mut asked = [0; 3];
    for turn in 0..300 {
        let plan = plan(&[ShardId(7)], &map, &[Standing::Well; 3], turn, |_, _| true);
        asked[usize::from(plan.asks[0].server)] += 1;
    }
    assert_eq!(asked, [100; 3]);
}

#[test]
fn the_dead_are_asked_only_where_nobody_else_is() {
    let map = ShardMap::place(16, 1, &servers(2));
    let shards: Vec<_> = (0..16).map(ShardId).collect();
    let plan = plan(&shards, &map, &[Standing::Well, Standing::Dead], 0, |_, _| true);
    assert_eq!(plan.asks.len(), 2, "without replicas a dead server is still tried");
}

#[test]
fn standing_follows_liveness_and_suspicion() {
    let cluster = Cluster::new(3, 2);
    cluster.set_live("index-1", false);
    let view = cluster.view.borrow().clone();
    let standings = standings(&view, |server| server.as_str() == "index-2");
    assert_eq!(standings, [Standing::Well, Standing::Dead, Standing::Suspect]);
}
