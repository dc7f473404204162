//! The service around the index: time, membership views, streams and shutdown.

use std::sync::Arc;

use kerb_geometry::{Circle, LatLng};
use kerb_index_server::IndexServer;
use kerb_ports::conformance::source::{NOW_MS, SHARDS, SOURCES, Source, line_of, sharding, update};
use kerb_ports::{
    Control, DriverFilter, ErrorCode, Frame, IndexAdmin, IndexServer as Port, Search, ShardQuery,
    ShardResult, ShardSearch,
};
use kerb_types::{ManualClock, Millis, ShardId};
use tokio::sync::watch;
use tokio::time::{Duration, Instant};

use crate::conformance::{TestMembership, start, view};

struct TestServer {
    server: IndexServer,
    port: Arc<dyn Port>,
    membership: Arc<TestMembership>,
    clock: Arc<ManualClock>,
}

async fn start_server() -> TestServer {
    let membership = Arc::new(TestMembership(watch::Sender::new(view(&["index-a"], &SOURCES))));
    let clock = Arc::new(ManualClock::new(NOW_MS));
    let server = start(Arc::clone(&membership), Arc::clone(&clock)).await;
    TestServer { port: Arc::new(server.clone()), server, membership, clock }
}

fn query(shards: Vec<ShardId>) -> ShardQuery {
    let circle = Circle::new(LatLng::new(37.70, -122.42).unwrap(), 50_000.0).unwrap();
    ShardQuery {
        shards,
        extra_shards: vec![],
        search: Search::Nearest { circle, k: 100 },
        filter: DriverFilter::ANY,
    }
}

async fn run_search(server: &IndexServer) -> ShardResult {
    let deadline = Instant::now() + Duration::from_secs(20);
    server.search(query(sharding().all().collect()), deadline).await.unwrap()
}

#[tokio::test]
async fn a_silent_driver_expires_after_the_position_ttl_and_returns_by_its_slot() {
    let TestServer { server, port, clock, .. } = start_server().await;
    let mut first = Source::open_with(&port, 0, &line_of(3)).await;
    let _second = Source::open_with(&port, 1, &[]).await;
    clock.advance(50_000);
    let mut report = update(1, LatLng::new(37.701, -122.42).unwrap(), 2);
    report.update_version.time += Millis::new(50_000);
    first.send(&[report]).await;
    clock.advance(10_000);
    server.run_maintenance(NOW_MS + Millis::new(60_000)).await;
    assert_eq!(run_search(&server).await.neighbors.len(), 3);
    clock.advance(500);
    server.run_maintenance(NOW_MS + Millis::new(60_500)).await;
    assert_eq!(run_search(&server).await.neighbors.len(), 1);
    clock.advance(60_000);
    server.run_maintenance(NOW_MS + Millis::new(120_500)).await;
    assert_eq!(run_search(&server).await.neighbors.len(), 0);
    report.update_version.time = NOW_MS + Millis::new(120_000);
    // The slot is not bound again, and the sequence begins anew.
    report.update_version.sequence = 0;
    let batch = kerb_ports::Batch { updates: vec![report], ..kerb_ports::Batch::default() };
    first.batch(batch).await;
    assert_eq!(run_search(&server).await.neighbors.len(), 1);
}

