//! The conformance suite of index servers: `PositionSink`, `ShardSearch` and `IndexAdmin` together.
//!
//! [`index_server_conformance!`](crate::index_server_conformance) declares one test per case. A case receives a new server
//! with the default catalog that holds every shard of [`sharding`]. Its clock stands at
//! [`NOW_MS`](super::source::NOW_MS), and its live ingest nodes are [`SOURCES`](super::source::SOURCES).

use std::sync::Arc;
use std::time::Duration;

use kerb_geometry::{Circle, LatLng, Polygon};
use tokio::time::Instant;

use super::source::{SHARDS, Source, line_of, position, profile, sharding, update};
use crate::{
    Batch, Control, Cursor, DriverFilter, ErrorCode, Eviction, Frame, IndexServer, Search, ShardQuery,
    ShardResult, Slot, SourceRegistration,
};
use kerb_types::{Capabilities, IndexedStatus, Millis, NodeId, ShardId, UpdateVersion};

type Server = Arc<dyn IndexServer>;

/// Declares a `#[tokio::test]` for every case. `$server` is an async function that returns
/// `(Arc<dyn IndexServer>, impl Sized)`; the second value lives as long as the case.
#[macro_export]
macro_rules! index_server_conformance {
    ($server:path) => {
        $crate::index_server_conformance! { @cases $server;
            results_follow_the_order_of_the_search, pages_return_every_driver_once, filters_apply_before_the_limit,
            a_shard_is_covered_when_every_source_has_finished, a_moved_driver_is_found_once,
            an_older_update_version_never_wins, a_source_removes_only_its_own_drivers,
            a_removed_driver_is_not_restored_by_an_older_state,
            a_snapshot_removes_drivers_that_it_does_not_contain, a_newer_stream_supersedes,
            an_evicted_driver_returns_only_with_a_newer_state, a_resync_empties_shards_and_requests_snapshots,
            different_settings_are_rejected, a_protocol_violation_ends_only_its_own_stream,
            shards_that_are_not_held_are_named, extra_shards_are_searched_too, stats_count_the_drivers,
        }
    };
    (@cases $server:path; $($case:ident),* $(,)?) => {
        $(
            #[tokio::test]
            async fn $case() {
                let (server, _keep) = $server().await;
                $crate::conformance::index_server::$case(server).await;
            }
        )*
    };
}

/// Searches all shards.
async fn search_all(server: &Server, search: Search, filter: DriverFilter) -> ShardResult {
    let query = ShardQuery { shards: sharding().all().collect(), extra_shards: vec![], search, filter };
    server.search(query, Instant::now() + Duration::from_secs(20)).await.unwrap()
}

/// Returns the numbers of the drivers, in the order of the result.
fn numbers(result: &ShardResult) -> Vec<u32> {
    result
        .neighbors
        .iter()
        .map(|neighbor| neighbor.profile.id.as_str()["driver-".len()..].parse().unwrap())
        .collect()
}

fn around(number: u32, radius_m: f64) -> Circle {
    Circle::new(position(number), radius_m).unwrap()
}

async fn nearest(server: &Server, number: u32, k: u32) -> Vec<u32> {
    let search = Search::Nearest { circle: around(number, 50_000.0), k };
    numbers(&search_all(server, search, DriverFilter::ANY).await)
}

/// Opens both sources and finishes their snapshots. The first source has `count` drivers, the second has none.
async fn open_sources(server: &Server, count: u32) -> (Source, Source) {
    let first = Source::open_with(server, 0, &line_of(count)).await;
    (first, Source::open_with(server, 1, &[]).await)
}

/// Nearest, radius and polygon searches return the right drivers in the order of their contract.
pub async fn results_follow_the_order_of_the_search(server: Server) {
    let _sources = open_sources(&server, 40).await;
    assert_eq!(nearest(&server, 0, 5).await, [0, 1, 2, 3, 4]);
    let search = Search::WithinRadius { circle: around(0, 1_000.0), limit: 100, after: None };
    let result = search_all(&server, search, DriverFilter::ANY).await;
    assert_eq!(numbers(&result), (0..9).collect::<Vec<_>>());
    assert!(result.neighbors.is_sorted_by(|a, b| a.hav <= b.hav));
    assert!(result.uncovered.is_empty());
    let corner = |lat: f64, lon: f64| LatLng::new(lat, lon).unwrap();
    let ring = vec![
        corner(37.7095, -123.0),
        corner(37.7095, -122.0),
        corner(37.7145, -122.0),
        corner(37.7145, -123.0),
    ];
    let polygon = Arc::new(Polygon::new(ring).unwrap());
    let search = Search::WithinPolygon { polygon, limit: 100, after: None };
    assert_eq!(numbers(&search_all(&server, search, DriverFilter::ANY).await), [10, 11, 12, 13, 14]);
}

