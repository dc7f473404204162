//! One process with all roles: exact searches, restarts, and the streams of drivers.

use std::time::Duration;

use kerb_proto::v1::driver_query_service_client::DriverQueryServiceClient;
use kerb_proto::v1::{DriverStatus, GetDriverRequest, PositionUpdate};
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use tonic::transport::Endpoint;

use crate::support::driver::{DriverStream, register, update};
use crate::support::eventually::eventually;
use crate::support::gateway::{batch, report};
use crate::support::process::Process;
use crate::support::search::{
    Truth, check, city, find_and_check, find_nearby, inside, is_complete, nearest, point, random_search,
    request, within,
};

const BERLIN: (f64, f64) = (52.52, 13.405);
const STEP_TIMEOUT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn streamed_positions_are_found_exactly() {
    let seed = 1;
    println!("seed {seed}");
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let dir = tempfile::tempdir().unwrap();
    let node = Process::start(dir.path(), &["serve"]);
    let mut truth = city(&mut rng, BERLIN, 2_000);
    let counted = report(node.channel(), vec![batch(&truth, 1, true)]).await.unwrap();
    assert_eq!((counted.received, counted.applied), (2_000, 2_000), "{counted:?}");

    // One driver has its own stream, next to the gateway's.
    let mut stream = DriverStream::open(node.channel(), register("cab-7")).await.unwrap();
    assert_eq!(stream.registered.last_sequence, 0);
    for sequence in 1..=3_u32 {
        let lat = BERLIN.0 + f64::from(sequence) / 1_000.0;
        stream.report(update(u64::from(sequence), lat, BERLIN.1)).await.unwrap();
    }
    truth.insert("cab-7".to_owned(), (BERLIN.0 + 0.003, BERLIN.1));

    let channel = node.channel();
    let everywhere = inside((BERLIN.0 - 1.0, BERLIN.1 - 1.0), (BERLIN.0 + 1.0, BERLIN.1 + 1.0));
    eventually("all are found", STEP_TIMEOUT, async || {
        find_and_check(&channel, &truth, everywhere.clone()).await
    })
    .await;
    for _ in 0..200 {
        find_and_check(&channel, &truth, random_search(&mut rng, BERLIN)).await.unwrap();
    }
}

#[tokio::test]
async fn all_pages_together_are_the_complete_answer() {
    let mut rng = Pcg64Mcg::seed_from_u64(2);
    let dir = tempfile::tempdir().unwrap();
    let node = Process::start(dir.path(), &["serve", "--data-dir", "none"]);
    let truth = city(&mut rng, BERLIN, 500);
    report(node.channel(), vec![batch(&truth, 1, true)]).await.unwrap();
    let channel = node.channel();
    for search in [within(BERLIN, 50_000.0), inside((52.0, 13.0), (53.0, 14.0))] {
        eventually("all are found", STEP_TIMEOUT, async || {
            find_and_check(&channel, &truth, search.clone()).await
        })
        .await;
        let mut whole = find_nearby(&channel, request(search.clone())).await.unwrap();
        whole.drivers.clear();
        let mut page = request(search.clone());
        page.page_size = 37;
        loop {
            let answer = find_nearby(&channel, page.clone()).await.unwrap();
            assert!(is_complete(answer.coverage.as_ref()) && answer.drivers.len() <= 37);
            whole.drivers.extend(answer.drivers);
            page.page_token = answer.next_page_token;
            if page.page_token.is_empty() {
                break;
            }
        }
        check(&truth, &search, &whole).unwrap();
    }
}

#[tokio::test]
async fn a_killed_node_restores_its_index_without_new_reports() {
    let mut rng = Pcg64Mcg::seed_from_u64(3);
    let dir = tempfile::tempdir().unwrap();
    let node = Process::start(dir.path(), &["serve"]);
    let truth = city(&mut rng, BERLIN, 1_000);
    report(node.channel(), vec![batch(&truth, 1, true)]).await.unwrap();
    let mut stream = DriverStream::open(node.channel(), register("late")).await.unwrap();
    stream.report(update(1, 10.0, 10.0)).await.unwrap();
    // The node may lose the last second of reports, so there are reports for more than a second before the kill.
    let mut sequence = 1;
    let mut ticks = crate::support::eventually::ticks(Duration::from_millis(300));
    for _ in 0..5 {
        ticks.tick().await;
        sequence += 1;
        stream.report(update(sequence, 10.0, 10.0 + sequence as f64 / 100.0)).await.unwrap();
    }
    node.kill();

    let node = Process::start(dir.path(), &["serve"]);
    let channel = node.channel();
    let everywhere = inside((BERLIN.0 - 1.0, BERLIN.1 - 1.0), (BERLIN.0 + 1.0, BERLIN.1 + 1.0));
    eventually("complete again", STEP_TIMEOUT, async || {
        find_and_check(&channel, &truth, everywhere.clone()).await
    })
    .await;
    let found = find_nearby(&channel, request(nearest((10.0, 10.0), 1, 100_000.0))).await.unwrap();
    assert_eq!(found.drivers.len(), 1);
    assert!(found.drivers[0].position.unwrap().sequence >= 2, "more than a second was lost: {found:?}");
    // The driver continues its sequence.
    let stream = DriverStream::open(node.channel(), register("late")).await.unwrap();
    assert!(stream.registered.last_sequence >= 2, "{:?}", stream.registered);
}

