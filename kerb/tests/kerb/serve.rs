//! One process with all roles: positions in, exact answers out, across a kill.

use std::time::Duration;

use kerb_proto::v1::driver_query_service_client::DriverQueryServiceClient;
use kerb_proto::v1::{DriverStatus, GetDriverRequest, PositionUpdate};
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use tonic::transport::Endpoint;

use crate::driver::{DriverStream, register, update};
use crate::eventually::eventually;
use crate::gateway::{batch, report};
use crate::process::Process;
use crate::search::{
    Truth, ask, ask_and_judge, city, inside, is_complete, judge, nearest, point, random_search, request,
    within,
};

const BERLIN: (f64, f64) = (52.52, 13.405);
const SOON: Duration = Duration::from_secs(20);

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

    // A driver's own stream beside the gateway's.
    let mut stream = DriverStream::open(node.channel(), register("cab-7")).await.unwrap();
    assert_eq!(stream.registered.last_sequence, 0);
    for sequence in 1..=3 {
        let lat = BERLIN.0 + f64::from(sequence as u32) / 1_000.0;
        stream.report(update(sequence, lat, BERLIN.1)).await.unwrap();
    }
    truth.insert("cab-7".to_owned(), (BERLIN.0 + 0.003, BERLIN.1));

    let channel = node.channel();
    let everywhere = inside((BERLIN.0 - 1.0, BERLIN.1 - 1.0), (BERLIN.0 + 1.0, BERLIN.1 + 1.0));
    eventually("all are found", SOON, async || ask_and_judge(&channel, &truth, everywhere.clone()).await)
        .await;
    for _ in 0..200 {
        ask_and_judge(&channel, &truth, random_search(&mut rng, BERLIN)).await.unwrap();
    }
}

#[tokio::test]
async fn pages_together_are_the_whole_answer() {
    let mut rng = Pcg64Mcg::seed_from_u64(2);
    let dir = tempfile::tempdir().unwrap();
    let node = Process::start(dir.path(), &["serve", "--data-dir", "none"]);
    let truth = city(&mut rng, BERLIN, 500);
    report(node.channel(), vec![batch(&truth, 1, true)]).await.unwrap();
    let channel = node.channel();
    for search in [within(BERLIN, 50_000.0), inside((52.0, 13.0), (53.0, 14.0))] {
        eventually("all are found", SOON, async || ask_and_judge(&channel, &truth, search.clone()).await)
            .await;
        let mut whole = ask(&channel, request(search.clone())).await.unwrap();
        whole.drivers.clear();
        let mut page = request(search.clone());
        page.page_size = 37;
        loop {
            let answer = ask(&channel, page.clone()).await.unwrap();
            assert!(is_complete(answer.coverage.as_ref()) && answer.drivers.len() <= 37);
            whole.drivers.extend(answer.drivers);
            page.page_token = answer.next_page_token;
            if page.page_token.is_empty() {
                break;
            }
        }
        judge(&truth, &search, &whole).unwrap();
    }
}

#[tokio::test]
async fn the_index_is_complete_again_after_a_kill_without_a_report() {
    let mut rng = Pcg64Mcg::seed_from_u64(3);
    let dir = tempfile::tempdir().unwrap();
    let node = Process::start(dir.path(), &["serve"]);
    let truth = city(&mut rng, BERLIN, 1_000);
    report(node.channel(), vec![batch(&truth, 1, true)]).await.unwrap();
    let mut stream = DriverStream::open(node.channel(), register("late")).await.unwrap();
    stream.report(update(1, 10.0, 10.0)).await.unwrap();
    // At most the last second may be lost, so another second's worth of reports must pass before the kill.
    let mut sequence = 1;
    let mut beat = crate::eventually::beat(Duration::from_millis(300));
    for _ in 0..5 {
        beat.tick().await;
        sequence += 1;
        stream.report(update(sequence, 10.0, 10.0 + sequence as f64 / 100.0)).await.unwrap();
    }
    node.kill();

    let node = Process::start(dir.path(), &["serve"]);
    let channel = node.channel();
    let everywhere = inside((BERLIN.0 - 1.0, BERLIN.1 - 1.0), (BERLIN.0 + 1.0, BERLIN.1 + 1.0));
    eventually("complete again", SOON, async || ask_and_judge(&channel, &truth, everywhere.clone()).await)
        .await;
    let found = ask(&channel, request(nearest((10.0, 10.0), 1, 100_000.0))).await.unwrap();
    assert_eq!(found.drivers.len(), 1);
    assert!(found.drivers[0].position.unwrap().sequence >= 2, "more than a second was lost: {found:?}");
    // The driver goes on where it was.
    let stream = DriverStream::open(node.channel(), register("late")).await.unwrap();
    assert!(stream.registered.last_sequence >= 2, "{:?}", stream.registered);
}

