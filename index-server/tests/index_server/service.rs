//! The service around the core: time, views, sessions and its end.

use std::sync::Arc;

use kerb_geometry::{Circle, LatLng};
use kerb_index_server::IndexServer;
use kerb_ports::conformance::source::{NOW_MS, SHARDS, SOURCES, Source, line_of, sharding, update};
use kerb_ports::{
    Control, DriverFilter, ErrorCode, Frame, IndexAdmin, IndexServer as Port, Search, ShardQuery,
    ShardResult, ShardSearch,
};
use kerb_types::{ManualClock, ShardId};
use tokio::sync::watch;
use tokio::time::{Duration, Instant};

use crate::conformance::{Fixed, start, view};

struct Running {
    server: IndexServer,
    port: Arc<dyn Port>,
    membership: Arc<Fixed>,
    clock: Arc<ManualClock>,
}

async fn running() -> Running {
    let membership = Arc::new(Fixed(watch::Sender::new(view(&["index-a"], &SOURCES))));
    let clock = Arc::new(ManualClock::new(NOW_MS));
    let server = start(Arc::clone(&membership), Arc::clone(&clock)).await;
    Running { port: Arc::new(server.clone()), server, membership, clock }
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

async fn ask(server: &IndexServer) -> ShardResult {
    let deadline = Instant::now() + Duration::from_secs(20);
    server.search(query(sharding().all().collect()), deadline).await.unwrap()
}

#[tokio::test]
async fn a_silent_driver_is_position_ttl_a_minute_and_comes_back_by_its_slot() {
    let Running { server, port, clock, .. } = running().await;
    let mut first = Source::open_with(&port, 0, &line_of(3)).await;
    let _second = Source::open_with(&port, 1, &[]).await;
    clock.advance(50_000);
    let mut heard = update(1, LatLng::new(37.701, -122.42).unwrap(), 2);
    heard.update_version.time_ms += 50_000;
    first.send(&[heard]).await;
    clock.advance(10_000);
    server.tick(NOW_MS + 60_000).await;
    assert_eq!(ask(&server).await.neighbors.len(), 3);
    clock.advance(500);
    server.tick(NOW_MS + 60_500).await;
    assert_eq!(ask(&server).await.neighbors.len(), 1);
    clock.advance(60_000);
    server.tick(NOW_MS + 120_500).await;
    assert_eq!(ask(&server).await.neighbors.len(), 0);
    heard.update_version.time_ms = NOW_MS + 120_000;
    // Not introduced again, and its sequence begins anew.
    heard.update_version.sequence = 0;
    let batch = kerb_ports::Batch { updates: vec![heard], ..kerb_ports::Batch::default() };
    first.batch(batch).await;
    assert_eq!(ask(&server).await.neighbors.len(), 1);
}

#[tokio::test]
async fn a_lost_shard_is_dropped_and_a_gained_one_is_asked_for_if_it_was_sent_too_early() {
    let Running { server, port, membership, .. } = running().await;
    let mut first = Source::open_with(&port, 0, &line_of(30)).await;
    let mut second = Source::open_with(&port, 1, &[]).await;
    assert_eq!(ask(&server).await.neighbors.len(), 30);

    // Another server takes half of the shards.
    membership.0.send_replace(view(&["index-a", "index-b"], &SOURCES));
    let held = view(&["index-a", "index-b"], &SOURCES)
        .shard_map
        .shards_of(&"index-a".to_owned().try_into().unwrap());
    eventually(async || ask(&server).await.uncovered.len() == usize::from(SHARDS) - held.len()).await;
    let kept = line_of(30).iter().filter(|update| held.contains(&update.shard)).count();
    assert!(kept < 30);
    assert_eq!(ask(&server).await.neighbors.len(), kept);

    // The sources hear first that it is gone again.
    let lost: Vec<_> = sharding().all().filter(|shard| !held.contains(shard)).collect();
    let updates: Vec<_> = line_of(30).into_iter().filter(|update| lost.contains(&update.shard)).collect();
    first.send_snapshot(lost.clone(), &updates).await;
    second.send_snapshot(lost.clone(), &[]).await;
    membership.0.send_replace(view(&["index-a"], &SOURCES));
    for source in [&mut first, &mut second] {
        let Control::Resync(asked) = source.stream.control().await.unwrap();
        assert_eq!(asked, lost);
    }
    assert_eq!(ask(&server).await.uncovered, lost);
    first.send_snapshot(lost.clone(), &updates).await;
    second.send_snapshot(lost, &[]).await;
    let answer = ask(&server).await;
    assert_eq!((answer.neighbors.len(), answer.uncovered.len()), (30, 0));
}

/// Polls until it is so; the tasks that make it so run in between.
async fn eventually(mut so: impl AsyncFnMut() -> bool) {
    for _ in 0..10_000 {
        if so().await {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it never was");
}

#[tokio::test]
async fn a_superseded_session_hears_it_while_it_waits() {
    let Running { port, .. } = running().await;
    let mut first = Source::open(&port, 0).await;
    let (heard, _newer) = tokio::join!(first.stream.control(), Source::open(&port, 0));
    assert_eq!(heard.unwrap_err().code(), ErrorCode::Superseded);
}

#[tokio::test]
async fn after_the_end_everything_is_unavailable() {
    let Running { server, port, .. } = running().await;
    let mut first = Source::open_with(&port, 0, &line_of(3)).await;
    let (heard, ()) = tokio::join!(first.stream.control(), server.shutdown());
    assert_eq!(heard.unwrap_err().code(), ErrorCode::Unavailable);
    let sent = first.stream.send(Frame::SnapshotEnd { round: 9 }).await;
    assert_eq!(sent.unwrap_err().code(), ErrorCode::Unavailable);
    assert_eq!(server.stats().await.unwrap_err().code(), ErrorCode::Unavailable);
    let deadline = Instant::now() + Duration::from_secs(1);
    assert_eq!(server.search(query(vec![]), deadline).await.unwrap_err().code(), ErrorCode::Unavailable);
}

#[tokio::test]
async fn a_search_whose_time_is_over_says_so() {
    let Running { server, .. } = running().await;
    let error = server.search(query(vec![ShardId(0)]), Instant::now()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DeadlineExceeded);
}

#[tokio::test]
async fn a_long_search_leaves_the_thread_and_answers_alike() {
    let Running { server, port, .. } = running().await;
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