#[tokio::test]
async fn an_orderly_stop_loses_nothing_and_ends_the_streams() {
    let dir = tempfile::tempdir().unwrap();
    let node = Process::start(dir.path(), &["serve"]);
    let mut stream = DriverStream::open(node.channel(), register("cab-1")).await.unwrap();
    stream.report(update(41, 1.0, 1.0)).await.unwrap();
    let ended = tokio::task::spawn_blocking(move || node.stop());
    let status = stream.acknowledged(u64::MAX).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable, "{status:?}");
    assert!(ended.await.unwrap().success(), "an orderly stop is a success");

    let node = Process::start(dir.path(), &["serve"]);
    let stream = DriverStream::open(node.channel(), register("cab-1")).await.unwrap();
    assert_eq!(stream.registered.last_sequence, 41);
}

#[tokio::test]
async fn a_second_signal_stops_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let node = Process::start(dir.path(), &["serve", "--set", "node.drain_ms=600000"]);
    // The drain waits for the stream of an app that neither reads nor closes it.
    let mut stream = DriverStream::open(node.channel(), register("cab-1")).await.unwrap();
    stream.report(update(1, 1.0, 1.0)).await.unwrap();
    node.signal("TERM");
    node.signal("INT");
    let ended = tokio::task::spawn_blocking(move || node.wait());
    ended.await.unwrap();
}

#[tokio::test]
async fn a_newer_stream_of_a_driver_ends_the_older_one_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    let node = Process::start(dir.path(), &["serve", "--data-dir", "none"]);
    let mut older = DriverStream::open(node.channel(), register("twin")).await.unwrap();
    older.report(update(5, 1.0, 1.0)).await.unwrap();
    let mut newer = DriverStream::open(node.channel(), register("twin")).await.unwrap();
    assert_eq!(newer.registered.last_sequence, 5);
    let newer_time_ms = newer.registered.server_time_ms;
    let status = older.acknowledged(u64::MAX).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Aborted);
    assert!(status.message().contains("newer stream"), "{status:?}");
    // Late and repeated updates are dropped and counted. A repeated update has the same time, too.
    let at = |sequence, lat| PositionUpdate { time_ms: newer_time_ms, ..update(sequence, lat, lat) };
    newer.report(at(6, 2.0)).await.unwrap();
    assert!(newer.send(at(4, 3.0)).await && newer.send(at(6, 3.0)).await);
    let ack = newer.report(at(7, 2.0)).await.unwrap();
    assert_eq!(ack.dropped_late, 2);

    let mut query = DriverQueryServiceClient::new(node.channel());
    let twin = query.get_driver(GetDriverRequest { driver_id: "twin".into() }).await.unwrap().into_inner();
    assert_eq!(twin.position.unwrap().location, Some(point(2.0, 2.0)));
    assert!(twin.connected && twin.searchable);
    let missing = query.get_driver(GetDriverRequest { driver_id: "nobody".into() }).await.unwrap_err();
    assert_eq!(missing.code(), tonic::Code::NotFound);
}

#[tokio::test]
async fn updates_of_an_app_that_reads_nothing_are_applied() {
    let dir = tempfile::tempdir().unwrap();
    let options = ["serve", "--data-dir", "none", "--set", "location_ingest.driver_updates_per_s=0"];
    let node = Process::start(dir.path(), &options);
    // This connection has room for some 30 acknowledgements.
    let endpoint = Endpoint::from_shared(node.url()).unwrap();
    let channel = endpoint.initial_stream_window_size(2_048).connect().await.unwrap();
    let mut stream = DriverStream::open(channel, register("cab")).await.unwrap();
    for sequence in 1..=5_000 {
        assert!(stream.send(update(sequence, 1.0, 1.0)).await);
    }
    let query = DriverQueryServiceClient::new(node.channel());
    eventually("the last one is applied", STEP_TIMEOUT, async || {
        let request = GetDriverRequest { driver_id: "cab".into() };
        let cab = query.clone().get_driver(request).await.map_err(|status| status.to_string())?.into_inner();
        let sequence = cab.position.map(|position| position.sequence);
        if sequence == Some(5_000) { Ok(()) } else { Err(format!("{sequence:?} is the newest")) }
    })
    .await;
    stream.acknowledged(5_000).await.unwrap();
}

#[tokio::test]
async fn an_offline_driver_leaves_the_index_and_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let node = Process::start(dir.path(), &["serve", "--data-dir", "none"]);
    let channel = node.channel();
    let mut stream = DriverStream::open(node.channel(), register("cab")).await.unwrap();
    let here: Truth = [("cab".to_owned(), (1.0, 1.0))].into();
    let search = nearest((1.0, 1.0), 5, 1_000.0);
    stream.report(update(1, 1.0, 1.0)).await.unwrap();
    eventually("it is there", STEP_TIMEOUT, async || find_and_check(&channel, &here, search.clone()).await)
        .await;
    let mut leaving = update(2, 1.0, 1.0);
    leaving.set_status(DriverStatus::Offline);
    stream.report(leaving).await.unwrap();
    let nobody = Truth::new();
    eventually("it left", STEP_TIMEOUT, async || find_and_check(&channel, &nobody, search.clone()).await)
        .await;
    stream.report(update(3, 1.0, 1.0)).await.unwrap();
    eventually("it is back", STEP_TIMEOUT, async || find_and_check(&channel, &here, search.clone()).await)
        .await;
}
