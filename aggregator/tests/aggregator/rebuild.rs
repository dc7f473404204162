use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use kerb_aggregator::Options;
use kerb_ports::ErrorCode;
use kerb_types::ShardId;
use tokio::time::Instant;

use crate::fakes::{Cluster, SHARDS, Script, node};

#[tokio::test(start_paused = true)]
async fn reports_until_all_shards_are_covered() {
    let cluster = Cluster::new(2, 2);
    *cluster.servers[1].polls_until_covered.lock().unwrap() = 3;
    let started = Instant::now();
    let reports = cluster.aggregator(Options::default()).rebuild(&node("index-1"), vec![]).await.unwrap();
    let reports: Vec<_> = reports.try_collect().await.unwrap();
    assert_eq!(reports.iter().map(|report| report.done).collect::<Vec<_>>(), [false, false, false, true]);
    let last = reports.last().unwrap();
    assert_eq!((last.shards_total, last.shards_covered), (usize::from(SHARDS), usize::from(SHARDS)));
    assert_eq!((last.drivers, last.bytes), (2 * u64::from(SHARDS), 100 * u64::from(SHARDS)));
    assert_eq!(last.sources.iter().map(kerb_types::NodeId::as_str).collect::<Vec<_>>(), ["ingest"]);
    assert_eq!((last.elapsed, started.elapsed()), (Duration::from_millis(300), Duration::from_millis(300)));
}

#[tokio::test(start_paused = true)]
async fn counts_the_named_shards_only() {
    let cluster = Cluster::new(1, 1);
    let shards = vec![ShardId(3), ShardId(4)];
    let reports = cluster.aggregator(Options::default()).rebuild(&node("index-0"), shards).await.unwrap();
    let reports: Vec<_> = reports.try_collect().await.unwrap();
    assert_eq!((reports[0].shards_total, reports[0].drivers, reports[0].done), (2, 4, true));
}

#[tokio::test(start_paused = true)]
async fn nobody_looks_when_the_stream_is_dropped() {
    let cluster = Cluster::new(1, 1);
    *cluster.servers[0].polls_until_covered.lock().unwrap() = 1_000;
    let reports = cluster.aggregator(Options::default()).rebuild(&node("index-0"), vec![]).await.unwrap();
    let mut reports = Box::pin(reports);
    assert!(reports.next().await.is_some() && reports.next().await.is_some());
    drop(reports);
    tokio::time::advance(Duration::from_mins(1)).await;
    assert_eq!(*cluster.servers[0].looks.lock().unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stays_away_ends_the_report_with_the_reason() {
    let cluster = Cluster::new(1, 1);
    let aggregator = cluster.aggregator(Options::default());
    let reports = aggregator.rebuild(&node("index-0"), vec![]).await.unwrap();
    cluster.servers[0].set(Script::Fails);
    let error = reports.try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable);
    let error = aggregator.rebuild(&node("index-7"), vec![]).await.err().unwrap();
    assert_eq!(error.to_string(), "node \"index-7\" is not known");
}
