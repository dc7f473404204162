//! How roles are put together: the one place where embedded or clustered is chosen. Services cannot tell.

use std::sync::Arc;

use kerb_aggregator::Aggregator;
use kerb_cluster::{Channels, EmbeddedMembership, Liveness, LocalPeers, RemotePeers, StaticFile};
use kerb_fleet::{Catalog, Clock, Membership, Node, NodeId, Peers, Role, Sharding, SystemClock};
use kerb_index_server::IndexServer;
use kerb_location_ingest::LocationIngest;
use tonic::server::NamedService;
use tonic::service::{Routes, RoutesBuilder};

use crate::error::StartError;
use crate::node::names;
use crate::settings::Settings;

/// Where a node listens that is alone and was not told.
const LISTEN_DEFAULT: &str = "127.0.0.1:7717";

/// Who else is there, and how to reach them.
pub(crate) struct Cluster {
    membership: Arc<dyn Membership>,
    peers: Arc<dyn Peers>,
    /// Set when the peers are in this process.
    local: Option<Arc<LocalPeers>>,
    listen: String,
    /// The file is watched for as long as this lives.
    _file: Option<StaticFile>,
}

impl Cluster {
    /// Alone without a membership file; else one of those whom it lists.
    pub(crate) async fn join(settings: &Settings, roles: &[Role]) -> Result<Self, StartError> {
        match &settings.cluster.file {
            None if roles.len() < crate::ALL_ROLES.len() => Err(StartError::Alone),
            None => Self::alone(settings, roles),
            Some(path) => {
                let file =
                    StaticFile::start(path.clone(), settings.node.id.clone(), settings.sharding()?).await?;
                Self::listed(settings, roles, file)
            }
        }
    }

    fn alone(settings: &Settings, roles: &[Role]) -> Result<Self, StartError> {
        let local = Arc::new(LocalPeers::new());
        Ok(Self {
            membership: Arc::new(EmbeddedMembership::new(
                settings.node.id.clone(),
                roles,
                settings.sharding()?,
            )),
            peers: local.clone(),
            local: Some(local),
            listen: settings
                .node
                .listen
                .map_or_else(|| LISTEN_DEFAULT.to_owned(), |address| address.to_string()),
            _file: None,
        })
    }

    fn listed(settings: &Settings, roles: &[Role], file: StaticFile) -> Result<Self, StartError> {
        let own = &settings.node.id;
        let listed = Arc::clone(&file.watch().borrow());
        let own_entry = listed.node(own).expect("the file was refused if this node is not in it");
        same_roles(own_entry, roles)?;
        let address = own_entry.address.clone().unwrap_or_default();
        let channels = Arc::new(Channels::new(file.watch(), settings.cluster.channels));
        let liveness = Liveness::start(&file, own.clone(), channels.clone(), settings.cluster.liveness)?;
        Ok(Self {
            membership: Arc::new(liveness),
            peers: Arc::new(RemotePeers::new(channels)),
            local: None,
            listen: settings.node.listen.map_or(address, |listen| listen.to_string()),
            _file: Some(file),
        })
    }

    /// The address to bind.
    pub(crate) fn listen(&self) -> &str {
        &self.listen
    }
}

/// The file is the truth for all others, so a node that does something else is stopped at once.
fn same_roles(node: &Node, roles: &[Role]) -> Result<(), StartError> {
    let sorted = |roles: &[Role]| {
        let mut roles = roles.to_vec();
        roles.sort_unstable();
        roles.dedup();
        roles
    };
    if sorted(&node.roles) == sorted(roles) {
        return Ok(());
    }
    let (listed, started) = (names(&node.roles), names(roles));
    Err(StartError::Roles { node: node.id.to_string(), listed, started })
}

/// The running services of a node.
pub(crate) struct Services {
    location_ingest: Option<LocationIngest>,
    index_server: Option<IndexServer>,
    aggregator: Option<Aggregator>,
    _cluster: Cluster,
}

