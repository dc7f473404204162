//! A running node. Several nodes fit in one process.

use std::net::SocketAddr;

use kerb_transport::Server;
use kerb_types::Role;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::compose::{Cluster, Surroundings};
use crate::error::StartError;
use crate::roles::names;
use crate::services::Services;
use crate::settings::Settings;

/// A running node. Dropping it stops the node without a drain.
///
/// ```
/// use kerb::settings::DataDir;
/// use kerb::{ALL_ROLES, Node, Settings};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let mut settings = Settings::default();
/// settings.node.listen = Some("127.0.0.1:0".parse()?);
/// settings.node.data_dir = DataDir(None);
/// let node = Node::start(settings, &ALL_ROLES).await?;
/// assert_ne!(node.address().port(), 0);
/// node.shutdown().await;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub struct Node {
    address: SocketAddr,
    services: Services,
    serving: JoinHandle<()>,
    stop: CancellationToken,
    _abort: DropGuard,
}

impl Node {
    /// Reads the membership, binds the port, starts the roles and serves. Must be called inside a tokio runtime.
    ///
    /// Every problem of settings, membership file, port and data folder is an error of the start.
    pub async fn start(settings: Settings, roles: &[Role]) -> Result<Self, StartError> {
        let problems = settings.validate();
        if !problems.is_empty() {
            return Err(StartError::Settings(problems));
        }
        let cluster = Cluster::join(&settings, roles).await?;
        let listen = cluster.listen();
        let server = Server::bind(settings.node.id.clone(), listen, settings.server()).await;
        let server = server.map_err(|reason| StartError::Listen { address: listen.to_owned(), reason })?;
        let address = server.address();
        let internal_calls = cluster.internal_calls();
        let services = Services::start(&settings, roles, cluster, Surroundings::real()).await?;

        let stop = CancellationToken::new();
        let abort = CancellationToken::new();
        let (routes, served) = services.routes();
        let server = server.with_health_of(served).with_internal_calls(internal_calls);
        let serving = server.serve(routes, stop.clone().cancelled_owned());
        let aborted = abort.clone();
        let serving = tokio::spawn(async move {
            aborted.run_until_cancelled(serving).await;
        });
        tracing::info!(node = %settings.node.id, %address, roles = names(roles), "serving");
        Ok(Self { address, services, serving, stop, _abort: abort.drop_guard() })
    }

    /// Returns the bound address, with the actual port if the settings have port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Resolves with a reason when a service has stopped for good. The node then serves the rest, but should be shut down and
    /// started again.
    pub async fn failed(&self) -> String {
        self.services.failed().await
    }

    /// Stops in order: health turns to not serving, streams get a last message, open calls end or are aborted after the
    /// drain time, and reported positions are sent to the index servers and stored. Trips are in the journal already.
    /// Returns whether all acknowledged positions are stored, or the node stores none.
    pub async fn shutdown(self) -> bool {
        self.stop.cancel();
        // Both run concurrently: the server waits for streams that only the services can end.
        let (stored, served) = tokio::join!(self.services.shutdown(), self.serving);
        served.expect("serving does not panic");
        stored
    }
}
