//! Starts the services of a node in dependency order, serves them, and shuts them down.

use std::sync::Arc;

use kerb_aggregator::Aggregator;
use kerb_index_server::IndexServer;
use kerb_location_ingest::LocationIngest;
use kerb_matcher::Matcher;
use kerb_ports::TravelTimes;
use kerb_proto::v1::dispatch_admin_service_server::DispatchAdminServiceServer;
use kerb_proto::v1::ride_service_server::RideServiceServer;
use kerb_proto::v1::trip_event_service_server::TripEventServiceServer;
use kerb_routing::Roads;
use kerb_transport::ServiceHealth;
use kerb_types::{Catalog, NodeId, Role, Sharding};
use tonic::server::NamedService;
use tonic::service::{Routes, RoutesBuilder};

use crate::compose::{Cluster, Surroundings, journal, roads, travel_times};
use crate::error::StartError;
use crate::settings::Settings;
use kerb_traffic::StreetSpeeds;

/// The running services of a node.
pub(crate) struct Services {
    pub(crate) location_ingest: Option<LocationIngest>,
    index_server: Option<IndexServer>,
    pub(crate) aggregator: Option<Aggregator>,
    pub(crate) matcher: Option<Matcher>,
    /// Present on nodes with travel times, with or without a road network.
    pub(crate) speeds: Option<kerb_traffic::Grpc>,
    cluster: Cluster,
}

impl Services {
    /// Starts the services of the given roles.
    pub(crate) async fn start(
        settings: &Settings,
        roles: &[Role],
        cluster: Cluster,
        surroundings: Surroundings,
    ) -> Result<Self, StartError> {
        let roads = roads(settings, roles, &surroundings).await?;
        let common = Common {
            node: settings.node.id.clone(),
            catalog: settings.catalog()?,
            sharding: settings.sharding()?,
            times: travel_times(settings, roads.clone()),
            surroundings,
        };
        let has = |role| roles.contains(&role);
        let speeds = if has(Role::Aggregator) || has(Role::Matcher) {
            Some(common.speeds(settings, &cluster, roads).await?)
        } else {
            None
        };
        // The index server first: an ingest node sends a snapshot as soon as it starts.
        let index_server =
            if has(Role::IndexServer) { Some(common.index_server(settings, &cluster).await?) } else { None };
        let location_ingest = if has(Role::LocationIngest) {
            Some(common.location_ingest(settings, &cluster).await?)
        } else {
            None
        };
        let aggregator = has(Role::Aggregator).then(|| common.aggregator(settings, &cluster)).transpose()?;
        let matcher = if has(Role::Matcher) {
            Some(common.matcher(settings, &cluster, aggregator.clone()).await?)
        } else {
            None
        };
        Ok(Self { location_ingest, index_server, aggregator, matcher, speeds, cluster })
    }

    /// Returns the gRPC services of all roles, and their health.
    pub(crate) fn routes(&self) -> (RoutesBuilder, Vec<ServiceHealth>) {
        let mut routes = Routes::builder();
        let mut health = Vec::new();
        // The roles of a node without a cluster call each other in the process, so their internal services have no callers.
        let is_clustered = self.cluster.local.is_none();
        // A macro, because each service has its own type.
        macro_rules! add {
            ($service:expr) => {
                add!($service, None)
            };
            ($service:expr, $serves:expr) => {{
                let service = $service;
                health.push(ServiceHealth { name: name_of(&service), serves: $serves });
                routes.add_service(service);
            }};
        }
        if let Some(ingest) = self.location_ingest.as_ref().map(LocationIngest::grpc) {
            add!(ingest.driver_service());
            add!(ingest.fleet_service());
            if is_clustered {
                add!(ingest.ingest_service());
            }
        }
        if let Some(index) = self.index_server.as_ref().filter(|_| is_clustered) {
            add!(kerb_index_server::grpc::service(index.clone()));
        }
        if let Some(aggregator) = &self.aggregator {
            let grpc = kerb_aggregator::grpc::Grpc::new(aggregator.clone());
            add!(grpc.nearby());
            add!(grpc.driver_query());
            add!(grpc.admin());
        }
        if let Some(speeds) = &self.speeds {
            add!(speeds.service());
        }
        if let Some(matcher) = &self.matcher {
            let grpc = kerb_matcher::grpc::Grpc::new(matcher.clone());
            // Both stand still while no market can make a decision. The other services of the node go on.
            add!(grpc.ride(), Some(matcher.decides()));
            add!(grpc.trip_event(), Some(matcher.decides()));
            add!(grpc.dispatch_admin());
            if is_clustered {
                add!(grpc.matcher());
            }
        } else if self.aggregator.is_some() {
            // Riders and operators call an aggregator, wherever the matcher is.
            macro_rules! add_proxy {
                ($server:ident) => {
                    if let Some(proxy) = self.cluster.dispatch_proxy::<$server<()>>() {
                        add!(proxy);
                    }
                };
            }
            add_proxy!(RideServiceServer);
            add_proxy!(DispatchAdminServiceServer);
            add_proxy!(TripEventServiceServer);
        }
        (routes, health)
    }

