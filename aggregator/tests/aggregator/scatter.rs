use std::time::Duration;

use kerb_aggregator::{Aggregator, Options, SearchResult};
use kerb_ports::ShardResult;
use kerb_types::ShardId;
use tokio::time::Instant;

use crate::fakes::{Cluster, SHARDS, Script, names, nearest, neighbor};

const MS: Duration = Duration::from_millis(1);
const DEADLINE: Duration = Duration::from_millis(200);

/// An answer and how long it took.
async fn find(aggregator: &Aggregator, k: u32) -> (SearchResult, Duration) {
    let started = Instant::now();
    let found = aggregator.find(nearest(k), started + DEADLINE).await.unwrap();
    ((*found).clone(), started.elapsed())
}

fn assert_whole(found: &SearchResult, k: usize) {
    let expected: Vec<_> = (0..k).map(|i| format!("d{i:02}")).collect();
    assert_eq!(names(&found.neighbors), expected);
    assert!(found.coverage.is_complete(), "{:?}", found.coverage);
    assert_eq!((found.coverage.searched, found.coverage.answered()), (u32::from(SHARDS), u32::from(SHARDS)));
}

#[tokio::test(start_paused = true)]
async fn answers_from_several_servers_are_merged() {
    let cluster = Cluster::new(4, 2);
    cluster.put_line();
    let (found, took) = find(&cluster.aggregator(Options::default()), 10).await;
    assert_whole(&found, 10);
    assert_eq!(took, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_slow_server_is_hedged_and_the_first_answer_wins() {
    let cluster = Cluster::new(2, 2);
    cluster.put_line();
    let aggregator = cluster.aggregator(Options::default());
    cluster.servers[0].set(Script::After(150 * MS));
    // Both hold everything: of two searches one begins at the slow server.
    let (first, took_first) = find(&aggregator, 10).await;
    let (second, took_second) = find(&aggregator, 10).await;
    assert_whole(&first, 10);
    assert_whole(&second, 10);
    let slowest = took_first.max(took_second);
    assert!(slowest >= 30 * MS && slowest <= 32 * MS, "hedged after the initial estimate: {slowest:?}");
    let metrics = aggregator.metrics();
    assert_eq!((metrics.hedges, metrics.hedges_won, metrics.abandoned), (1, 1, 1));
    assert_eq!(metrics.queries, 3);
}

#[tokio::test(start_paused = true)]
async fn the_hedge_follows_what_is_usual_for_the_server() {
    let cluster = Cluster::new(2, 2);
    cluster.put_line();
    let aggregator = cluster.aggregator(Options::default());
    cluster.servers.iter().for_each(|server| server.set(Script::After(10 * MS)));
    for _ in 0..400 {
        find(&aggregator, 1).await;
    }
    let before = aggregator.metrics();
    cluster.servers[0].set(Script::Silent);
    let (_, one) = find(&aggregator, 1).await;
    let (_, other) = find(&aggregator, 1).await;
    assert_eq!(aggregator.metrics().hedges - before.hedges, 1);
    let slowest = one.max(other);
    assert!(slowest >= 18 * MS && slowest <= 25 * MS, "about 10 ms, then 10 ms of the replica: {slowest:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failing_server_is_replaced_at_once() {
    let cluster = Cluster::new(3, 2);
    cluster.put_line();
    let aggregator = cluster.aggregator(Options::default());
    cluster.servers[1].set(Script::Fails);
    for _ in 0..10 {
        let (found, took) = find(&aggregator, 16).await;
        assert_whole(&found, 16);
        assert_eq!(took, Duration::ZERO);
    }
    let metrics = aggregator.metrics();
    assert!(metrics.failovers > 0 && metrics.errors > 0 && metrics.partial == 0, "{metrics:?}");
    // Three failures in a row, and it is asked last for a second.
    assert!(metrics.errors <= 3, "{metrics:?}");
}

#[tokio::test(start_paused = true)]
async fn uncovered_shards_are_queried_at_a_replica() {
    let cluster = Cluster::new(2, 2);
    cluster.put_line();
    let aggregator = cluster.aggregator(Options::default());
    cluster.servers[0].set(Script::Uncovered(vec![ShardId(3), ShardId(4)]));
    for _ in 0..2 {
        let (found, took) = find(&aggregator, 16).await;
        assert_whole(&found, 16);
        assert_eq!(took, Duration::ZERO);
    }
    let queries = cluster.servers[1].queries.lock().unwrap().clone();
    assert!(queries.iter().any(|query| query.shards == [ShardId(3), ShardId(4)]));
}

#[tokio::test(start_paused = true)]
async fn without_a_replica_the_answer_comes_in_time_and_names_what_is_missing() {
    let cluster = Cluster::new(3, 1);
    cluster.put_line();
    let aggregator = cluster.aggregator(Options::default());
    let dead = cluster.shards_of(1);
    assert!(!dead.is_empty());

    cluster.servers[1].set(Script::Fails);
    let (found, took) = find(&aggregator, 16).await;
    assert_eq!((&found.coverage.missing, took), (&dead, Duration::ZERO));
    let drivers = usize::from(SHARDS) - dead.len();
    assert_eq!(found.neighbors.len(), drivers);

    cluster.servers[1].set(Script::Silent);
    let (found, took) = find(&aggregator, 16).await;
    assert_eq!((&found.coverage.missing, took), (&dead, DEADLINE), "neither before nor after the deadline");
    assert_eq!(found.neighbors.len(), drivers);
    assert_eq!(aggregator.metrics().partial, 2);
}

#[tokio::test(start_paused = true)]
async fn a_dead_server_without_a_replica_does_not_hold_the_answer_up() {
    let cluster = Cluster::new(3, 1);
    cluster.put_line();
    let aggregator = cluster.aggregator(Options::default());
    cluster.set_live("index-1", false);
    let (found, _) = find(&aggregator, 16).await;
    assert_whole(&found, 16);

    cluster.servers[1].set(Script::Silent);
    let (found, took) = find(&aggregator, 16).await;
    assert_eq!((found.coverage.missing, took), (cluster.shards_of(1), 30 * MS));
}

#[tokio::test(start_paused = true)]
async fn gaps_are_filled_also_when_other_shards_are_missing() {
    let cluster = Cluster::new(8, 1);
    let map = cluster.view.borrow().shard_map.clone();
    let holder = |shard: u16| map.holders(ShardId(shard))[0];
    let other = (1..SHARDS).find(|s| holder(*s) != holder(0)).unwrap();
    let third = (1..SHARDS).find(|s| holder(*s) != holder(0) && holder(*s) != holder(other)).unwrap();
    cluster.put(0, &neighbor("moving", 1, 1));
    cluster.put(0, &neighbor("a", 2, 1));
    cluster.put(other, &neighbor("moving", 20, 2));
    let failing = usize::from(holder(third));
    cluster.servers[failing].set(Script::Fails);
    let (found, _) = find(&cluster.aggregator(Options::default()), 1).await;
    assert_eq!(names(&found.neighbors), ["a"]);
    assert_eq!(found.coverage.missing, cluster.shards_of(failing));
}

#[tokio::test(start_paused = true)]
async fn an_uncovered_shard_without_a_replica_is_missing() {
    let cluster = Cluster::new(1, 1);
    cluster.put_line();
    cluster.servers[0].set(Script::Uncovered(vec![ShardId(5)]));
    let (found, took) = find(&cluster.aggregator(Options::default()), 16).await;
    assert_eq!((found.coverage.missing, took), (vec![ShardId(5)], Duration::ZERO));
    assert_eq!(found.neighbors.len(), usize::from(SHARDS) - 1);
}

#[tokio::test(start_paused = true)]
async fn a_dead_server_with_a_replica_is_not_queried() {
    let cluster = Cluster::new(2, 2);
    cluster.put_line();
    cluster.set_live("index-0", false);
    cluster.servers[0].set(Script::Silent);
    let aggregator = cluster.aggregator(Options::default());
    for _ in 0..20 {
        let (found, took) = find(&aggregator, 16).await;
        assert_whole(&found, 16);
        assert_eq!(took, Duration::ZERO);
    }
    assert_eq!(cluster.servers[0].queries_received(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stalled_server_is_avoided_after_three_losses_and_tried_again_later() {
    let cluster = Cluster::new(2, 2);
    cluster.put_line();
    let aggregator = cluster.aggregator(Options::default());
    cluster.servers[0].set(Script::Silent);
    for _ in 0..20 {
        let (found, took) = find(&aggregator, 4).await;
        assert_whole(&found, 4);
        assert!(took < DEADLINE);
    }
    assert_eq!(cluster.servers[0].queries_received(), 3);
    cluster.servers[0].set(Script::Immediate);
    tokio::time::advance(Duration::from_secs(2)).await;
    for _ in 0..20 {
        find(&aggregator, 4).await;
    }
    assert_eq!(cluster.servers[0].queries_received(), 13);
}

/// A server that reports that it is busy is slow, not dead: it still gets its share of the searches.
#[tokio::test(start_paused = true)]
async fn a_busy_server_is_not_avoided() {
    let cluster = Cluster::new(2, 2);
    cluster.put_line();
    let aggregator = cluster.aggregator(Options::default());
    cluster.servers[0].set(Script::BusyAfter(MS));
    for _ in 0..20 {
        let (found, took) = find(&aggregator, 4).await;
        assert_whole(&found, 4);
        assert!(took <= 2 * MS, "a replica answers: {took:?}");
    }
    assert_eq!(cluster.servers[0].queries_received(), 10);
}

#[tokio::test(start_paused = true)]
async fn after_the_deadline_no_server_is_queried() {
    let cluster = Cluster::new(2, 2);
    cluster.put_line();
    let aggregator = cluster.aggregator(Options::default());
    let found = aggregator.find(nearest(4), Instant::now()).await.unwrap();
    assert_eq!(found.coverage.missing.len(), usize::from(SHARDS));
    assert_eq!(cluster.queries_received(), 0);
}

#[tokio::test(start_paused = true)]
async fn hedges_stop_at_their_share() {
    let cluster = Cluster::new(2, 2);
    cluster.put_line();
    let options = Options { hedge_burst: 2, hedge_permille: 0, ..Options::default() };
    let aggregator = cluster.aggregator(options);
    // Slower than anybody waits for, but within the deadline.
    cluster.servers.iter().for_each(|server| server.set(Script::After(100 * MS)));
    let searches = (1..=10).map(|k| find(&aggregator, k));
    for (found, k) in futures::future::join_all(searches).await.into_iter().zip(1..) {
        assert_whole(&found.0, k);
    }
    let metrics = aggregator.metrics();
    assert_eq!((metrics.hedges, metrics.hedges_refused), (2, 8), "{metrics:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stale_copy_in_another_shard_is_dropped_and_the_gap_is_filled() {
    let cluster = Cluster::new(8, 1);
    let map = cluster.view.borrow().shard_map.clone();
    // Two shards of different servers.
    let other = (1..SHARDS).find(|s| map.holders(ShardId(*s)) != map.holders(ShardId(0))).unwrap();
    for (shard, copy) in [
        (0, neighbor("moving", 1, 1)),
        (0, neighbor("a", 2, 1)),
        (0, neighbor("b", 3, 1)),
        (other, neighbor("moving", 20, 2)),
        (other, neighbor("far", 21, 1)),
    ] {
        cluster.put(shard, &copy);
    }
    let aggregator = cluster.aggregator(Options::default());
    let (found, _) = find(&aggregator, 2).await;
    assert_eq!(names(&found.neighbors), ["a", "b"]);
    assert!(found.coverage.is_complete());
    assert_eq!(aggregator.metrics().refetches, 1);
}

#[tokio::test(start_paused = true)]
async fn when_the_gap_cannot_be_filled_its_shards_are_missing() {
    let cluster = Cluster::new(8, 1);
    let map = cluster.view.borrow().shard_map.clone();
    let other = (1..SHARDS).find(|s| map.holders(ShardId(*s)) != map.holders(ShardId(0))).unwrap();
    cluster.put(0, &neighbor("moving", 1, 1));
    cluster.put(0, &neighbor("a", 2, 1));
    cluster.put(other, &neighbor("moving", 20, 2));
    let holder = &cluster.servers[usize::from(map.holders(ShardId(0))[0])];
    holder.set(Script::Once);
    let (found, took) = find(&cluster.aggregator(Options::default()), 1).await;
    assert_eq!((holder.queries_received(), took), (2, DEADLINE));
    assert!(found.coverage.missing.contains(&ShardId(0)));
    assert!(!found.coverage.missing.contains(&ShardId(other)));
}

#[tokio::test(start_paused = true)]
async fn beyond_the_cap_searches_are_refused() {
    let cluster = Cluster::new(1, 1);
    cluster.servers[0].set(Script::After(50 * MS));
    let aggregator = cluster.aggregator(Options { searches_max: 2, ..Options::default() });
    let deadline = Instant::now() + DEADLINE;
    let search = |k| aggregator.find(nearest(k), deadline);
    let (a, b, c) = tokio::join!(search(1), search(2), search(3));
    assert!(a.is_ok() && b.is_ok());
    assert_eq!(c.unwrap_err().to_string(), "searches: the limit of 2 is reached");
    assert!(aggregator.find(nearest(1), deadline).await.is_ok(), "places are given back");
}

#[tokio::test(start_paused = true)]
async fn nobody_listed_means_everything_is_missing() {
    let cluster = Cluster::new(0, 2);
    let (found, took) = find(&cluster.aggregator(Options::default()), 1).await;
    assert_eq!((found.coverage.missing.len(), took), (usize::from(SHARDS), Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn more_neighbors_than_the_limit_are_cut() {
    let cluster = Cluster::new(1, 1);
    let neighbors = (0..9).map(|i| neighbor(&format!("d{i:02}"), i, 1)).collect();
    cluster.servers[0].set(Script::Prepared(ShardResult { neighbors, uncovered: Vec::new() }));
    let (found, _) = find(&cluster.aggregator(Options::default()), 4).await;
    assert_whole(&found, 4);
}
