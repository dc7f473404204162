//! Connections that make no call.

use std::io::ErrorKind;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::raw_client::{End, RawClient, WINDOW};
use super::{STEP_TIMEOUT, WellBehaved, start};
use crate::support::driver::{DriverStream, register};
use crate::support::eventually::{eventually, in_time};
use crate::support::process::Process;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// An empty SETTINGS frame.
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

async fn socket(node: &Process, bytes: &[u8]) -> TcpStream {
    let mut socket = TcpStream::connect(&node.address).await.expect("the node listens");
    socket.write_all(bytes).await.expect("the socket is open");
    socket
}

/// Waits until the server has closed the socket.
async fn is_closed(mut socket: TcpStream) {
    let mut rest = Vec::new();
    match in_time("the socket is closed", STEP_TIMEOUT, socket.read_to_end(&mut rest)).await {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
}

#[tokio::test]
async fn silent_connections_are_closed() {
    let (_dir, node) = start(&["server.handshake_timeout_ms=300", "server.first_call_timeout_ms=600"]);
    let mut good = WellBehaved::open(&node).await;
    let whole = [PREFACE, SETTINGS].concat();
    let mut sockets = Vec::new();
    for bytes in [&[][..], &PREFACE[..5], PREFACE, &whole[..30], &whole] {
        for _ in 0..20 {
            sockets.push(socket(&node, bytes).await);
        }
    }
    for socket in sockets {
        is_closed(socket).await;
    }
    good.report().await;
    let log = node.log();
    let warnings = log.lines().filter(|line| line.contains("WARN")).count();
    assert!((1..=2).contains(&warnings), "one for each kind: {log}");
}

#[tokio::test]
async fn an_idle_connection_is_closed_in_order() {
    let (_dir, node) = start(&["server.idle_timeout_ms=300"]);
    let mut good = WellBehaved::open(&node).await;
    let client = RawClient::connect(&node.address, WINDOW).await;
    let call = client.send("grpc.health.v1.Health/Check", &[]).await.unwrap();
    assert_eq!(call.end().await, End::Status("0".to_owned()));
    client.closed().await.unwrap();
    good.report().await;
}

#[tokio::test]
async fn a_new_client_gets_in_when_connections_are_used_up() {
    let (_dir, node) = start(&["server.connections_max=20", "server.connections_per_address_max=20"]);
    let mut good = WellBehaved::open(&node).await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(socket(&node, &PREFACE[..10]).await);
    }
    // Each new connection takes the place of the oldest silent one, never of one in use.
    let mut streams = Vec::new();
    for i in 0..18 {
        let open = DriverStream::open(node.channel(), register(&format!("late-{i}")));
        streams.push(in_time("a stream opens", STEP_TIMEOUT, open).await.unwrap());
        good.report().await;
    }
    // Now every connection but one is in use.
    let nineteenth = DriverStream::open(node.channel(), register("last"));
    let last = in_time("a stream opens", STEP_TIMEOUT, nineteenth).await.unwrap();
    let refused = DriverStream::open(node.channel(), register("too-many"));
    assert!(in_time("a rejection", STEP_TIMEOUT, refused).await.is_err());
    good.report().await;
    eventually("the log names the setting", STEP_TIMEOUT, async || {
        let log = node.log();
        let warnings = log.lines().filter(|line| line.contains("WARN")).count();
        if log.contains("server.connections_max") && warnings <= 3 { Ok(()) } else { Err(log) }
    })
    .await;
    // The end of a connection makes room.
    drop(last);
    eventually("a stream opens", STEP_TIMEOUT, async || {
        let open = DriverStream::open(node.channel(), register("in-time")).await;
        open.map(drop).map_err(|error| error.to_string())
    })
    .await;
}

#[tokio::test]
async fn used_up_descriptors_keep_nobody_out() {
    let dir = tempfile::tempdir().unwrap();
    let node = Process::start_with_descriptors(dir.path(), &["serve"], 256);
    let mut good = WellBehaved::open(&node).await;
    let mut silent = Vec::new();
    for _ in 0..400 {
        silent.push(socket(&node, &[]).await);
    }
    let open = DriverStream::open(node.channel(), register("late"));
    in_time("a stream opens", STEP_TIMEOUT, open).await.unwrap();
    good.report().await;
    let log = node.log();
    assert!(log.contains("ulimit -n"), "{log}");
}

#[tokio::test]
async fn open_calls_are_bounded() {
    let (_dir, node) = start(&["server.streams_per_address_max=50"]);
    let mut good = WellBehaved::open(&node).await;
    let client = RawClient::connect(&node.address, WINDOW).await;
    let mut open = Vec::new();
    for _ in 0..49 {
        open.push(client.call("kerb.v1.FleetService/ReportPositions").await.unwrap());
    }
    let rejected = client.send("grpc.health.v1.Health/Check", &[]).await.unwrap();
    assert_eq!(rejected.end().await, End::Status("8".to_owned()));
    good.report().await;
    drop(open);
    eventually("a call is admitted", STEP_TIMEOUT, async || {
        let call = client.send("grpc.health.v1.Health/Check", &[]).await.unwrap();
        match call.end().await {
            End::Status(status) if status == "0" => Ok(()),
            end => Err(format!("{end:?}")),
        }
    })
    .await;
}
