use std::time::Duration;

use kerb_aggregator::Options;
use kerb_ports::ErrorCode;
use kerb_types::{DriverId, DriverStatus, KnownDriver, KnownPosition, Motion, ShardId, UpdateVersion};
use tokio::time::Instant;

use crate::fakes::{Cluster, NOW_MS, Script, neighbor};

const DEADLINE: Duration = Duration::from_millis(200);

fn id() -> DriverId {
    DriverId::new("cab").unwrap()
}

fn known(sequence: Option<u64>, connected: bool) -> KnownDriver {
    let neighbor = neighbor("cab", 1, 0);
    let position = sequence.map(|sequence| KnownPosition {
        position: neighbor.position,
        update_version: UpdateVersion { sequence, time: NOW_MS },
        motion: Motion::NONE,
        accuracy_dm: Motion::NOT_KNOWN,
        shard: ShardId(1),
    });
    KnownDriver {
        profile: neighbor.profile,
        status: DriverStatus::Available,
        connected,
        reserved: false,
        searchable: true,
        position,
    }
}

/// What comes of what two nodes say, and how long it takes.
async fn ask(
    said: [Option<KnownDriver>; 2],
    scripts: [Script; 2],
    live: bool,
) -> (Result<(String, KnownDriver), ErrorCode>, Duration) {
    let cluster = Cluster::new(1, 1);
    for (ingest, (said, script)) in cluster.ingest.iter().zip(said.into_iter().zip(scripts)) {
        ingest.known.lock().unwrap().extend(said.map(|said| (id(), said)));
        *ingest.script.lock().unwrap() = script;
    }
    cluster.set_live("ingest-1", live);
    let started = Instant::now();
    let located = cluster.aggregator(Options::default()).driver(id(), started + DEADLINE).await;
    let located = located.map(|located| (located.node.to_string(), located.driver));
    (located.map_err(|error| error.code()), started.elapsed())
}

const WELL: [Script; 2] = [Script::Immediate, Script::Immediate];

#[tokio::test(start_paused = true)]
async fn the_newest_update_version_wins_and_a_stream_anywhere_means_connected() {
    let (located, _) = ask([Some(known(Some(5), false)), Some(known(Some(9), false))], WELL, true).await;
    assert_eq!(located.unwrap(), ("ingest-1".to_owned(), known(Some(9), false)));
    let (located, _) = ask([Some(known(Some(5), false)), Some(known(Some(5), true))], WELL, true).await;
    assert_eq!(located.unwrap(), ("ingest-1".to_owned(), known(Some(5), true)));
    // Connected anew and silent so far: its place is the older node's, its stream the newer one's.
    let (located, _) = ask([Some(known(Some(5), false)), Some(known(None, true))], WELL, true).await;
    assert_eq!(located.unwrap(), ("ingest-1".to_owned(), known(Some(5), true)));
}

#[tokio::test(start_paused = true)]
async fn unknown_everywhere_is_not_found() {
    assert_eq!(ask([None, None], WELL, true).await, (Err(ErrorCode::NotFound), Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn unknown_with_a_node_that_does_not_answer_is_unavailable() {
    let silent = [Script::Immediate, Script::Silent];
    assert_eq!(ask([None, None], silent.clone(), true).await, (Err(ErrorCode::Unavailable), DEADLINE));
    assert_eq!(ask([None, None], silent, false).await, (Err(ErrorCode::Unavailable), DEADLINE));
    let fails = [Script::Immediate, Script::Fails];
    assert_eq!(ask([None, None], fails, true).await, (Err(ErrorCode::Unavailable), Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_known_driver_is_answered_without_the_nodes_that_do_not_answer() {
    let silent = [Script::Immediate, Script::Silent];
    let (located, took) = ask([Some(known(Some(5), true)), None], silent.clone(), true).await;
    assert!(located.is_ok());
    assert_eq!(took, DEADLINE, "a live node may know something newer");
    let (located, took) = ask([Some(known(Some(5), true)), None], silent, false).await;
    assert!(located.is_ok());
    assert_eq!(took, Duration::ZERO, "a dead one is not waited for");
}