/// Pages by cursor return every driver once, also if many drivers have the same position.
pub async fn pages_return_every_driver_once(server: Server) {
    let mut updates = line_of(30);
    updates.extend((30..60).map(|number| update(number, position(3), 1)));
    let _first = Source::open_with(&server, 0, &updates).await;
    let _second = Source::open_with(&server, 1, &[]).await;
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let search = Search::WithinRadius { circle: around(0, 20_000.0), limit: 7, after };
        let result = search_all(&server, search, DriverFilter::ANY).await;
        let Some(last) = result.neighbors.last() else { break };
        after = Some(Cursor { hav: last.hav, id: last.profile.id.clone() });
        seen.extend(numbers(&result));
    }
    let expected: Vec<u32> = (0..4).chain(30..60).chain(4..30).collect();
    assert_eq!(seen, expected);
}

/// Drivers that the filter rejects do not count towards the limit.
pub async fn filters_apply_before_the_limit(server: Server) {
    let mut updates = line_of(40);
    for update in &mut updates[..20] {
        update.status = IndexedStatus::OnTrip;
        update.update_version.time -= Millis::new(10_000);
    }
    let _first = Source::open_with(&server, 0, &updates).await;
    let _second = Source::open_with(&server, 1, &[]).await;
    let filtered = async |filter| {
        numbers(&search_all(&server, Search::Nearest { circle: around(0, 50_000.0), k: 3 }, filter).await)
    };
    let any = DriverFilter::ANY;
    let available = 1 << IndexedStatus::Available as u8;
    assert_eq!(filtered(DriverFilter { statuses: available, ..any }).await, [20, 21, 22]);
    assert_eq!(filtered(DriverFilter { vehicle_classes: 0b100, ..any }).await, [2, 5, 8]);
    assert_eq!(filtered(DriverFilter { capabilities: Capabilities(0b11), ..any }).await, [3, 7, 11]);
    let time_min_ms = super::source::NOW_MS - Millis::new(9_999);
    assert_eq!(filtered(DriverFilter { time_min_ms, ..any }).await, [20, 21, 22]);
}

/// Until every live ingest node has finished its snapshot, the result names the shards as uncovered.
pub async fn a_shard_is_covered_when_every_source_has_finished(server: Server) {
    let search = || Search::Nearest { circle: around(0, 50_000.0), k: 3 };
    let uncovered = async || search_all(&server, search(), DriverFilter::ANY).await.uncovered.len();
    assert_eq!(uncovered().await, usize::from(SHARDS));
    let _first = Source::open_with(&server, 0, &line_of(3)).await;
    assert_eq!(uncovered().await, usize::from(SHARDS));
    let mut second = Source::open(&server, 1).await;
    second.send_snapshot(sharding().all().take(10).collect(), &[]).await;
    assert_eq!(uncovered().await, usize::from(SHARDS) - 10);
    second.send_snapshot(sharding().all().skip(10).collect(), &[]).await;
    assert_eq!(uncovered().await, 0);
}

/// A driver who moves to another shard is in that shard and in no other.
pub async fn a_moved_driver_is_found_once(server: Server) {
    let (mut first, _second) = open_sources(&server, 10).await;
    let far = LatLng::new(-33.87, 151.21).unwrap();
    first.send(&[update(4, far, 2)]).await;
    assert_eq!(nearest(&server, 0, 10).await, [0, 1, 2, 3, 5, 6, 7, 8, 9]);
    let search = Search::Nearest { circle: Circle::new(far, 100.0).unwrap(), k: 10 };
    assert_eq!(numbers(&search_all(&server, search, DriverFilter::ANY).await), [4]);
}

/// The newest version wins, by sequence, then by time, whichever node sends it.
pub async fn an_older_update_version_never_wins(server: Server) {
    let (mut first, mut second) = open_sources(&server, 3).await;
    second.send(&[update(0, position(20), 5)]).await;
    assert_eq!(nearest(&server, 20, 1).await, [0]);
    first.send(&[update(0, position(0), 4)]).await;
    first.send(&[update(0, position(0), 5)]).await;
    assert_eq!(nearest(&server, 20, 1).await, [0]);
    first.send(&[update(0, position(0), 6)]).await;
    assert_eq!(nearest(&server, 0, 1).await, [0]);
    let mut later = update(0, position(20), 6);
    later.update_version.time += Millis::new(1);
    second.send(&[later]).await;
    assert_eq!(nearest(&server, 20, 1).await, [0]);
}

