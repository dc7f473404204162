//! The stream of a driver app, against an ingest node in this process:
//! `cargo run -p kerb-location-ingest --example driver_stream`.
//!
//! The client calls the node's gRPC service directly, without a socket. The cluster has no index server and no matcher.

use std::error::Error;
use std::sync::Arc;

use kerb_location_ingest::{LocationIngest, Options, Ports};
use kerb_ports::{DriverEvents, DriverLookup, IndexServer, IngestNode, Membership, Peers};
use kerb_proto::v1::connect_request::Message as Request;
use kerb_proto::v1::connect_response::Message as Response;
use kerb_proto::v1::driver_service_client::DriverServiceClient;
use kerb_proto::v1::{ConnectRequest, PositionUpdate, Register};
use kerb_types::{Catalog, DriverId, ManualClock, MembershipView, NodeId, ShardMap, Sharding, Timestamp};
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;

/// A cluster of one node.
struct Alone(watch::Sender<Arc<MembershipView>>);

impl Membership for Alone {
    fn watch(&self) -> watch::Receiver<Arc<MembershipView>> {
        self.0.subscribe()
    }
}

impl Peers for Alone {
    fn index_server(&self, _: &NodeId) -> Option<Arc<dyn IndexServer>> {
        None
    }

    fn ingest_node(&self, _: &NodeId) -> Option<Arc<dyn IngestNode>> {
        None
    }

    fn matcher(&self, _: &NodeId) -> Option<Arc<dyn DriverEvents>> {
        None
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // An ingest node with its ports.
    let sharding = Sharding::default();
    let shard_map = Arc::new(ShardMap::place(sharding.shards(), 1, &[]));
    let view = MembershipView { nodes: Vec::new(), shard_map };
    let cluster = Arc::new(Alone(watch::Sender::new(Arc::new(view))));
    let ports = Ports {
        node: NodeId::new("ingest-0")?,
        catalog: Arc::new(Catalog::default()),
        sharding,
        clock: Arc::new(ManualClock::new(Timestamp::from_millis(1_800_000_000_000))),
        membership: cluster.clone(),
        peers: cluster,
        seed: 1,
    };
    let ingest = LocationIngest::start(Options::default(), ports).await?;

    // A driver app: it registers, and then reports three positions 110 m apart.
    let (requests, receiver) = mpsc::channel(8);
    let mut client = DriverServiceClient::new(ingest.grpc().driver_service());
    let mut responses = client.connect(ReceiverStream::new(receiver)).await?.into_inner();
    let (driver_id, vehicle_class) = ("cab-7".to_owned(), "standard".to_owned());
    let register = Register { driver_id, vehicle_class, ..Register::default() };
    requests.send(ConnectRequest { message: Some(Request::Register(register)) }).await?;
    for sequence in 1..=3_u32 {
        let latitude_deg = 52.52 + f64::from(sequence) * 1e-3;
        let position = PositionUpdate {
            sequence: sequence.into(),
            latitude_deg,
            longitude_deg: 13.4,
            ..Default::default()
        };
        requests.send(ConnectRequest { message: Some(Request::Position(position)) }).await?;
    }

    // The newest acknowledgement replaces those before it, so the app may get fewer than three.
    while let Some(response) = responses.message().await? {
        match response.message {
            Some(Response::Registered(registered)) => println!("registered at node {}", registered.node_id),
            Some(Response::Acknowledgement(acknowledgement)) => {
                println!("position {} is acknowledged", acknowledgement.sequence);
                if acknowledgement.sequence == 3 {
                    break;
                }
            }
            other => println!("{other:?}"),
        }
    }
    let known = ingest.handle().lookup(DriverId::new("cab-7")?).await?.ok_or("the driver is in the table")?;
    println!("{} is searchable: {}", known.profile.id, known.searchable);
    assert!(known.connected && known.searchable, "the driver is connected and searchable");
    ingest.shutdown().await;
    Ok(())
}