#[tokio::test]
async fn an_orderly_stop_loses_nothing_and_tells_the_streams() {
    let dir = tempfile::tempdir().unwrap();
    let node = Process::start(dir.path(), &["serve"]);
    let mut stream = DriverStream::open(node.channel(), register("cab-1")).await.unwrap();
    stream.report(update(41, 1.0, 1.0)).await.unwrap();
    let ended = tokio::task::spawn_blocking(move || node.stop());
    let told = stream.acknowledged(u64::MAX).await.unwrap_err();
    assert_eq!(told.code(), tonic::Code::Unavailable, "{told:?}");
    assert!(ended.await.unwrap().success(), "an orderly stop is a success");

    let node = Process::start(dir.path(), &["serve"]);
    let stream = DriverStream::open(node.channel(), register("cab-1")).await.unwrap();
    assert_eq!(stream.registered.last_sequence, 41);
}

#[tokio::test]
async fn a_second_signal_stops_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let node = Process::start(dir.path(), &["serve", "--set", "node.drain_ms=600000"]);
    // A stream of an app that neither reads nor leaves keeps the drain waiting.
    let mut stream = DriverStream::open(node.channel(), register("cab-1")).await.unwrap();
    stream.report(update(1, 1.0, 1.0)).await.unwrap();
    node.signal("TERM");
    node.signal("INT");
    let ended = tokio::task::spawn_blocking(move || node.wait());
    ended.await.unwrap();
}

#[tokio::test]
async fn the_newer_stream_of_a_driver_wins_and_the_older_is_told_why() {
    let dir = tempfile::tempdir().unwrap();
    let node = Process::start(dir.path(), &["serve", "--data-dir", "none"]);
    let mut older = DriverStream::open(node.channel(), register("twin")).await.unwrap();
    older.report(update(5, 1.0, 1.0)).await.unwrap();
    let mut newer = DriverStream::open(node.channel(), register("twin")).await.unwrap();
    assert_eq!(newer.registered.last_sequence, 5);
    let newer_time_ms = newer.registered.server_time_ms;
    let told = older.acknowledged(u64::MAX).await.unwrap_err();
    assert_eq!(told.code(), tonic::Code::Aborted);
    assert!(told.message().contains("newer stream"), "{told:?}");
    // Late and repeated updates are dropped and counted. A repeated one has the same time, too.
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
async fn an_app_that_reads_nothing_is_heard_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let options = ["serve", "--data-dir", "none", "--set", "location_ingest.driver_updates_per_s=0"];
    let node = Process::start(dir.path(), &options);
    // A connection of its own, with room for some 30 acknowledgements.
    let endpoint = Endpoint::from_shared(node.url()).unwrap();
    let channel = endpoint.initial_stream_window_size(2_048).connect().await.unwrap();
    let mut stream = DriverStream::open(channel, register("cab")).await.unwrap();
    for sequence in 1..=5_000 {
        assert!(stream.send(update(sequence, 1.0, 1.0)).await);
    }
    let query = DriverQueryServiceClient::new(node.channel());
    eventually("the last one is applied", SOON, async || {
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
    eventually("it is there", SOON, async || ask_and_judge(&channel, &here, search.clone()).await).await;
    let mut leaving = update(2, 1.0, 1.0);
    leaving.set_status(DriverStatus::Offline);
    stream.report(leaving).await.unwrap();
    let nobody = Truth::new();
    eventually("it left", SOON, async || ask_and_judge(&channel, &nobody, search.clone()).await).await;
    stream.report(update(3, 1.0, 1.0)).await.unwrap();
    eventually("it is back", SOON, async || ask_and_judge(&channel, &here, search.clone()).await).await;
}
