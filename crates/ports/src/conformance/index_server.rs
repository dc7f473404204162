//! What every index server does: `PositionSink`, `ShardSearch` and `IndexAdmin` together.
//!
//! [`index_server_conformance!`](crate::index_server_conformance) makes one test of each case. A case gets a fresh
//! server that holds every shard of [`sharding`], runs with the default catalog, has a clock that stands at
//! [`NOW_MS`](super::source::NOW_MS), and is told that [`SOURCES`](super::source::SOURCES) are the live ingest nodes.

use std::sync::Arc;
use std::time::Duration;

use kerb_geometry::{Circle, LatLng, Polygon};
use tokio::time::Instant;

use super::source::{SHARDS, Source, line_of, place, profile, sharding, update};
use crate::{
    Batch, Control, Cursor, DriverFilter, ErrorCode, Eviction, Frame, IndexServer, Search, ShardQuery,
    ShardResult, SourceRegistration,
};
use kerb_types::{Capabilities, DriverStatus, NodeId, ShardId, UpdateVersion};

type Server = Arc<dyn IndexServer>;

/// Makes a `#[tokio::test]` of every case. `$server` is an async function that answers
/// `(Arc<dyn IndexServer>, impl Sized)`; the second value lives as long as the case.
#[macro_export]
macro_rules! index_server_conformance {
    ($server:path) => {
        $crate::index_server_conformance! { @cases $server;
            searches_answer_in_their_order, pages_visit_everybody_once, filters_apply_before_the_limit,
            a_shard_is_covered_when_every_source_has_finished, a_moved_driver_is_found_once,
            an_older_update_version_never_wins, a_source_removes_only_what_it_owns,
            a_removed_driver_is_not_brought_back_by_an_older_state,
            a_full_part_removes_what_it_does_not_repeat, a_newer_session_supersedes,
            a_forgotten_driver_stays_away_unless_newer, a_refill_empties_and_asks_again,
            other_settings_are_refused, a_broken_protocol_harms_nobody_else, shards_not_held_are_named,
            shards_asked_of_others_are_searched_too, stats_count_the_drivers,
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

/// Asks all shards.
async fn ask(server: &Server, search: Search, filter: DriverFilter) -> ShardResult {
    let query = ShardQuery { shards: sharding().all().collect(), extra_shards: vec![], search, filter };
    server.search(query, Instant::now() + Duration::from_secs(20)).await.unwrap()
}

/// Numbers of the found drivers, in the answer's order.
fn numbers(answer: &ShardResult) -> Vec<u32> {
    answer
        .neighbors
        .iter()
        .map(|neighbor| neighbor.profile.id.as_str()["driver-".len()..].parse().unwrap())
        .collect()
}

fn around(number: u32, radius_m: f64) -> Circle {
    Circle::new(place(number), radius_m).unwrap()
}

async fn nearest(server: &Server, number: u32, k: u32) -> Vec<u32> {
    let search = Search::Nearest { circle: around(number, 50_000.0), k };
    numbers(&ask(server, search, DriverFilter::ANY).await)
}

/// Both sources have finished; the first has the drivers.
async fn covered(server: &Server, count: u32) -> (Source, Source) {
    let first = Source::open_with(server, 0, &line_of(count)).await;
    (first, Source::open_with(server, 1, &[]).await)
}

/// Nearest, radius and polygon searches find whom they must, in the order that they promise.
pub async fn searches_answer_in_their_order(server: Server) {
    let _sources = covered(&server, 40).await;
    assert_eq!(nearest(&server, 0, 5).await, [0, 1, 2, 3, 4]);
    let search = Search::WithinRadius { circle: around(0, 1_000.0), limit: 100, after: None };
    let answer = ask(&server, search, DriverFilter::ANY).await;
    assert_eq!(numbers(&answer), (0..9).collect::<Vec<_>>());
    assert!(answer.neighbors.is_sorted_by(|a, b| a.hav <= b.hav));
    assert!(answer.uncovered.is_empty());
    let corner = |lat: f64, lon: f64| LatLng::new(lat, lon).unwrap();
    let ring = vec![
        corner(37.7095, -123.0),
        corner(37.7095, -122.0),
        corner(37.7145, -122.0),
        corner(37.7145, -123.0),
    ];
    let polygon = Arc::new(Polygon::new(ring).unwrap());
    let search = Search::WithinPolygon { polygon, limit: 100, after: None };
    assert_eq!(numbers(&ask(&server, search, DriverFilter::ANY).await), [10, 11, 12, 13, 14]);
}

/// Pages by cursor visit every driver once, also where many stand at one place.
pub async fn pages_visit_everybody_once(server: Server) {
    let mut updates = line_of(30);
    updates.extend((30..60).map(|number| update(number, place(3), 1)));
    let _first = Source::open_with(&server, 0, &updates).await;
    let _second = Source::open_with(&server, 1, &[]).await;
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let search = Search::WithinRadius { circle: around(0, 20_000.0), limit: 7, after };
        let answer = ask(&server, search, DriverFilter::ANY).await;
        let Some(last) = answer.neighbors.last() else { break };
        after = Some(Cursor { hav: last.hav, id: last.profile.id.clone() });
        seen.extend(numbers(&answer));
    }
    let expected: Vec<u32> = (0..4).chain(30..60).chain(4..30).collect();
    assert_eq!(seen, expected);
}

/// A filter takes nothing from the limit.
pub async fn filters_apply_before_the_limit(server: Server) {
    let mut updates = line_of(40);
    for update in &mut updates[..20] {
        update.status = DriverStatus::OnTrip;
        update.update_version.time_ms -= 10_000;
    }
    let _first = Source::open_with(&server, 0, &updates).await;
    let _second = Source::open_with(&server, 1, &[]).await;
    let filtered = async |filter| {
        numbers(&ask(&server, Search::Nearest { circle: around(0, 50_000.0), k: 3 }, filter).await)
    };
    let any = DriverFilter::ANY;
    let available = 1 << DriverStatus::Available as u8;
    assert_eq!(filtered(DriverFilter { statuses: available, ..any }).await, [20, 21, 22]);
    assert_eq!(filtered(DriverFilter { vehicle_classes: 0b100, ..any }).await, [2, 5, 8]);
    assert_eq!(filtered(DriverFilter { capabilities: Capabilities(0b11), ..any }).await, [3, 7, 11]);
    let time_min_ms = super::source::NOW_MS - 9_999;
    assert_eq!(filtered(DriverFilter { time_min_ms, ..any }).await, [20, 21, 22]);
}

/// Until each live ingest node has finished its part, the shards are named as uncovered.
pub async fn a_shard_is_covered_when_every_source_has_finished(server: Server) {
    let search = || Search::Nearest { circle: around(0, 50_000.0), k: 3 };
    let uncovered = async || ask(&server, search(), DriverFilter::ANY).await.uncovered.len();
    assert_eq!(uncovered().await, usize::from(SHARDS));
    let _first = Source::open_with(&server, 0, &line_of(3)).await;
    assert_eq!(uncovered().await, usize::from(SHARDS));
    let mut second = Source::open(&server, 1).await;
    second.full_part(sharding().all().take(10).collect(), &[]).await;
    assert_eq!(uncovered().await, usize::from(SHARDS) - 10);
    second.full_part(sharding().all().skip(10).collect(), &[]).await;
    assert_eq!(uncovered().await, 0);
}

/// A driver who jumps to another shard is there, and nowhere else.
pub async fn a_moved_driver_is_found_once(server: Server) {
    let (mut first, _second) = covered(&server, 10).await;
    let far = LatLng::new(-33.87, 151.21).unwrap();
    first.send(&[update(4, far, 2)]).await;
    assert_eq!(nearest(&server, 0, 10).await, [0, 1, 2, 3, 5, 6, 7, 8, 9]);
    let search = Search::Nearest { circle: Circle::new(far, 100.0).unwrap(), k: 10 };
    assert_eq!(numbers(&ask(&server, search, DriverFilter::ANY).await), [4]);
}

/// Newest wins by sequence, then time, whichever node sends it.
pub async fn an_older_update_version_never_wins(server: Server) {
    let (mut first, mut second) = covered(&server, 3).await;
    second.send(&[update(0, place(20), 5)]).await;
    assert_eq!(nearest(&server, 20, 1).await, [0]);
    first.send(&[update(0, place(0), 4)]).await;
    first.send(&[update(0, place(0), 5)]).await;
    assert_eq!(nearest(&server, 20, 1).await, [0]);
    first.send(&[update(0, place(0), 6)]).await;
    assert_eq!(nearest(&server, 0, 1).await, [0]);
    let mut later = update(0, place(20), 6);
    later.update_version.time_ms += 1;
    second.send(&[later]).await;
    assert_eq!(nearest(&server, 20, 1).await, [0]);
}

/// A removal by a node that does not have the newest state is ignored.
pub async fn a_source_removes_only_what_it_owns(server: Server) {
    let (mut first, mut second) = covered(&server, 3).await;
    second.send(&[update(0, place(0), 2)]).await;
    first.remove(&[0, 1]).await;
    assert_eq!(nearest(&server, 0, 5).await, [0, 2]);
    second.remove(&[0]).await;
    assert_eq!(nearest(&server, 0, 5).await, [2]);
}

/// A node that comes back from a pause with an older state does not undo the removal by the node that had the newer.
pub async fn a_removed_driver_is_not_brought_back_by_an_older_state(server: Server) {
    let (mut first, mut second) = covered(&server, 2).await;
    second.send(&[update(0, place(0), 5)]).await;
    second.remove(&[0]).await;
    first.full_part(sharding().all().collect(), &line_of(2)).await;
    assert_eq!(nearest(&server, 0, 5).await, [1]);
    second.send(&[update(0, place(0), 6)]).await;
    assert_eq!(nearest(&server, 0, 5).await, [0, 1]);
}

/// The full part is the whole truth of its source about its shards, and of nobody else.
pub async fn a_full_part_removes_what_it_does_not_repeat(server: Server) {
    let (first, mut second) = covered(&server, 6).await;
    second.send(&[update(5, place(5), 2)]).await;
    drop(first);
    let repeated = [update(1, place(1), 1), update(2, place(2), 3)];
    let _again = Source::open_with(&server, 0, &repeated).await;
    assert_eq!(nearest(&server, 0, 9).await, [1, 2, 5]);
}

/// A second session of a node ends the first, and nothing that the first sends is applied any more.
pub async fn a_newer_session_supersedes(server: Server) {
    let (mut first, _second) = covered(&server, 2).await;
    let _newer = Source::open_with(&server, 0, &line_of(2)).await;
    let batch = Batch { updates: vec![update(0, place(9), 9)], ..Batch::default() };
    let sent = first.session.send(Frame::Batch(batch)).await;
    let error = match sent {
        Err(error) => error,
        Ok(()) => first.session.flush().await.unwrap_err(),
    };
    assert_eq!(error.code(), ErrorCode::Superseded, "{error}");
    assert_eq!(nearest(&server, 0, 2).await, [0, 1]);
}

/// A resume token's forget removes a driver, keeps its old node from bringing it back, and yields to newer state.
pub async fn a_forgotten_driver_stays_away_unless_newer(server: Server) {
    let (mut first, mut second) = covered(&server, 3).await;
    first.send(&[update(2, place(2), 7)]).await;
    let forget = |number, sequence| Eviction {
        id: profile(number).id.clone(),
        update_version: UpdateVersion { sequence, time_ms: super::source::NOW_MS },
    };
    second.batch(Batch { evictions: vec![forget(1, 3), forget(2, 6)], ..Batch::default() }).await;
    assert_eq!(nearest(&server, 0, 5).await, [0, 2]);
    first.full_part(sharding().all().collect(), &[update(0, place(0), 1), update(1, place(1), 3)]).await;
    assert_eq!(nearest(&server, 0, 5).await, [0]);
    first.send(&[update(1, place(1), 4)]).await;
    assert_eq!(nearest(&server, 0, 5).await, [0, 1]);
}

/// A resync empties shards, asks every source, and is over when each has sent its part.
pub async fn a_refill_empties_and_asks_again(server: Server) {
    let (mut first, mut second) = covered(&server, 4).await;
    let shards = server.resync(vec![]).await.unwrap();
    assert_eq!(shards.len(), usize::from(SHARDS));
    let search = Search::Nearest { circle: around(0, 50_000.0), k: 9 };
    let answer = ask(&server, search, DriverFilter::ANY).await;
    assert_eq!((answer.neighbors.len(), answer.uncovered.len()), (0, usize::from(SHARDS)));
    for source in [&mut first, &mut second] {
        let Control::Resync(asked) = source.session.control().await.unwrap();
        assert_eq!(asked, shards);
    }
    first.full_part(shards.clone(), &line_of(4)).await;
    second.full_part(shards, &[]).await;
    assert_eq!(nearest(&server, 0, 9).await, [0, 1, 2, 3]);
    assert!(server.stats().await.unwrap().iter().all(|stat| stat.covered));
}

/// A source with other classes, capabilities or sharding is told so.
pub async fn other_settings_are_refused(server: Server) {
    let register = SourceRegistration { node: NodeId::new("ingest-a").unwrap(), settings_fingerprint: 1 };
    let error = match server.open(register).await {
        Err(error) => error,
        Ok(mut session) => session.flush().await.unwrap_err(),
    };
    assert_eq!(error.code(), ErrorCode::Mismatch, "{error}");
}

/// Frames out of order end their session alone.
pub async fn a_broken_protocol_harms_nobody_else(server: Server) {
    let broken = [
        Frame::Batch(Batch { updates: vec![update(77, place(0), 1)], ..Batch::default() }),
        Frame::Batch(Batch { removals: vec![u32::MAX], ..Batch::default() }),
        Frame::SnapshotEnd { round: 99 },
        Frame::SnapshotBegin { round: 50, shards: vec![ShardId(SHARDS)] },
    ];
    let (_first, mut second) = covered(&server, 3).await;
    for frame in broken {
        let mut bad = Source::open(&server, 0).await;
        let sent = bad.session.send(frame.clone()).await;
        let error = match sent {
            Err(error) => error,
            Ok(()) => bad.session.flush().await.unwrap_err(),
        };
        assert_eq!(error.code(), ErrorCode::Mismatch, "{frame:?}: {error}");
        second.send(&[update(9, place(9), 1)]).await;
    }
    assert_eq!(nearest(&server, 0, 9).await, [0, 1, 2, 9]);
}

/// Shards that the server does not hold are uncovered in a search and refused in a resync.
pub async fn shards_not_held_are_named(server: Server) {
    let _sources = covered(&server, 3).await;
    let search = Search::Nearest { circle: around(0, 50_000.0), k: 3 };
    let mut shards: Vec<_> = sharding().all().collect();
    shards.push(ShardId(SHARDS + 5));
    let query = ShardQuery { shards, extra_shards: vec![], search, filter: DriverFilter::ANY };
    let answer = server.search(query, Instant::now() + Duration::from_secs(20)).await.unwrap();
    assert_eq!((numbers(&answer), answer.uncovered), (vec![0, 1, 2], vec![ShardId(SHARDS + 5)]));
    let error = server.resync(vec![ShardId(SHARDS + 5)]).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Invalid, "{error}");
}

/// Shards that others are asked for are searched as far as they are here, and promised nothing of.
pub async fn shards_asked_of_others_are_searched_too(server: Server) {
    let (_first, _second) = covered(&server, 30).await;
    let own = sharding().shard_of(&profile(0).id, place(0));
    let circle = around(0, 50_000.0);
    let mut extra_shards: Vec<_> = sharding().all().filter(|shard| *shard != own).collect();
    extra_shards.push(ShardId(SHARDS + 5));
    let search = Search::Nearest { circle, k: 100 };
    let query = ShardQuery { shards: vec![own], extra_shards, search, filter: DriverFilter::ANY };
    let answer = server.search(query, Instant::now() + Duration::from_secs(20)).await.unwrap();
    assert_eq!((numbers(&answer), answer.uncovered), ((0..30).collect(), vec![]));
}

/// Stats count drivers where they are and name the sources that have finished.
pub async fn stats_count_the_drivers(server: Server) {
    let (mut first, _second) = covered(&server, 25).await;
    first.remove(&[3]).await;
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
