//! What runs in a connection's task, and what becomes a task of its own.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::task::{Spawn, SpawnExt};
use h2::client::{ResponseFuture, SendRequest};
use http::{HeaderMap, Request, Response};
use kerb_transport::{Server, ServerOptions};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;
use tower::Service;

use crate::node;

const SOON: Duration = Duration::from_secs(20);

/// Answers in which task a call runs.
#[derive(Clone, Default)]
struct Tasks {
    /// What runs beside a call of `/tasks/Beside` waits for it, and then says so.
    gate: CancellationToken,
    passed: CancellationToken,
}

impl NamedService for Tasks {
    const NAME: &'static str = "tasks";
}

impl Service<Request<Body>> for Tasks {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Self { gate, passed } = self.clone();
        async move {
            match request.uri().path() {
                "/tasks/Hold" => pending().await,
                "/tasks/Beside" => {
                    let beside = request.extensions().get::<Arc<dyn Spawn + Send + Sync>>().unwrap();
                    let (told, task) = oneshot::channel();
                    beside.spawn(async move { _ = told.send(own_task()) }).unwrap();
                    let passing = async move {
                        gate.cancelled().await;
                        passed.cancel();
                    };
                    beside.spawn(passing).unwrap();
                    Ok(answer(task.await.unwrap()))
                }
                _ => Ok(answer(own_task())),
            }
        }
        .boxed()
    }
}

fn own_task() -> String {
    tokio::task::id().to_string()
}

fn answer(task: String) -> Response<Body> {
    Response::builder().header("task", task).body(Body::empty()).unwrap()
}

struct Running {
    address: String,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

async fn start(tasks: Tasks) -> Running {
    let server = Server::bind(node("n"), "127.0.0.1:0", ServerOptions::default()).await.unwrap();
    let address = server.address().to_string();
    let (stop, stopped) = oneshot::channel::<()>();
    let mut routes = Routes::builder();
    routes.add_service(tasks);
    let ended = tokio::spawn(server.serve(routes, stopped.map(drop)));
    Running { address, stop, ended }
}

/// A client's connection.
struct Client(SendRequest<bytes::Bytes>);

impl Client {
    async fn connect(address: &str) -> Self {
        let (requests, connection) =
            h2::client::handshake(TcpStream::connect(address).await.unwrap()).await.unwrap();
        tokio::spawn(connection.map(drop));
        Self(requests)
    }

    async fn begin(&mut self, method: &str, limit: Option<&str>) -> ResponseFuture {
        let mut request = Request::post(format!("http://n/tasks/{method}"));
        if let Some(limit) = limit {
            request = request.header("grpc-timeout", limit);
        }
        let mut ready = self.0.clone().ready().await.unwrap();
        ready.send_request(request.body(()).unwrap(), true).unwrap().0
    }

    async fn call(&mut self, method: &str, limit: Option<&str>) -> HeaderMap {
        let answer = timeout(SOON, self.begin(method, limit).await).await.unwrap().unwrap();
        let (head, mut body) = answer.into_parts();
        while let Some(data) = timeout(SOON, body.data()).await.unwrap() {
            data.unwrap();
        }
        head.headers
    }

    async fn task(&mut self, method: &str) -> String {
        self.call(method, None).await["task"].to_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn one_call_at_a_time_runs_in_the_connections_task() {
    let running = start(Tasks::default()).await;
    let mut client = Client::connect(&running.address).await;
    let own = client.task("Ask").await;
    assert_eq!(client.task("Beside").await, own, "what runs beside a call");
    assert_eq!(client.task("Ask").await, own);
    let mut other = Client::connect(&running.address).await;
    assert_ne!(other.task("Ask").await, own, "each connection has a task");
}

#[tokio::test]
async fn calls_of_a_shared_connection_are_tasks_of_their_own() {
    let running = start(Tasks::default()).await;
    let mut client = Client::connect(&running.address).await;
    let own = client.task("Ask").await;
    let held = client.begin("Hold", None).await;
    let (second, third) = (client.task("Ask").await, client.task("Beside").await);
    assert!(second != own && third != own && second != third, "{own} {second} {third}");
    drop(held);
}

#[tokio::test]
async fn what_runs_beside_a_call_outlives_the_connection() {
    let tasks = Tasks::default();
    let running = start(tasks.clone()).await;
    let mut client = Client::connect(&running.address).await;
    client.task("Beside").await;
    running.stop.send(()).unwrap();
    timeout(SOON, running.ended).await.unwrap().unwrap();
    tasks.gate.cancel();
    timeout(SOON, tasks.passed.cancelled()).await.unwrap();
}

#[tokio::test]
async fn a_call_ends_when_its_callers_time_is_over() {
    let running = start(Tasks::default()).await;
    let mut client = Client::connect(&running.address).await;
    for limit in ["20m", "20000u", "1n", "0S"] {
        assert_eq!(client.call("Hold", Some(limit)).await["grpc-status"], "1", "within {limit}");
    }
    for limit in ["1H", "99999999M", "", "5", "x", "-1S", "123456789S"] {
        assert!(client.call("Ask", Some(limit)).await.contains_key("task"), "within {limit}");
    }
}
