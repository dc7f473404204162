//! The gRPC server of a node: transport settings, health, reflection, and an orderly shutdown.
//!
//! The server bounds what clients can cost, each of them and all together: see [`limits`]. Bytes that are not HTTP/2 only
//! end their own connection.
//!
//! A shutdown has two steps. *Drain*: each connection accepts no further calls and closes after its last open call. *Abort*:
//! connections that are still open after the grace period are closed with their calls.

mod calls;
mod connection;
mod counted_stream;
mod inline_executor;
mod limits;
mod options;
mod sync;
mod wake_set;
#[cfg(test)]
mod wake_set_tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kerb_types::NodeId;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tonic::service::RoutesBuilder;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::internal_calls::InternalCalls;
use calls::CallRoutes;
use connection::{Connection, LIMITS, Shutdown};
use limits::ServerLimits;
pub(crate) use options::ms;
pub use options::{CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES, ServerOptions};
use wake_set::WakeSet;

/// Wait after a connection could not be accepted: the process has no free file descriptor, or the client has already left.
const ACCEPT_RETRY_WAIT: Duration = Duration::from_millis(10);

/// A server whose port is bound and that is ready to serve. Binding is a step of its own, so that a port in use is an error
/// at the start of the process.
pub struct Server {
    node: NodeId,
    listener: TcpListener,
    address: SocketAddr,
    options: ServerOptions,
    health_services: Vec<ServiceHealth>,
    internal_calls: InternalCalls,
}

/// The health of a service.
#[derive(Clone, Debug)]
pub struct ServiceHealth {
    /// Full name of the service.
    pub name: &'static str,
    /// Whether the service serves, now and after each change; `None` for a service that always does.
    pub serves: Option<watch::Receiver<bool>>,
}

impl Server {
    /// Binds the address; port 0 binds a free port.
    pub async fn bind(node: NodeId, address: &str, options: ServerOptions) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self {
            node,
            listener,
            address,
            options,
            health_services: Vec::new(),
            internal_calls: InternalCalls::Refused,
        })
    }

    /// Adds services to the health service. Without this, it only reports the server as a whole.
    #[must_use]
    pub fn with_health_of(mut self, services: Vec<ServiceHealth>) -> Self {
        self.health_services = services;
        self
    }

    /// Takes these internal calls. Without this, the server refuses all of them.
    #[must_use]
    pub fn with_internal_calls(mut self, calls: InternalCalls) -> Self {
        self.internal_calls = calls;
        self
    }

    /// Returns the bound address, with the actual port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves the services, health and reflection until `shutdown` resolves. Then it drains, and aborts what is still open
    /// after the grace period. Dropping the future aborts all connections at once.
    ///
    /// From the start, the health service reports "serving" for the server as a whole, and for each service of
    /// [`Server::with_health_of`] as long as that serves. It reports "not serving" as soon as the shutdown begins.
    pub async fn serve(self, mut services: RoutesBuilder, shutdown: impl Future<Output = ()> + Send) {
        let (health, health_service) = tonic_health::server::health_reporter();
        let mut followers = JoinSet::new();
        for service in &self.health_services {
            health.set_service_status(service.name, ServingStatus::Serving).await;
            if let Some(serves) = service.serves.clone() {
                followers.spawn(follow(health.clone(), service.name, serves));
            }
        }
        services.add_service(health_service);
        add_reflection(&mut services);
        let ending = Shutdown::default();
        let _abort_on_drop = ending.abort.clone().drop_guard();
        let connections = TaskTracker::new();
        let routes = CallRoutes { routes: services.routes().prepare(), internal_calls: self.internal_calls };
        let limits = ServerLimits::new(&self.options);
        // A task of its own: it goes on until the last connection has ended.
        let swept = limits.clone();
        let _sweep = AbortOnDropHandle::new(tokio::spawn(async move { swept.sweep().await }));
        tokio::select! {
            never = accept(self.listener, routes, &self.options, &ending, &connections, &limits) => never,
            () = shutdown => {}
        }
        tracing::info!(node = %self.node, address = %self.address, "shutting down");
        // Before the last status, which nothing may replace.
        followers.shutdown().await;
        // The empty name stands for the server as a whole.
        for service in self.health_services.iter().map(|service| service.name).chain([""]) {
            health.set_service_status(service, ServingStatus::NotServing).await;
        }
        ending.drain.cancel();
        connections.close();
        if timeout(ms(self.options.shutdown_grace_ms), connections.wait()).await.is_err() {
            tracing::warn!(node = %self.node, "open calls are aborted after the grace period");
            ending.abort.cancel();
            connections.wait().await;
        }
    }
}

/// Reports a service's health whenever it changes, until the service ends.
async fn follow(health: HealthReporter, name: &'static str, mut serves: watch::Receiver<bool>) {
    loop {
        let status =
            if *serves.borrow_and_update() { ServingStatus::Serving } else { ServingStatus::NotServing };
        health.set_service_status(name, status).await;
        if serves.changed().await.is_err() {
            return;
        }
    }
}

/// Accepts connections for ever and serves each in a task of its own.
async fn accept(
    listener: TcpListener,
    routes: CallRoutes,
    options: &ServerOptions,
    shutdown: &Shutdown,
    connections: &TaskTracker,
    limits: &Arc<ServerLimits>,
) -> ! {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let wake_set = Arc::new(WakeSet::default());
                // A connection that is not admitted is closed by its drop.
                let Some(admitted) = limits.admit(peer.ip(), wake_set.clone(), LIMITS) else { continue };
                // The connection works without the option, only slower.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection without TCP_NODELAY");
                }
                let limited = (admitted, wake_set);
                let connection =
                    Connection::new(stream, routes.clone(), options, shutdown, limits.clone(), limited);
                connections.spawn(connection);
            }
            Err(error) => {
                limits.not_accepted(&error);
                sleep(ACCEPT_RETRY_WAIT).await;
            }
        }
    }
}

/// Adds both versions of the reflection service: clients older than 2024 only use the alpha version.
fn add_reflection(services: &mut RoutesBuilder) {
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(kerb_proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let valid = "the descriptors are generated with the code";
    services
        .add_service(builder().build_v1().expect(valid))
        .add_service(builder().build_v1alpha().expect(valid));
}
