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

const SOON: Duration = Duration::from_secs(20);

struct Running {
    address: String,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

async fn start(options: ServerOptions) -> Running {
    let server = Server::bind(node("n"), "127.0.0.1:0", options).await.unwrap();
    let address = server.address().to_string();
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = tokio::spawn(server.serve(Routes::builder(), stopped.map(drop)));
    Running { address, stop, ended }
}

fn client(address: &str) -> HealthClient<Channel> {
    HealthClient::new(connect_lazily(address, ChannelOptions::default()).unwrap())
}

fn whole() -> HealthCheckRequest {
    HealthCheckRequest { service: String::new() }
}

#[tokio::test]
async fn health_is_answered_and_an_idle_server_ends_at_once() {
    let running = start(ServerOptions::default()).await;
    let answer = client(&running.address).check(whole()).await.unwrap().into_inner();
    assert_eq!(answer.status(), ServingStatus::Serving);
    running.stop.send(()).unwrap();
    timeout(SOON, running.ended).await.unwrap().unwrap();
}

#[tokio::test]
async fn garbage_ends_its_own_connection_and_nobody_elses() {
    let running = start(ServerOptions::default()).await;
    let mut neighbor = client(&running.address);
    neighbor.check(whole()).await.unwrap();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    for garbage in
        [&b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"[..], &[0xff; 4_096], &[&preface[..], &[0xff; 512]].concat()]
    {
        let mut stream = TcpStream::connect(&running.address).await.unwrap();
        // The server may hang up before it has read all.
        let _ = stream.write_all(garbage).await;
        let _ = stream.shutdown().await;
        let mut rest = Vec::new();
        let _ = timeout(SOON, stream.read_to_end(&mut rest)).await.unwrap();
        neighbor.check(whole()).await.unwrap();
    }
}

#[tokio::test]
async fn a_call_that_does_not_end_is_cut_after_the_grace_period() {
    let running = start(ServerOptions { shutdown_grace_ms: 50, ..ServerOptions::default() }).await;
    let mut watch = client(&running.address).watch(whole()).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    running.stop.send(()).unwrap();
    let second = timeout(SOON, watch.message()).await.unwrap().unwrap().unwrap();
    assert_eq!(second.status(), ServingStatus::NotServing);
    assert!(timeout(SOON, watch.message()).await.unwrap().is_err(), "cut, not ended");
    timeout(SOON, running.ended).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_taken_port_is_an_error_of_the_start() {
    let first = Server::bind(node("a"), "127.0.0.1:0", ServerOptions::default()).await.unwrap();
    let address = first.address().to_string();
    let error = Server::bind(node("b"), &address, ServerOptions::default()).await.err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}