impl Services {
    /// Starts the services of these roles.
    pub(crate) async fn start(
        settings: &Settings,
        roles: &[Role],
        cluster: Cluster,
    ) -> Result<Self, StartError> {
        let common = Common {
            node: settings.node.id.clone(),
            catalog: settings.catalog()?,
            sharding: settings.sharding()?,
            clock: Arc::new(SystemClock),
        };
        let has = |role| roles.contains(&role);
        // The index server first: it takes what the ingest node sends as soon as that starts.
        let index_server =
            if has(Role::IndexServer) { Some(common.index_server(settings, &cluster).await?) } else { None };
        let location_ingest = if has(Role::LocationIngest) {
            Some(common.location_ingest(settings, &cluster).await?)
        } else {
            None
        };
        let aggregator = has(Role::Aggregator).then(|| common.aggregator(settings, &cluster)).transpose()?;
        Ok(Self { location_ingest, index_server, aggregator, _cluster: cluster })
    }

    /// The gRPC services of all roles, and their names.
    pub(crate) fn routes(&self) -> (RoutesBuilder, Vec<&'static str>) {
        let mut routes = Routes::builder();
        let mut names = Vec::new();
        // A macro, because the services have different types.
        macro_rules! add {
            ($service:expr) => {{
                let service = $service;
                names.push(name_of(&service));
                routes.add_service(service);
            }};
        }
        if let Some(ingest) = self.location_ingest.as_ref().map(LocationIngest::grpc) {
            add!(ingest.driver_service());
            add!(ingest.fleet_service());
            add!(ingest.ingest_service());
        }
        if let Some(index) = &self.index_server {
            add!(kerb_index_server::grpc::service(index.clone()));
        }
        if let Some(aggregator) = &self.aggregator {
            let grpc = kerb_aggregator::grpc::Grpc::new(aggregator.clone());
            add!(grpc.nearby());
            add!(grpc.driver_query());
            add!(grpc.admin());
        }
        (routes, names)
    }

    /// Ends streams and finishes what was begun. The ingest node first: its last batches go to the index server.
    pub(crate) async fn shutdown(self) {
        if let Some(ingest) = self.location_ingest {
            ingest.shutdown().await;
        }
        if let Some(index) = self.index_server {
            index.shutdown().await;
        }
    }
}

fn name_of<S: NamedService>(_: &S) -> &'static str {
    S::NAME
}

/// What every service of a node gets.
struct Common {
    node: NodeId,
    catalog: Catalog,
    sharding: Sharding,
    clock: Arc<dyn Clock>,
}

impl Common {
    async fn index_server(&self, settings: &Settings, cluster: &Cluster) -> Result<IndexServer, StartError> {
        let ports = kerb_index_server::Ports {
            node: self.node.clone(),
            catalog: self.catalog.clone(),
            sharding: self.sharding,
            clock: self.clock.clone(),
            membership: cluster.membership.clone(),
        };
        let server = IndexServer::start(&settings.index_server(), ports).await;
        let server = server.map_err(StartError::IndexServer)?;
        if let Some(local) = &cluster.local {
            local.set_index_server(self.node.clone(), Arc::new(server.clone()));
        }
        Ok(server)
    }

    async fn location_ingest(
        &self,
        settings: &Settings,
        cluster: &Cluster,
    ) -> Result<LocationIngest, StartError> {
        let ports = kerb_location_ingest::Ports {
            node: self.node.clone(),
            catalog: Arc::new(self.catalog.clone()),
            sharding: self.sharding,
            clock: self.clock.clone(),
            membership: cluster.membership.clone(),
            peers: cluster.peers.clone(),
            // Only jitter hangs on it: nodes that were started at different times differ.
            seed: self.clock.now_ms() as u64,
        };
        let ingest = LocationIngest::start(settings.location_ingest(), ports).await?;
        if let Some(local) = &cluster.local {
            local.set_ingest_node(self.node.clone(), ingest.port());
        }
        Ok(ingest)
    }

    fn aggregator(&self, settings: &Settings, cluster: &Cluster) -> Result<Aggregator, StartError> {
        let ports = kerb_aggregator::Ports {
            membership: cluster.membership.clone(),
            peers: cluster.peers.clone(),
            clock: self.clock.clone(),
        };
        Ok(Aggregator::new(settings.aggregator(), self.sharding, self.catalog.clone(), ports)?)
    }
}
