//! Requests that are never complete.

use bytes::Bytes;
use futures::future::join_all;

use super::raw_client::{End, RawClient, WINDOW, framed, header};
use super::{STEP_TIMEOUT, WellBehaved, start};
use crate::support::eventually::in_time;

const REPORT: &str = "kerb.v1.FleetService/ReportPositions";
const MESSAGE_BYTES: u32 = 4 << 20;

#[tokio::test]
async fn incomplete_messages_hold_a_bounded_memory() {
    let (_dir, node) = start(&[]);
    let mut good = WellBehaved::open(&node).await;
    let before = node.memory_mib();
    let client = RawClient::connect(&node.address, WINDOW).await;
    let part = Bytes::from(vec![0; 3_900_000]);
    let mut calls = Vec::new();
    for _ in 0..200 {
        let mut call = client.call(REPORT).await.unwrap();
        call.request.send_data(header(MESSAGE_BYTES), false).unwrap();
        call.request.send_data(part.clone(), false).unwrap();
        calls.push(call);
    }
    // One connection may hold 64 MiB, so fewer than 20 of the messages are still waited for.
    let mut ended = 0;
    let mut ends: futures::stream::FuturesUnordered<_> = calls
        .into_iter()
        .map(|mut call| async move {
            let response = (&mut call.response).await;
            (response, call)
        })
        .collect();
    while ended < 180 {
        let next = futures::StreamExt::next(&mut ends);
        let (response, _call) = in_time("a call is rejected", STEP_TIMEOUT, next).await.unwrap();
        assert_eq!(response.unwrap().headers()["grpc-status"], "8");
        ended += 1;
        if ended % 20 == 0 {
            good.report().await;
        }
    }
    let grown = node.memory_mib() - before;
    assert!(grown < 300, "{grown} MiB");
    good.report().await;
}

#[tokio::test]
async fn requests_that_do_not_go_on_are_ended() {
    let (_dir, node) = start(&["server.first_message_timeout_ms=300", "server.message_timeout_ms=300"]);
    let mut good = WellBehaved::open(&node).await;
    let client = RawClient::connect(&node.address, WINDOW).await;
    let silent = [
        REPORT,
        "kerb.v1.DriverService/Connect",
        "kerb.v1.NearbyService/FindNearby",
        "kerb.v1.TripEventService/Subscribe",
        "grpc.health.v1.Health/Watch",
        "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    ];
    for path in silent {
        // Nothing, a part of a message, and a message without the end of the request.
        let nothing = client.call(path).await.unwrap();
        let mut part = client.call(path).await.unwrap();
        part.request.send_data(header(100), false).unwrap();
        let mut calls = vec![nothing, part];
        if path.ends_with("FindNearby") || path.ends_with("Watch") || path.ends_with("Subscribe") {
            let mut endless = client.call(path).await.unwrap();
            endless.request.send_data(framed(&[]), false).unwrap();
            calls.push(endless);
        }
        let ends = join_all(calls.into_iter().map(super::raw_client::RawCall::end)).await;
        // The reflection service of the library ends its answer without an error when a request fails.
        let status = if path.contains("reflection") { "0" } else { "4" };
        assert!(ends.iter().all(|end| *end == End::Status(status.to_owned())), "{path}: {ends:?}");
        good.report().await;
    }
}

#[tokio::test]
async fn a_trickle_is_as_late_as_silence() {
    let (_dir, node) = start(&["server.message_timeout_ms=300"]);
    let client = RawClient::connect(&node.address, WINDOW).await;
    let mut call = client.call(REPORT).await.unwrap();
    call.request.send_data(header(1_000_000), false).unwrap();
    let mut response = call.response;
    let mut ticks = crate::support::eventually::ticks(std::time::Duration::from_millis(20));
    let trickle = async {
        loop {
            tokio::select! {
                biased;
                response = &mut response => return response,
                _ = ticks.tick() => {
                    // The error of a stream that has ended shows in the response.
                    let _ = call.request.send_data(Bytes::from_static(&[0]), false);
                }
            }
        }
    };
    let response = in_time("the call ends", STEP_TIMEOUT, trickle).await.unwrap();
    assert_eq!(response.headers()["grpc-status"], "4");
}
