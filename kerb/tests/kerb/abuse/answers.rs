//! Answers that nobody reads.

use futures::future::join_all;
use kerb_proto::v1::{FindNearbyRequest, SubscribeRequest};
use prost::Message;
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use super::raw_client::{End, NO_WINDOW, RawCall, RawClient, WINDOW};
use super::{BERLIN, STEP_TIMEOUT, WellBehaved, start};
use crate::support::eventually::eventually;
use crate::support::gateway::{batch, report};
use crate::support::process::Process;
use crate::support::search::{city, find_nearby, request, within};

const FIND: &str = "kerb.v1.NearbyService/FindNearby";
const DRIVERS: usize = 3_000;

/// A search that finds all drivers of the city.
fn everyone() -> FindNearbyRequest {
    FindNearbyRequest { page_size: 10_000, ..request(within(BERLIN, 100_000.0)) }
}

/// Reports a city of drivers and waits until all of them are found.
async fn fill(node: &Process) {
    let mut rng = Pcg64Mcg::seed_from_u64(7);
    let truth = city(&mut rng, BERLIN, DRIVERS);
    report(node.channel(), vec![batch(&truth, 1, true)]).await.expect("positions are reported");
    let channel = node.channel();
    eventually("all drivers are found", STEP_TIMEOUT, async || {
        let found = find_nearby(&channel, everyone()).await.map_err(|error| error.to_string())?.drivers.len();
        if found >= DRIVERS { Ok(()) } else { Err(format!("{found} drivers")) }
    })
    .await;
}

#[tokio::test]
async fn unread_answers_hold_a_bounded_memory() {
    let (_dir, node) =
        start(&["server.buffered_bytes_per_connection_max=8000000", "aggregator.search_deadline_ms=10000"]);
    let mut good = WellBehaved::open(&node).await;
    fill(&node).await;
    let before = node.memory_mib();
    let client = RawClient::connect(&node.address, NO_WINDOW).await;
    let mut heads = Vec::new();
    for _ in 0..200 {
        let call = client.send(FIND, &everyone().encode_to_vec()).await.unwrap();
        heads.push(call.response);
    }
    let bodies = join_all(heads).await;
    let rejected = join_all(bodies.into_iter().map(|response| async {
        let (head, mut body) = response.unwrap().into_parts();
        // Without a window no data arrives, so the trailers follow at once or wait for the reader.
        let trailers = tokio::time::timeout(std::time::Duration::from_secs(5), body.trailers()).await;
        let trailers = trailers.ok().and_then(Result::ok).flatten().unwrap_or_default();
        let status = trailers.get("grpc-status").or(head.headers.get("grpc-status")).cloned();
        (status.is_some_and(|status| status == "8"), body)
    }))
    .await;
    // Each answer has more than 200 kB, so fewer than 50 fit.
    let count = rejected.iter().filter(|(is_rejected, _)| *is_rejected).count();
    assert!(count > 150, "{count} rejected");
    let grown = node.memory_mib() - before;
    assert!(grown < 100, "{grown} MiB");
    good.report().await;
    let found = find_nearby(&node.channel(), everyone()).await.unwrap().drivers.len();
    assert!(found >= DRIVERS, "{found} drivers for a client that reads");
}

#[tokio::test]
async fn a_reader_that_stalls_is_ended() {
    let (_dir, node) = start(&["server.stall_timeout_ms=300", "aggregator.search_deadline_ms=10000"]);
    let mut good = WellBehaved::open(&node).await;
    fill(&node).await;
    let client = RawClient::connect(&node.address, NO_WINDOW).await;
    let answer = client.send(FIND, &everyone().encode_to_vec()).await.unwrap();
    let watch = client.send("grpc.health.v1.Health/Watch", &[]).await.unwrap();
    for end in join_all([answer, watch].map(RawCall::end)).await {
        assert_eq!(end, End::Reset(Some(h2::Reason::CANCEL)));
    }
    // The connection goes on, and an open stream without anything to read does not stall.
    let watch = RawClient::connect(&node.address, WINDOW).await;
    let call = watch.send("grpc.health.v1.Health/Watch", &[]).await.unwrap();
    let mut body = call.response.await.unwrap().into_body();
    assert!(!body.data().await.unwrap().unwrap().is_empty());
    eventually("the log has the stalls", STEP_TIMEOUT, async || {
        let log = node.log();
        if log.contains("server.stall_timeout_ms") { Ok(()) } else { Err(log) }
    })
    .await;
    good.report().await;
    let nothing = tokio::time::timeout(std::time::Duration::from_secs(1), body.data()).await;
    assert!(nothing.is_err(), "{nothing:?}");
}

#[tokio::test]
async fn a_stalled_reader_that_reads_again_gets_the_status() {
    let (_dir, node) = start(&["server.stall_timeout_ms=3000", "aggregator.search_deadline_ms=10000"]);
    fill(&node).await;
    // The window ends within the first piece of the answer.
    let client = RawClient::connect(&node.address, 1_000).await;
    let call = client.send(FIND, &everyone().encode_to_vec()).await.unwrap();
    eventually("the reader has stalled", STEP_TIMEOUT, async || {
        let log = node.log();
        if log.contains("server.stall_timeout_ms") { Ok(()) } else { Err(log) }
    })
    .await;
    assert_eq!(call.end().await, End::Status("8".to_owned()));
}

#[tokio::test]
async fn subscriptions_are_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let node = Process::start(dir.path(), &["serve", "--set", "matcher.subscriptions_max=100"]);
    let mut good = WellBehaved::open(&node).await;
    let client = RawClient::connect(&node.address, NO_WINDOW).await;
    let subscribe = SubscribeRequest { market: "world".to_owned(), after: None }.encode_to_vec();
    let mut open = Vec::new();
    for _ in 0..300 {
        open.push(client.send("kerb.v1.TripEventService/Subscribe", &subscribe).await.unwrap());
    }
    let heads = join_all(open.iter_mut().map(|call| &mut call.response)).await;
    let rejected = heads.iter().filter(|head| {
        head.as_ref().unwrap().headers().get("grpc-status").is_some_and(|status| status == "8")
    });
    assert_eq!(rejected.count(), 200);
    assert!(node.threads() < 60, "{} threads", node.threads());
    good.report().await;
    // A subscription that ends makes room.
    drop((heads, open));
    eventually("a new subscription", STEP_TIMEOUT, async || {
        let call = client.send("kerb.v1.TripEventService/Subscribe", &subscribe).await.unwrap();
        let head = call.response.await.unwrap();
        if head.headers().contains_key("grpc-status") { Err("rejected".to_owned()) } else { Ok(()) }
    })
    .await;
}