#[tokio::test]
async fn a_lost_shard_is_dropped_and_a_gained_one_is_requested_again_if_it_was_sent_too_early() {
    let TestServer { server, port, membership, .. } = start_server().await;
    let mut first = Source::open_with(&port, 0, &line_of(30)).await;
    let mut second = Source::open_with(&port, 1, &[]).await;
    assert_eq!(run_search(&server).await.neighbors.len(), 30);

    // Another server takes half of the shards.
    membership.0.send_replace(view(&["index-a", "index-b"], &SOURCES));
    let held = view(&["index-a", "index-b"], &SOURCES)
        .shard_map
        .shards_of(&"index-a".to_owned().try_into().unwrap());
    eventually(async || run_search(&server).await.uncovered.len() == usize::from(SHARDS) - held.len()).await;
    let kept = line_of(30).iter().filter(|update| held.contains(&update.shard)).count();
    assert!(kept < 30);
    assert_eq!(run_search(&server).await.neighbors.len(), kept);

    // The sources learn before this server that the other one has left.
    let lost: Vec<_> = sharding().all().filter(|shard| !held.contains(shard)).collect();
    let updates: Vec<_> = line_of(30).into_iter().filter(|update| lost.contains(&update.shard)).collect();
    first.send_snapshot(lost.clone(), &updates).await;
    second.send_snapshot(lost.clone(), &[]).await;
    membership.0.send_replace(view(&["index-a"], &SOURCES));
    for source in [&mut first, &mut second] {
        let Control::Resync(requested) = source.stream.control().await.unwrap();
        assert_eq!(requested, lost);
    }
    assert_eq!(run_search(&server).await.uncovered, lost);
    first.send_snapshot(lost.clone(), &updates).await;
    second.send_snapshot(lost, &[]).await;
    let answer = run_search(&server).await;
    assert_eq!((answer.neighbors.len(), answer.uncovered.len()), (30, 0));
}

/// Polls until `condition` is true. The server's tasks run in between.
async fn eventually(mut condition: impl AsyncFnMut() -> bool) {
    for _ in 0..10_000 {
        if condition().await {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the condition never became true");
}

#[tokio::test]
async fn a_waiting_stream_is_notified_when_it_is_superseded() {
    let TestServer { port, .. } = start_server().await;
    let mut first = Source::open(&port, 0).await;
    let (control, _newer) = tokio::join!(first.stream.control(), Source::open(&port, 0));
    assert_eq!(control.unwrap_err().code(), ErrorCode::Superseded);
}

#[tokio::test]
async fn after_shutdown_every_call_is_unavailable() {
    let TestServer { server, port, .. } = start_server().await;
    let mut first = Source::open_with(&port, 0, &line_of(3)).await;
    let (control, ()) = tokio::join!(first.stream.control(), server.shutdown());
    assert_eq!(control.unwrap_err().code(), ErrorCode::Unavailable);
    let sent = first.stream.send(Frame::SnapshotEnd { round: 9 }).await;
    assert_eq!(sent.unwrap_err().code(), ErrorCode::Unavailable);
    assert_eq!(server.stats().await.unwrap_err().code(), ErrorCode::Unavailable);
    let deadline = Instant::now() + Duration::from_secs(1);
    assert_eq!(server.search(query(vec![]), deadline).await.unwrap_err().code(), ErrorCode::Unavailable);
}

#[tokio::test]
async fn a_search_past_its_deadline_fails() {
    let TestServer { server, .. } = start_server().await;
    let error = server.search(query(vec![ShardId(0)]), Instant::now()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DeadlineExceeded);
}

#[tokio::test]
async fn a_long_search_runs_on_another_thread_with_the_same_answer() {
    let TestServer { server, port, .. } = start_server().await;
    // More leaves than a quick search may read.
    let updates: Vec<_> = (0..60_000)
        .map(|number| {
            let lat = 37.5 + f64::from(number / 250) * 0.001;
            update(number, LatLng::new(lat, -122.5 + f64::from(number % 250) * 0.001).unwrap(), 1)
        })
        .collect();
    let _first = Source::open_with(&port, 0, &updates).await;
    let _second = Source::open_with(&port, 1, &[]).await;
    let circle = Circle::new(LatLng::new(37.6, -122.4).unwrap(), 200_000.0).unwrap();
    let search = Search::WithinRadius { circle, limit: 100_000, after: None };
    let query = ShardQuery { search, ..query(sharding().all().collect()) };
    let answer = server.search(query, Instant::now() + Duration::from_mins(1)).await.unwrap();
    assert_eq!(answer.neighbors.len(), 60_000);
}
