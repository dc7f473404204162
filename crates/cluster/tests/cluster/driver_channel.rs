//! The conformance suite of driver channels: for an ingest node in this process, and for the same node over gRPC.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use kerb_cluster::remote::RemoteIngestNode;
use kerb_cluster::{EmbeddedMembership, LocalPeers};
use kerb_geometry::LatLng;
use kerb_location_ingest::{LocationIngest, Options, Ports};
use kerb_ports::conformance::driver_channel::{DriverStream, StreamOpener};
use kerb_ports::conformance::source::{NOW_MS, sharding};
use kerb_ports::{DriverChannel, DriverChannelError, DriverNotification, ErrorCode, TripAssignment};
use kerb_proto::internal::v1::LocateDriversRequest;
use kerb_proto::internal::v1::ingest_service_client::IngestServiceClient;
use kerb_proto::status::error_of;
use kerb_proto::v1::connect_request::Message as Up;
use kerb_proto::v1::connect_response::Message as Down;
use kerb_proto::v1::driver_service_client::DriverServiceClient;
use kerb_proto::v1::{ConnectRequest, ConnectResponse, PositionUpdate, Register};
use kerb_transport::ChannelOptions;
use kerb_transport::connect_lazily;
use kerb_types::limits::LOCATIONS_MAX;
use kerb_types::{Catalog, DriverId, ManualClock, Millis, NodeId, Role};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Channel;

use crate::remote::{TestServer, node};

/// Each step of a test ends within this time.
const STEP_TIMEOUT: Duration = Duration::from_secs(20);

mod local {
    use super::*;

    kerb_ports::driver_channel_conformance!(ingest_node);

    async fn ingest_node() -> (Arc<dyn DriverChannel>, Bed) {
        let bed = Bed::new().await;
        (Arc::new(bed.ingest.handle().clone()), bed)
    }
}

mod remote {
    use super::*;

    kerb_ports::driver_channel_conformance!(ingest_node);

    async fn ingest_node() -> (Arc<dyn DriverChannel>, Bed) {
        let bed = Bed::new().await;
        (Arc::new(bed.remote()), bed)
    }
}

/// An ingest node without a matcher.
struct Bed {
    ingest: LocationIngest,
    channel: Channel,
    _server: TestServer,
}

impl Bed {
    async fn new() -> Self {
        let own = node("ingest-1");
        let ports = Ports {
            node: own.clone(),
            catalog: Arc::new(Catalog::default()),
            sharding: sharding(),
            clock: Arc::new(ManualClock::new(NOW_MS)),
            membership: Arc::new(EmbeddedMembership::new(
                own,
                &[Role::LocationIngest, Role::IndexServer],
                sharding(),
            )),
            peers: Arc::new(LocalPeers::new()),
            seed: 1,
        };
        let ingest = LocationIngest::start(Options::default(), ports).await.unwrap();
        let grpc = ingest.grpc();
        let add = |routes: &mut tonic::service::RoutesBuilder| {
            routes.add_service(grpc.driver_service()).add_service(grpc.ingest_service());
        };
        let server = TestServer::start(add, "127.0.0.1:0").await;
        let channel = connect_lazily(&server.address, ChannelOptions::default()).unwrap();
        Self { ingest, channel, _server: server }
    }

    fn remote(&self) -> RemoteIngestNode {
        RemoteIngestNode::new(node("ingest-1"), self.channel.clone())
    }
}

struct Stream {
    up: mpsc::Sender<ConnectRequest>,
    down: Streaming<ConnectResponse>,
    sequence: u64,
}

impl Stream {
    async fn send(&self, message: Up) {
        self.up.send(ConnectRequest { message: Some(message) }).await.unwrap();
    }

    async fn next(&mut self) -> Down {
        timeout(STEP_TIMEOUT, self.down.message()).await.unwrap().unwrap().unwrap().message.unwrap()
    }
}

impl StreamOpener for Bed {
    fn open(&self, driver: DriverId) -> BoxFuture<'_, Box<dyn DriverStream>> {
        async move {
            let (up, requests) = mpsc::channel(16);
            let mut client = DriverServiceClient::new(self.channel.clone());
            let down = client.connect(ReceiverStream::new(requests)).await.unwrap().into_inner();
            let mut stream = Stream { up, down, sequence: 0 };
            let vehicle_class = "standard".to_owned();
            let register =
                Register { driver_id: driver.as_str().to_owned(), vehicle_class, ..Register::default() };
            stream.send(Up::Register(register)).await;
            assert!(matches!(stream.next().await, Down::Registered(_)));
            Box::new(stream) as Box<dyn DriverStream>
        }
        .boxed()
    }
}

impl DriverStream for Stream {
    fn report(&mut self, place: LatLng) -> BoxFuture<'_, i64> {
        async move {
            self.sequence += 1;
            let (latitude_deg, longitude_deg) = (place.lat_deg(), place.lon_deg());
            let (sequence, time_ms) = (self.sequence, (NOW_MS - Millis::new(1_000)).as_millis());
            let update =
                PositionUpdate { sequence, time_ms, latitude_deg, longitude_deg, ..Default::default() };
            self.send(Up::Position(update)).await;
            loop {
                match self.next().await {
                    Down::Acknowledgement(ack) if ack.sequence == sequence => return time_ms,
                    Down::Rejection(rejection) => panic!("{rejection:?}"),
                    _ => {}
                }
            }
        }
        .boxed()
    }

    fn next_notification(&mut self) -> BoxFuture<'_, DriverNotification> {
        async move {
            loop {
                match self.next().await {
                    Down::Assignment(assignment) => {
                        let assignment = TripAssignment::try_from(assignment).unwrap();
                        return DriverNotification::Assignment(Box::new(assignment));
                    }
                    Down::Ended(ended) => return DriverNotification::try_from(ended).unwrap(),
                    _ => {}
                }
            }
        }
        .boxed()
    }
}

#[tokio::test]
async fn a_long_query_is_split_and_a_message_that_is_too_long_is_rejected() {
    let bed = Bed::new().await;
    let _app = bed.open(DriverId::new("one").unwrap()).await;
    let mut ids: Vec<_> = (0..LOCATIONS_MAX).map(|i| format!("nobody-{i}")).collect();
    ids.push("one".to_owned());
    let drivers = ids.iter().map(|id| DriverId::new(id).unwrap()).collect();
    let locations = bed.remote().locations(drivers).await.unwrap();
    assert_eq!(locations.iter().position(Option::is_some), Some(LOCATIONS_MAX));
    assert_eq!(locations.len(), LOCATIONS_MAX + 1);

    let mut client = IngestServiceClient::new(bed.channel.clone());
    let error = async |client: &mut IngestServiceClient<Channel>, driver_id| {
        let status = client.locate_drivers(LocateDriversRequest { driver_id }).await.unwrap_err();
        error_of::<DriverChannelError>(&status, &NodeId::new("ingest-1").unwrap())
    };
    let error_of_many = error(&mut client, ids).await;
    assert_eq!(error_of_many.code(), ErrorCode::Invalid);
    assert!(error_of_many.to_string().contains("at most 10000"), "{error_of_many}");
    let error_of_empty = error(&mut client, vec!["one".to_owned(), String::new()]).await;
    assert_eq!(error_of_empty.to_string(), "driver_id[1]: 0 bytes, must be 1 to 64");
}
