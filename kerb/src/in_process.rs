//! All roles of Kerb in the caller's process, without sockets.
//!
//! A call goes through the same adapters and checks as one over gRPC; only the wire is left out. The surroundings
//! bring the clock, so on a runtime with paused time a day takes as long as its work. On a single-threaded runtime
//! every decision depends only on the surroundings and on the calls, in their order.
//!

use kerb_assignment::Policy;
use kerb_location_ingest::{FleetStream, LocalDriverStream, LocationIngest, OutboxStream};
use kerb_matcher::Matcher;
use kerb_proto::status::status_of;
use kerb_proto::v1::dispatch_admin_service_server::DispatchAdminService;
use kerb_proto::v1::ride_service_server::RideService;
use kerb_proto::v1::trip_event_service_server::TripEventService;
use kerb_proto::v1::{
    DescribeRoadsRequest, DescribeRoadsResponse, FindNearbyRequest, FindNearbyResponse, Register,
    SetSpeedsRequest, SetSpeedsResponse,
};
use kerb_trips::MarketId;
use prost::Message;
use tonic::{Request, Status};

use crate::compose::{Cluster, Surroundings};
use crate::error::StartError;
use crate::roles::ALL_ROLES;
use crate::services::Services;
use crate::settings::Settings;

/// The stream of a fleet gateway.
pub type Gateway = FleetStream;
/// The messages to a driver.
pub type DriverMessages = OutboxStream;

/// All roles in this process. Dropping it stops them without a drain.
pub struct InProcess {
    services: Services,
    markets: Vec<MarketId>,
}

impl InProcess {
    /// Starts all roles. Must be called inside a tokio runtime. The listen address and the membership file of the
    /// settings are ignored; the data folder is used.
    pub async fn start(settings: &Settings, surroundings: Surroundings) -> Result<Self, StartError> {
        let problems = settings.validate();
        if !problems.is_empty() {
            return Err(StartError::Settings(problems));
        }
        let cluster = Cluster::alone(settings, &ALL_ROLES)?;
        let services = Services::start(settings, &ALL_ROLES, cluster, surroundings).await?;
        let mut node = Self { services, markets: Vec::new() };
        node.markets = node.matcher().markets().to_vec();
        Ok(node)
    }

    /// The markets, in the settings' order.
    pub fn markets(&self) -> &[MarketId] {
        &self.markets
    }

    /// Opens a `FleetService` stream of a gateway.
    pub fn gateway(&self) -> Gateway {
        self.ingest().handle().gateway()
    }

    /// Opens a `DriverService` stream for a driver's actions; its positions go through a gateway.
    pub fn connect_local(&self, register: &Register) -> Result<(LocalDriverStream, DriverMessages), Status> {
        self.ingest().handle().connect_local(register).map_err(|error| status_of(&error))
    }

    /// The `RideService` of this process.
    pub fn rides(&self) -> impl RideService + Clone + use<> {
        kerb_matcher::grpc::Grpc::new(self.matcher().clone())
    }

    /// The `TripEventService` of this process.
    pub fn trip_events(&self) -> impl TripEventService + Clone + use<> {
        kerb_matcher::grpc::Grpc::new(self.matcher().clone())
    }

    /// The `DispatchAdminService` of this process.
    pub fn dispatch_admin(&self) -> impl DispatchAdminService + Clone + use<> {
        kerb_matcher::grpc::Grpc::new(self.matcher().clone())
    }

    /// Sets the dispatch policy of the windows that begin from now on: see [`Matcher::set_policy`].
    pub fn set_policy(&self, policy: Policy) {
        self.matcher().set_policy(policy);
    }

    /// Calls `NearbyService.FindNearby` through the gRPC adapter.
    pub async fn find_nearby(&self, request: FindNearbyRequest) -> Result<FindNearbyResponse, Status> {
        let aggregator = self.services.aggregator.clone().expect("all roles were started");
        let nearby = kerb_aggregator::grpc::Grpc::new(aggregator).nearby();
        let bytes = nearby.find_nearby(Request::new(request)).await?.into_inner();
        FindNearbyResponse::decode(bytes).map_err(|error| Status::internal(error.to_string()))
    }

    /// Calls `RoadsAdminService.SetSpeeds` with these messages as its stream.
    pub async fn set_speeds(&self, messages: Vec<SetSpeedsRequest>) -> Result<SetSpeedsResponse, Status> {
        self.speeds().set(futures::stream::iter(messages.into_iter().map(Ok))).await
    }

    /// Calls `RoadsAdminService.DescribeRoads` through the gRPC adapter.
    pub async fn describe_roads(
        &self,
        request: DescribeRoadsRequest,
    ) -> Result<DescribeRoadsResponse, Status> {
        self.speeds().describe(request).await
    }

    /// Waits until searches show all positions taken before the call, and returns whether that happened within
    /// `limit_ms`.
    pub async fn settle(&self, limit_ms: u32) -> bool {
        self.ingest().settle(limit_ms).await
    }

    /// Stops in order, as [`crate::Node::shutdown`] does.
    pub async fn shutdown(self) {
        let _stored = self.services.shutdown().await;
    }

    fn ingest(&self) -> &LocationIngest {
        self.services.location_ingest.as_ref().expect("all roles were started")
    }

    fn speeds(&self) -> &kerb_traffic::Grpc {
        self.services.speeds.as_ref().expect("all roles were started")
    }

    fn matcher(&self) -> &Matcher {
        self.services.matcher.as_ref().expect("all roles were started")
    }
}
