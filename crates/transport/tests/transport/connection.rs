//! Which futures run in the task of a connection, and which become tasks of their own.

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

/// Each step of a test ends within this time.
const STEP_TIMEOUT: Duration = Duration::from_secs(20);

/// A service that reports in which task a call runs.
#[derive(Clone, Default)]
struct TaskReporter {
    /// The subtask of a call of `/tasks/Spawn` waits for `gate` and then cancels `passed`.
    gate: CancellationToken,
    passed: CancellationToken,
}

impl NamedService for TaskReporter {
    const NAME: &'static str = "tasks";
}

impl Service<Request<Body>> for TaskReporter {
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
                "/tasks/Spawn" => {
                    let executor = request.extensions().get::<Arc<dyn Spawn + Send + Sync>>().unwrap();
                    let (report, task) = oneshot::channel();
                    executor.spawn(async move { _ = report.send(own_task()) }).unwrap();
                    let passing = async move {
                        gate.cancelled().await;
                        passed.cancel();
                    };
                    executor.spawn(passing).unwrap();
                    Ok(response(task.await.unwrap()))
                }
                _ => Ok(response(own_task())),
            }
        }
        .boxed()
    }
}

fn own_task() -> String {
    tokio::task::id().to_string()
}

fn response(task: String) -> Response<Body> {
    Response::builder().header("task", task).body(Body::empty()).unwrap()
}

struct RunningServer {
    address: String,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

async fn start(service: TaskReporter) -> RunningServer {
    let server = Server::bind(node("n"), "127.0.0.1:0", ServerOptions::default()).await.unwrap();
    let address = server.address().to_string();
    let (stop, stopped) = oneshot::channel::<()>();
    let mut routes = Routes::builder();
    routes.add_service(service);
    let ended = tokio::spawn(server.serve(routes, stopped.map(drop)));
    RunningServer { address, stop, ended }
}

/// A client with one connection.
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
        let response = timeout(STEP_TIMEOUT, self.begin(method, limit).await).await.unwrap().unwrap();
        let (head, mut body) = response.into_parts();
        while let Some(data) = timeout(STEP_TIMEOUT, body.data()).await.unwrap() {
            data.unwrap();
        }
        head.headers
    }

    async fn task(&mut self, method: &str) -> String {
        self.call(method, None).await["task"].to_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_single_call_and_its_subtasks_run_in_the_connections_task() {
    let server = start(TaskReporter::default()).await;
    let mut client = Client::connect(&server.address).await;
    let own = client.task("Report").await;
    assert_eq!(client.task("Spawn").await, own, "the subtask of a call");
    assert_eq!(client.task("Report").await, own);
    let mut other = Client::connect(&server.address).await;
    assert_ne!(other.task("Report").await, own, "each connection has a task");
}

#[tokio::test]
async fn calls_of_a_shared_connection_are_tasks_of_their_own() {
    let server = start(TaskReporter::default()).await;
    let mut client = Client::connect(&server.address).await;
    let own = client.task("Report").await;
    let open_call = client.begin("Hold", None).await;
    let (second, third) = (client.task("Report").await, client.task("Spawn").await);
    assert!(second != own && third != own && second != third, "{own} {second} {third}");
    drop(open_call);
}

#[tokio::test]
async fn a_subtask_outlives_its_connection() {
    let service = TaskReporter::default();
    let server = start(service.clone()).await;
    let mut client = Client::connect(&server.address).await;
    client.task("Spawn").await;
    server.stop.send(()).unwrap();
    timeout(STEP_TIMEOUT, server.ended).await.unwrap().unwrap();
    service.gate.cancel();
    timeout(STEP_TIMEOUT, service.passed.cancelled()).await.unwrap();
}

#[tokio::test]
async fn a_call_ends_at_the_deadline_of_its_caller() {
    let server = start(TaskReporter::default()).await;
    let mut client = Client::connect(&server.address).await;
    for limit in ["20m", "20000u", "1n", "0S"] {
        assert_eq!(client.call("Hold", Some(limit)).await["grpc-status"], "1", "within {limit}");
    }
    for limit in ["1H", "99999999M", "", "5", "x", "-1S", "123456789S"] {
        assert!(client.call("Report", Some(limit)).await.contains_key("task"), "within {limit}");
    }
}
