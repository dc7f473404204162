//! How every role serves: one set of transport settings, health, reflection, and an orderly end.
//!
//! What a peer may cost is bounded here: streams of a connection, bytes in flight of a stream, silent connections.
//! Bytes that are not HTTP/2 end their own connection and nothing else.

mod calls;
mod connection;
mod inline_executor;
mod sync;
mod wake_set;
#[cfg(test)]
mod wake_set_tests;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use kerb_types::{FieldError, NodeId};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;
use tonic::service::{Routes, RoutesBuilder};

use connection::{Connection, Shutdown};

/// The largest there is. HTTP/2's library closes a whole connection when too many small messages wait on it unread,
/// and measures that by this window; the streams' windows are the real bound.
pub const CONNECTION_WINDOW_BYTES: u32 = (1 << 31) - 1;
/// Unread bytes of one stream, at most.
pub const STREAM_WINDOW_BYTES: u32 = 1 << 20;

/// After a connection that could not be taken, because there are no more descriptors or its client has gone.
const ACCEPT_AGAIN: Duration = Duration::from_millis(10);

/// Settings of a gRPC server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerOptions {
    /// Calls open at one time on one connection; further ones wait at the client.
    pub streams_per_connection_max: u32,
    /// A silent connection is asked for a sign of life this often, milliseconds.
    pub keepalive_interval_ms: u32,
    /// A connection without that sign for this long is closed, milliseconds.
    pub keepalive_timeout_ms: u32,
    /// Time for open calls to end after a shutdown was asked for, milliseconds; then they are aborted.
    pub shutdown_grace_ms: u32,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            streams_per_connection_max: 16_384,
            keepalive_interval_ms: 20_000,
            keepalive_timeout_ms: 10_000,
            shutdown_grace_ms: 10_000,
        }
    }
}

impl ServerOptions {
    /// Checks the values.
    pub fn check(&self) -> Result<(), FieldError> {
        let values = [
            ("streams_per_connection_max", self.streams_per_connection_max),
            ("keepalive_interval_ms", self.keepalive_interval_ms),
            ("keepalive_timeout_ms", self.keepalive_timeout_ms),
        ];
        match values.into_iter().find(|(_, value)| *value == 0) {
            Some((field, _)) => Err(FieldError::new(field, "0, must be at least 1")),
            None => Ok(()),
        }
    }
}

/// A bound port, ready to serve: binding first makes a taken port an error of the start.
pub struct Server {
    node: NodeId,
    listener: TcpListener,
    address: SocketAddr,
    options: ServerOptions,
    healthy: Vec<&'static str>,
}

impl Server {
    /// Takes the port; 0 takes a free one.
    pub async fn bind(node: NodeId, address: &str, options: ServerOptions) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { node, listener, address, options, healthy: Vec::new() })
    }

    /// Lets health answer for these services too, by their full names.
    #[must_use]
    pub fn with_health_of(mut self, services: Vec<&'static str>) -> Self {
        self.healthy = services;
        self
    }

    /// Where it was bound.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves these services, health and reflection until `shutdown` resolves and the open calls have ended, or the
    /// grace period has: then it aborts their connections. Dropping the future aborts them at once.
    ///
    /// Health says "serving" for the server as a whole and for each service of [`Server::with_health_of`] from the
    /// start, and "not serving" from the shutdown on.
    pub async fn serve(self, mut services: RoutesBuilder, shutdown: impl Future<Output = ()> + Send) {
        let (health, health_service) = tonic_health::server::health_reporter();
        for service in &self.healthy {
            health.set_service_status(*service, tonic_health::ServingStatus::Serving).await;
        }
        services.add_service(health_service);
        add_reflection(&mut services);
        let ending = Shutdown::default();
        let _cut_when_dropped = ending.abort.clone().drop_guard();
        let open = TaskTracker::new();
        tokio::select! {
            never = accept(self.listener, services.routes().prepare(), &self.options, &ending, &open) => never,
            () = shutdown => {}
        }
        tracing::info!(node = %self.node, address = %self.address, "shutting down");
        for service in self.healthy.iter().chain([&""]) {
            health.set_service_status(*service, tonic_health::ServingStatus::NotServing).await;
        }
        ending.drain.cancel();
        open.close();
        if timeout(ms(self.options.shutdown_grace_ms), open.wait()).await.is_err() {
            tracing::warn!(node = %self.node, "open calls are cut after the grace period");
            ending.abort.cancel();
            open.wait().await;
        }
    }
}

/// Takes connections; never ends.
async fn accept(
    listener: TcpListener,
    routes: Routes,
    options: &ServerOptions,
    shutdown: &Shutdown,
    open: &TaskTracker,
) -> ! {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection without TCP_NODELAY");
                }
                open.spawn(Connection::new(stream, routes.clone(), options, shutdown));
            }
            Err(error) => {
                tracing::debug!(%error, "no connection");
                sleep(ACCEPT_AGAIN).await;
            }
        }
    }
}

fn ms(ms: u32) -> Duration {
    Duration::from_millis(u64::from(ms))
}

/// In both versions: clients older than 2024 ask for the alpha one only.
fn add_reflection(services: &mut RoutesBuilder) {
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(kerb_proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let why = "the descriptors are generated with the code";
    services.add_service(builder().build_v1().expect(why)).add_service(builder().build_v1alpha().expect(why));
}