/// The server ignores a removal by a node that does not have the newest state.
pub async fn a_source_removes_only_its_own_drivers(server: Server) {
    let (mut first, mut second) = open_sources(&server, 3).await;
    second.send(&[update(0, position(0), 2)]).await;
    first.remove(&[Slot::new(0), Slot::new(1)]).await;
    assert_eq!(nearest(&server, 0, 5).await, [0, 2]);
    second.remove(&[Slot::new(0)]).await;
    assert_eq!(nearest(&server, 0, 5).await, [2]);
}

/// A node that returns from a pause with an older state does not undo a removal by the node with the newer state.
pub async fn a_removed_driver_is_not_restored_by_an_older_state(server: Server) {
    let (mut first, mut second) = open_sources(&server, 2).await;
    second.send(&[update(0, position(0), 5)]).await;
    second.remove(&[Slot::new(0)]).await;
    first.send_snapshot(sharding().all().collect(), &line_of(2)).await;
    assert_eq!(nearest(&server, 0, 5).await, [1]);
    second.send(&[update(0, position(0), 6)]).await;
    assert_eq!(nearest(&server, 0, 5).await, [0, 1]);
}

/// A snapshot replaces all drivers of its source in its shards, and no drivers of other sources.
pub async fn a_snapshot_removes_drivers_that_it_does_not_contain(server: Server) {
    let (first, mut second) = open_sources(&server, 6).await;
    second.send(&[update(5, position(5), 2)]).await;
    drop(first);
    let repeated = [update(1, position(1), 1), update(2, position(2), 3)];
    let _again = Source::open_with(&server, 0, &repeated).await;
    assert_eq!(nearest(&server, 0, 9).await, [1, 2, 5]);
}

/// A second stream of a node ends the first, and the server applies no further frame of the first.
pub async fn a_newer_stream_supersedes(server: Server) {
    let (mut first, _second) = open_sources(&server, 2).await;
    let _newer = Source::open_with(&server, 0, &line_of(2)).await;
    let batch = Batch { updates: vec![update(0, position(9), 9)], ..Batch::default() };
    let sent = first.stream.send(Frame::Batch(batch)).await;
    let error = match sent {
        Err(error) => error,
        Ok(()) => first.stream.flush().await.unwrap_err(),
    };
    assert_eq!(error.code(), ErrorCode::Superseded, "{error}");
    assert_eq!(nearest(&server, 0, 2).await, [0, 1]);
}

/// An eviction removes a driver whose state is not newer, and its old node cannot restore it with such a state.
pub async fn an_evicted_driver_returns_only_with_a_newer_state(server: Server) {
    let (mut first, mut second) = open_sources(&server, 3).await;
    first.send(&[update(2, position(2), 7)]).await;
    let eviction = |number, sequence| Eviction {
        id: profile(number).id.clone(),
        update_version: UpdateVersion { sequence, time: super::source::NOW_MS },
    };
    second.batch(Batch { evictions: vec![eviction(1, 3), eviction(2, 6)], ..Batch::default() }).await;
    assert_eq!(nearest(&server, 0, 5).await, [0, 2]);
    first
        .send_snapshot(sharding().all().collect(), &[update(0, position(0), 1), update(1, position(1), 3)])
        .await;
    assert_eq!(nearest(&server, 0, 5).await, [0]);
    first.send(&[update(1, position(1), 4)]).await;
    assert_eq!(nearest(&server, 0, 5).await, [0, 1]);
}

/// A resync empties shards and requests snapshots. The shards are covered again once every source has sent one.
pub async fn a_resync_empties_shards_and_requests_snapshots(server: Server) {
    let (mut first, mut second) = open_sources(&server, 4).await;
    let shards = server.resync(vec![]).await.unwrap();
    assert_eq!(shards.len(), usize::from(SHARDS));
    let search = Search::Nearest { circle: around(0, 50_000.0), k: 9 };
    let result = search_all(&server, search, DriverFilter::ANY).await;
    assert_eq!((result.neighbors.len(), result.uncovered.len()), (0, usize::from(SHARDS)));
    for source in [&mut first, &mut second] {
        let Control::Resync(requested) = source.stream.control().await.unwrap();
        assert_eq!(requested, shards);
    }
    first.send_snapshot(shards.clone(), &line_of(4)).await;
    second.send_snapshot(shards, &[]).await;
    assert_eq!(nearest(&server, 0, 9).await, [0, 1, 2, 3]);
    assert!(server.stats().await.unwrap().iter().all(|stat| stat.covered));
}

