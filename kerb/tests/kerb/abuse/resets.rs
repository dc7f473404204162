//! Calls that their client gives up.

use super::raw_client::{End, RawClient, WINDOW};
use super::{STEP_TIMEOUT, WellBehaved, start};
use crate::support::eventually::in_time;

const CHECK: &str = "grpc.health.v1.Health/Check";

#[tokio::test]
async fn a_client_that_gives_up_many_calls_in_a_freeze_keeps_its_connection() {
    let (_dir, node) = start(&[]);
    let client = RawClient::connect(&node.address, WINDOW).await;
    let first = client.send(CHECK, &[]).await.unwrap();
    assert_eq!(first.end().await, End::Status("0".to_owned()));
    let watch = client.send("grpc.health.v1.Health/Watch", &[]).await.unwrap();
    let mut watched = watch.response.await.unwrap().into_body();
    assert!(watched.data().await.unwrap().is_ok());

    node.signal("STOP");
    let mut calls = Vec::new();
    for _ in 0..500 {
        calls.push(client.send(CHECK, &[]).await.unwrap());
    }
    // The drop of a call resets its stream.
    drop(calls);
    let last = client.send(CHECK, &[]).await.unwrap();
    node.signal("CONT");
    assert_eq!(last.end().await, End::Status("0".to_owned()));
    let watch_ended = tokio::time::timeout(std::time::Duration::from_millis(200), watched.data()).await;
    assert!(watch_ended.is_err(), "its streams go on");
}

#[tokio::test]
async fn rapid_resets_end_a_connection_and_not_the_log() {
    let (_dir, node) = start(&["server.streams_per_connection_max=50", "server.resets_per_s_max=10"]);
    let mut good = WellBehaved::open(&node).await;
    for _ in 0..20 {
        let client = RawClient::connect(&node.address, WINDOW).await;
        let flood = async {
            // The server closes the connection at some point.
            while let Ok(call) = client.call("kerb.v1.FleetService/ReportPositions").await {
                drop(call);
                tokio::task::yield_now().await;
            }
        };
        in_time("the connection ends", STEP_TIMEOUT, flood).await;
        good.report().await;
    }
    let log = node.log();
    let warnings = log.lines().filter(|line| line.contains("WARN")).count();
    assert!((1..=2).contains(&warnings), "{log}");
}
