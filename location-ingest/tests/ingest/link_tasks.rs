//! The tasks of links to slow, broken, new and resynchronized index servers.

use kerb_location_ingest::Options;
use kerb_types::{Millis, ShardId};

use crate::fixture::{Cluster, eventually, options, sharding};
use crate::fleet::report_all;

const POSITION_TTL_MS: i64 = 60_000;

#[tokio::test]
async fn a_slow_server_gets_merged_batches() {
    let cluster = Cluster::new(&["a"], 1);
    let ingest = cluster.start("ingest", options()).await;
    let mut gateway = ingest.handle().gateway();
    report_all(&mut gateway, 0..500, 1);
    assert!(ingest.settle(30_000).await);
    let server = cluster.server("a");
    server.gate(false);
    for sequence in 2..100 {
        report_all(&mut gateway, 0..500, sequence);
        // Lets the fan-out run.
        tokio::task::yield_now().await;
    }
    let before = *server.frames.lock();
    server.gate(true);
    assert!(ingest.settle(30_000).await);
    let frames = *server.frames.lock() - before;
    assert!(frames <= 4, "{frames} frames for what was merged while the server was slow");
    cluster.assert_equals(ingest.handle().table(), Millis::new(POSITION_TTL_MS));
}

#[tokio::test]
async fn a_broken_stream_is_opened_again_with_a_snapshot() {
    let cluster = Cluster::new(&["a", "b"], 1);
    let ingest = cluster.start("ingest", options()).await;
    let mut gateway = ingest.handle().gateway();
    assert!(ingest.settle(30_000).await);
    for round in 1..6 {
        report_all(&mut gateway, 0..300, round);
        cluster.server("a").break_streams();
        report_all(&mut gateway, 300..600, round);
        eventually("it is opened again", || ingest.handle().metrics().links_opened.get() > round + 1).await;
        cluster.settle(&[&ingest]).await;
        cluster.assert_equals(ingest.handle().table(), Millis::new(POSITION_TTL_MS));
    }
    assert_eq!(ingest.handle().metrics().links_up.get(), 2);
}

#[tokio::test]
async fn a_resync_sends_the_requested_shards_again() {
    let cluster = Cluster::new(&["a"], 1);
    let ingest = cluster.start("ingest", options()).await;
    let mut gateway = ingest.handle().gateway();
    report_all(&mut gateway, 0..1_000, 1);
    assert!(ingest.settle(30_000).await);
    let server = cluster.server("a");
    let shards: Vec<_> = sharding().all().filter(|shard| shard.0 % 3 == 0).collect();
    let whole = server.content();
    server.request_resync(shards.clone());
    assert!(server.content().len() < whole.len());
    eventually("the shards are filled", || server.content() == whole).await;
    server.request_resync(vec![ShardId(1)]);
    report_all(&mut gateway, 0..1_000, 2);
    assert!(ingest.settle(30_000).await);
    eventually("it holds the newest", || {
        server.content().values().all(|seen| seen.update_version.sequence == 2)
    })
    .await;
    eventually("it holds all", || server.content().len() == 1_000).await;
}

#[tokio::test]
async fn links_follow_the_membership() {
    let cluster = Cluster::new(&["a"], 1);
    let ingest = cluster.start("ingest", options()).await;
    let mut gateway = ingest.handle().gateway();
    report_all(&mut gateway, 0..400, 1);
    let views: [(&[&str], usize); 5] =
        [(&["a", "b"], 1), (&["a", "b", "c"], 2), (&["b", "c"], 2), (&["c"], 1), (&["a", "b", "c"], 3)];
    for (round, (servers, replicas)) in views.into_iter().enumerate() {
        cluster.change(servers, replicas);
        eventually("the links are there", || {
            ingest.handle().metrics().links_wanted.get() == servers.len() as u64
        })
        .await;
        report_all(&mut gateway, 0..400, round as u64 + 2);
        cluster.settle(&[&ingest]).await;
        cluster.assert_equals(ingest.handle().table(), Millis::new(POSITION_TTL_MS));
    }
}

#[tokio::test]
async fn a_stream_to_a_server_that_hangs_is_opened_again() {
    let cluster = Cluster::new(&["a"], 1);
    let ingest = cluster.start("ingest", Options { send_timeout_ms: 30, ..options() }).await;
    let server = cluster.server("a");
    server.gate(false);
    let mut gateway = ingest.handle().gateway();
    report_all(&mut gateway, 0..100, 1);
    eventually("it is opened again and again", || ingest.handle().metrics().links_opened.get() >= 3).await;
    server.gate(true);
    eventually("it has all", || server.content().len() == 100).await;
    cluster.assert_equals(ingest.handle().table(), Millis::new(POSITION_TTL_MS));
}