/// A source with different classes, capabilities or sharding receives a mismatch error.
pub async fn different_settings_are_rejected(server: Server) {
    let register = SourceRegistration { node: NodeId::new("ingest-a").unwrap(), settings_fingerprint: 1 };
    let error = match server.open(register).await {
        Err(error) => error,
        Ok(mut stream) => stream.flush().await.unwrap_err(),
    };
    assert_eq!(error.code(), ErrorCode::Mismatch, "{error}");
}

/// A frame that violates the protocol ends its own stream. The other streams go on.
pub async fn a_protocol_violation_ends_only_its_own_stream(server: Server) {
    let violations = [
        Frame::Batch(Batch { updates: vec![update(77, position(0), 1)], ..Batch::default() }),
        Frame::Batch(Batch { removals: vec![Slot::new(u32::MAX)], ..Batch::default() }),
        Frame::SnapshotEnd { round: 99 },
        Frame::SnapshotBegin { round: 50, shards: vec![ShardId(SHARDS)] },
    ];
    let (_first, mut second) = open_sources(&server, 3).await;
    for frame in violations {
        let mut bad = Source::open(&server, 0).await;
        let sent = bad.stream.send(frame.clone()).await;
        let error = match sent {
            Err(error) => error,
            Ok(()) => bad.stream.flush().await.unwrap_err(),
        };
        assert_eq!(error.code(), ErrorCode::Mismatch, "{frame:?}: {error}");
        second.send(&[update(9, position(9), 1)]).await;
    }
    assert_eq!(nearest(&server, 0, 9).await, [0, 1, 2, 9]);
}

/// A shard that the server does not hold is uncovered in a search and invalid in a resync.
pub async fn shards_that_are_not_held_are_named(server: Server) {
    let _sources = open_sources(&server, 3).await;
    let search = Search::Nearest { circle: around(0, 50_000.0), k: 3 };
    let mut shards: Vec<_> = sharding().all().collect();
    shards.push(ShardId(SHARDS + 5));
    let query = ShardQuery { shards, extra_shards: vec![], search, filter: DriverFilter::ANY };
    let result = server.search(query, Instant::now() + Duration::from_secs(20)).await.unwrap();
    assert_eq!((numbers(&result), result.uncovered), (vec![0, 1, 2], vec![ShardId(SHARDS + 5)]));
    let error = server.resync(vec![ShardId(SHARDS + 5)]).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Invalid, "{error}");
}

/// The server searches the extra shards that it holds, and reports no coverage for them.
pub async fn extra_shards_are_searched_too(server: Server) {
    let (_first, _second) = open_sources(&server, 30).await;
    let own = sharding().shard_of(&profile(0).id, position(0));
    let circle = around(0, 50_000.0);
    let mut extra_shards: Vec<_> = sharding().all().filter(|shard| *shard != own).collect();
    extra_shards.push(ShardId(SHARDS + 5));
    let search = Search::Nearest { circle, k: 100 };
    let query = ShardQuery { shards: vec![own], extra_shards, search, filter: DriverFilter::ANY };
    let result = server.search(query, Instant::now() + Duration::from_secs(20)).await.unwrap();
    assert_eq!((numbers(&result), result.uncovered), ((0..30).collect(), vec![]));
}

/// The statistics count the drivers of each shard and name the sources that have finished their snapshots.
pub async fn stats_count_the_drivers(server: Server) {
    let (mut first, _second) = open_sources(&server, 25).await;
    first.remove(&[Slot::new(3)]).await;
    let stats = server.stats().await.unwrap();
    assert_eq!(stats.len(), usize::from(SHARDS));
    assert_eq!(stats.iter().map(|stat| stat.drivers).sum::<u64>(), 24);
    for stat in &stats {
        assert!(stat.drivers == 0 || stat.bytes > 0, "{stat:?}");
        let mut sources: Vec<_> = stat.sources.iter().map(NodeId::as_str).collect();
        sources.sort_unstable();
        assert_eq!(sources, super::source::SOURCES);
    }
}
