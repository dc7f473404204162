//! Health, broken clients, and the shutdown of the server.

use std::time::Duration;

use futures::FutureExt;
use kerb_transport::connect_lazily;
use kerb_transport::{ChannelOptions, Server, ServerOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tonic::service::Routes;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::node;

/// Each step of a test ends within this time.
const STEP_TIMEOUT: Duration = Duration::from_secs(20);

struct RunningServer {
    address: String,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

async fn start(options: ServerOptions) -> RunningServer {
    let server = Server::bind(node("n"), "127.0.0.1:0", options).await.unwrap();
    let address = server.address().to_string();
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = tokio::spawn(server.serve(Routes::builder(), stopped.map(drop)));
    RunningServer { address, stop, ended }
}

fn client(address: &str) -> HealthClient<Channel> {
    HealthClient::new(connect_lazily(address, ChannelOptions::default()).unwrap())
}

/// Queries the health of the server as a whole.
fn health_query() -> HealthCheckRequest {
    HealthCheckRequest { service: String::new() }
}

#[tokio::test]
async fn health_is_served_and_an_idle_server_ends_at_once() {
    let server = start(ServerOptions::default()).await;
    let health = client(&server.address).check(health_query()).await.unwrap().into_inner();
    assert_eq!(health.status(), ServingStatus::Serving);
    server.stop.send(()).unwrap();
    timeout(STEP_TIMEOUT, server.ended).await.unwrap().unwrap();
}

#[tokio::test]
async fn garbage_only_ends_its_own_connection() {
    let server = start(ServerOptions::default()).await;
    let mut other = client(&server.address);
    other.check(health_query()).await.unwrap();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    for garbage in
        [&b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"[..], &[0xff; 4_096], &[&preface[..], &[0xff; 512]].concat()]
    {
        let mut stream = TcpStream::connect(&server.address).await.unwrap();
        // The server may close the connection before it has read everything.
        let _ = stream.write_all(garbage).await;
        let _ = stream.shutdown().await;
        let mut rest = Vec::new();
        let _ = timeout(STEP_TIMEOUT, stream.read_to_end(&mut rest)).await.unwrap();
        other.check(health_query()).await.unwrap();
    }
}

#[tokio::test]
async fn an_endless_call_is_aborted_after_the_grace_period() {
    let server = start(ServerOptions { shutdown_grace_ms: 50, ..ServerOptions::default() }).await;
    let mut watch = client(&server.address).watch(health_query()).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    server.stop.send(()).unwrap();
    let second = timeout(STEP_TIMEOUT, watch.message()).await.unwrap().unwrap().unwrap();
    assert_eq!(second.status(), ServingStatus::NotServing);
    assert!(timeout(STEP_TIMEOUT, watch.message()).await.unwrap().is_err(), "aborted, not ended");
    timeout(STEP_TIMEOUT, server.ended).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_port_in_use_is_an_error_at_the_start() {
    let first = Server::bind(node("a"), "127.0.0.1:0", ServerOptions::default()).await.unwrap();
    let address = first.address().to_string();
    let error = Server::bind(node("b"), &address, ServerOptions::default()).await.err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}