    /// Resolves with a reason when a service has stopped for good and only a new start of the process helps.
    pub(crate) async fn failed(&self) -> String {
        match &self.matcher {
            Some(matcher) => format!("matcher: {}", matcher.failed().await),
            None => std::future::pending().await,
        }
    }

    /// Ends streams and finishes open work. The matcher first, because it notifies drivers through the ingest node; then
    /// the ingest node, because its last batches go to the index server. Returns whether the driver table is stored.
    pub(crate) async fn shutdown(self) -> bool {
        if let Some(matcher) = self.matcher {
            matcher.shutdown().await;
        }
        let stored = match self.location_ingest {
            Some(ingest) => ingest.shutdown().await,
            None => true,
        };
        if let Some(index) = self.index_server {
            index.shutdown().await;
        }
        stored
    }
}

fn name_of<S: NamedService>(_: &S) -> &'static str {
    S::NAME
}

/// The values that every service of a node needs.
struct Common {
    node: NodeId,
    catalog: Catalog,
    sharding: Sharding,
    surroundings: Surroundings,
    /// The travel times, shared by all services, so that the road network is opened once.
    times: Arc<dyn TravelTimes>,
}

impl Common {
    async fn index_server(&self, settings: &Settings, cluster: &Cluster) -> Result<IndexServer, StartError> {
        let ports = kerb_index_server::Ports {
            node: self.node.clone(),
            catalog: self.catalog.clone(),
            sharding: self.sharding,
            clock: self.surroundings.clock.clone(),
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
            clock: self.surroundings.clock.clone(),
            membership: cluster.membership.clone(),
            peers: cluster.peers.clone(),
            seed: self.surroundings.seed,
        };
        let ingest = LocationIngest::start(settings.location_ingest(), ports).await?;
        if let Some(local) = &cluster.local {
            local.set_ingest_node(self.node.clone(), Arc::new(ingest.handle().clone()));
        }
        Ok(ingest)
    }

    async fn speeds(
        &self,
        settings: &Settings,
        cluster: &Cluster,
        roads: Option<Arc<Roads>>,
    ) -> Result<kerb_traffic::Grpc, StartError> {
        let speeds = match roads {
            Some(roads) => {
                Some(StreetSpeeds::start(&settings.roads, roads, self.surroundings.clock.clone()).await?)
            }
            None => None,
        };
        Ok(kerb_traffic::Grpc::new(self.node.clone(), speeds, cluster.others(self.node.clone())))
    }

    fn aggregator(&self, settings: &Settings, cluster: &Cluster) -> Result<Aggregator, StartError> {
        let ports = kerb_aggregator::Ports {
            membership: cluster.membership.clone(),
            peers: cluster.peers.clone(),
            clock: self.surroundings.clock.clone(),
            times: self.times.clone(),
        };
        Ok(Aggregator::new(settings.aggregator(), self.sharding, self.catalog.clone(), ports)?)
    }

    /// Starts the matcher with the node's aggregator, or with its own where the node has no such role.
    async fn matcher(
        &self,
        settings: &Settings,
        cluster: &Cluster,
        aggregator: Option<Aggregator>,
    ) -> Result<Matcher, StartError> {
        let options = settings.matcher.clone();
        let search = aggregator.map_or_else(|| self.aggregator(settings, cluster), Ok)?;
        let ports = kerb_matcher::Ports {
            node: self.node.clone(),
            catalog: Arc::new(self.catalog.clone()),
            clock: self.surroundings.clock.clone(),
            journal: journal(settings, &self.surroundings).await?,
            search: Arc::new(search),
            times: self.times.clone(),
            membership: cluster.membership.clone(),
            peers: cluster.peers.clone(),
        };
        let matcher = Matcher::start(options, ports).await?;
        if let Some(local) = &cluster.local {
            local.set_matcher(self.node.clone(), Arc::new(matcher.clone()));
        }
        Ok(matcher)
    }
}
