//! Kerb without sockets, for who runs it in the same process: all roles, and their doors.
//!
//! A call goes through the same adapters as one over gRPC, with the same checks; only the wire is left out. The
//! surroundings bring the clock, so on a runtime whose time is paused a day passes as fast as its work is done. What a
//! node decides there hangs on nothing but its surroundings and on what it is told, in the order in which it is told,
//! as long as the runtime has a single thread.

use kerb_assignment::Policy;
use kerb_location_ingest::{DriverSeat, FleetStream, LocationIngest, OutboxStream};
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

use crate::ALL_ROLES;
use crate::compose::{Cluster, Surroundings};
use crate::error::StartError;
use crate::services::Services;
use crate::settings::Settings;

/// A gateway's stream of rows.
pub type Gateway = FleetStream;
/// A driver's side that acts.
pub type Seat = DriverSeat;
/// A driver's side that hears.
pub type SeatNews = OutboxStream;

/// All roles in this process. Dropping it stops it without a drain.
pub struct InProcess {
    services: Services,
    markets: Vec<MarketId>,
}

impl InProcess {
    /// Starts all roles. Inside a tokio runtime. The settings' listener and membership file are not looked at; trips
    /// and drivers are kept where the settings say.
    pub async fn start(settings: &Settings, surroundings: Surroundings) -> Result<Self, StartError> {
        let problems = settings.check();
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

    /// `FleetService`: a gateway's stream.
    pub fn gateway(&self) -> Gateway {
        self.ingest().gateway()
    }

    /// `DriverService`: a driver's stream, but for positions, which go through a gateway.
    pub fn seat(&self, hello: &Register) -> Result<(Seat, SeatNews), Status> {
        self.ingest().seat(hello).map_err(|error| status_of(&error))
    }

    /// `RideService`.
    pub fn rides(&self) -> impl RideService + Clone + use<> {
        kerb_matcher::grpc::Grpc::new(self.matcher().clone())
    }

    /// `TripEventService`.
    pub fn trip_events(&self) -> impl TripEventService + Clone + use<> {
        kerb_matcher::grpc::Grpc::new(self.matcher().clone())
    }

    /// `DispatchAdminService`.
    pub fn dispatch_admin(&self) -> impl DispatchAdminService + Clone + use<> {
        kerb_matcher::grpc::Grpc::new(self.matcher().clone())
    }

    /// Windows that begin from now on are decided by this policy: see [`Matcher::set_policy`].
    pub fn set_policy(&self, policy: Policy) {
        self.matcher().set_policy(policy);
    }

    /// `NearbyService.FindNearby`.
    pub async fn find_nearby(&self, request: FindNearbyRequest) -> Result<FindNearbyResponse, Status> {
        let aggregator = self.services.aggregator.clone().expect("all roles were started");
        let nearby = kerb_aggregator::grpc::Grpc::new(aggregator).nearby();
        let bytes = nearby.find_nearby(Request::new(request)).await?.into_inner();
        FindNearbyResponse::decode(bytes).map_err(|error| Status::internal(error.to_string()))
    }

    /// `RoadsAdminService.SetSpeeds`.
    pub async fn set_speeds(&self, messages: Vec<SetSpeedsRequest>) -> Result<SetSpeedsResponse, Status> {
        self.speeds().set(futures::stream::iter(messages.into_iter().map(Ok))).await
    }

    /// `RoadsAdminService.DescribeRoads`.
    pub async fn describe_roads(
        &self,
        request: DescribeRoadsRequest,
    ) -> Result<DescribeRoadsResponse, Status> {
        self.speeds().describe(request).await
    }

    /// Resolves when searches show all positions that were taken before the call, and answers whether that was within
    /// `limit_ms`.
    pub async fn settle(&self, limit_ms: u32) -> bool {
        self.ingest().settle(limit_ms).await
    }

    /// Orderly, as a node.
    pub async fn shutdown(self) {
        self.services.shutdown().await;
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
