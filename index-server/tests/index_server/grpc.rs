//! Calls the gRPC adapter with plain wire messages.

use std::sync::Arc;
use std::time::Duration;

use kerb_index_server::{IndexServer, grpc};
use kerb_ports::conformance::source::{NOW_MS, SOURCES, line_of, profile, sharding};
use kerb_ports::{Batch, Frame, IndexAdmin, Slot, SlotBinding, SourceRegistration};
use kerb_proto::internal::v1;
use kerb_proto::internal::v1::index_service_client::IndexServiceClient;
use kerb_proto::internal::v1::position_control::Control;
use kerb_types::{Catalog, ManualClock, NodeId, Timestamp};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::{Channel, Server};
use tonic::{Code, Status, Streaming};

use crate::conformance::{TestMembership, start, view};

async fn serve() -> (IndexServer, Channel) {
    let membership = Arc::new(TestMembership(watch::Sender::new(view(&["index-a"], &SOURCES))));
    let server = start(membership, Arc::new(ManualClock::new(NOW_MS))).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = grpc::service(server.clone());
    tokio::spawn(
        Server::builder()
            .initial_connection_window_size(i32::MAX.cast_unsigned())
            .initial_stream_window_size(1 << 20)
            .add_service(service)
            .serve_with_incoming(TcpListenerStream::new(listener)),
    );
    let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    (server, channel)
}

fn register(source: usize) -> v1::PositionFrame {
    let node = NodeId::new(SOURCES[source]).unwrap();
    let settings_fingerprint = sharding().fingerprint(&Catalog::default());
    (&SourceRegistration { node, settings_fingerprint }).into()
}

struct TestStream {
    frames: mpsc::Sender<v1::PositionFrame>,
    controls: Streaming<v1::PositionControl>,
}

impl TestStream {
    async fn open(channel: &Channel, first: v1::PositionFrame) -> Result<Self, Status> {
        let (frames, requests) = mpsc::channel(16);
        frames.send(first).await.unwrap();
        let mut client = IndexServiceClient::new(channel.clone());
        let controls = client.stream_positions(ReceiverStream::new(requests)).await?.into_inner();
        Ok(Self { frames, controls })
    }

    async fn send(&mut self, frame: &Frame) {
        self.frames.send(frame.into()).await.unwrap();
    }

    /// Reads acknowledgements until the frame with this number is applied.
    async fn applied(&mut self, number: u64) {
        loop {
            let message = self.controls.message().await.unwrap().expect("the stream goes on");
            if let Some(Control::AppliedFrames(applied)) = message.control
                && applied >= number
            {
                return;
            }
        }
    }

    /// Reads to the end of the stream and returns its status.
    async fn end(mut self) -> Status {
        loop {
            match self.controls.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the stream ended without an error"),
                Err(status) => return status,
            }
        }
    }
}

fn line(count: u32) -> Frame {
    let slot_bindings =
        (0..count).map(|slot| SlotBinding { slot: Slot::new(slot), profile: profile(slot) }).collect();
    Frame::Batch(Batch { slot_bindings, updates: line_of(count), ..Batch::default() })
}

async fn drivers(server: &IndexServer) -> u64 {
    server.stats().await.unwrap().iter().map(|stat| stat.drivers).sum()
}

#[tokio::test]
async fn frames_are_applied_and_acknowledged() {
    let (server, channel) = serve().await;
    let mut stream = TestStream::open(&channel, register(0)).await.unwrap();
    stream.send(&Frame::SnapshotBegin { round: 1, shards: sharding().all().collect() }).await;
    stream.send(&line(20)).await;
    stream.send(&Frame::SnapshotEnd { round: 1 }).await;
    stream.applied(2).await;
    assert_eq!(drivers(&server).await, 20);
    server.resync(vec![]).await.unwrap();
    let message = stream.controls.message().await.unwrap().unwrap();
    let Some(Control::Resync(list)) = message.control else { panic!("{message:?}") };
    assert_eq!(list.shards.len(), usize::from(sharding().shards()));
}

#[tokio::test]
async fn an_invalid_frame_only_ends_its_own_stream() {
    let (server, channel) = serve().await;
    let mut good = TestStream::open(&channel, register(1)).await.unwrap();
    good.send(&line(5)).await;
    good.applied(0).await;

    let not_register = v1::PositionFrame::from(&Frame::SnapshotEnd { round: 1 });
    assert_eq!(
        TestStream::open(&channel, not_register).await.map(drop).unwrap_err().code(),
        Code::FailedPrecondition
    );
    let empty = v1::PositionFrame { frame: None };
    assert_eq!(TestStream::open(&channel, empty).await.map(drop).unwrap_err().code(), Code::InvalidArgument);

    let mut bad = v1::PositionFrame::from(&line(3));
    let Some(v1::position_frame::Frame::Batch(batch)) = &mut bad.frame else { unreachable!() };
    batch.position[1] = 1 << 63;
    let stream = TestStream::open(&channel, register(0)).await.unwrap();
    stream.frames.send(bad).await.unwrap();
    let status = stream.end().await;
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("batch.position[1]"), "{status}");

    let stream = TestStream::open(&channel, register(0)).await.unwrap();
    stream.frames.send(register(0)).await.unwrap();
    assert_eq!(stream.end().await.code(), Code::FailedPrecondition);

    good.send(&Frame::SnapshotBegin { round: 1, shards: vec![] }).await;
    good.applied(1).await;
    assert_eq!(drivers(&server).await, 5);
}

#[tokio::test]
async fn a_source_that_does_not_read_delays_nothing() {
    let (server, channel) = serve().await;
    let mut stream = TestStream::open(&channel, register(0)).await.unwrap();
    stream.send(&line(20)).await;
    // Far more acknowledgements than the server queues.
    for round in 1..2_000 {
        stream.send(&Frame::SnapshotBegin { round, shards: vec![] }).await;
        stream.send(&Frame::SnapshotEnd { round }).await;
    }
    server.resync(vec![]).await.unwrap();
    stream.applied(3_998).await;
    let other = TestStream::open(&channel, register(1)).await;
    assert!(other.is_ok());
}

#[tokio::test]
async fn searches_and_errors_cross_the_wire() {
    let (_server, channel) = serve().await;
    let mut client = IndexServiceClient::new(channel.clone());
    for source in [0, 1] {
        let mut stream = TestStream::open(&channel, register(source)).await.unwrap();
        stream.send(&Frame::SnapshotBegin { round: 1, shards: sharding().all().collect() }).await;
        stream.send(&line(4)).await;
        stream.send(&Frame::SnapshotEnd { round: 1 }).await;
        stream.applied(2).await;
        // Both sources have closed their streams before the search. Their drivers stay.
    }
    let nearest = v1::Nearest { point: line_of(1)[0].position.to_bits(), radius_m: 500.0, k: 3 };
    let request = v1::SearchShardsRequest {
        shards: sharding().all().map(|shard| u32::from(shard.0)).collect(),
        search: Some(v1::search_shards_request::Search::Nearest(nearest)),
        time_min_ms: Timestamp::MIN.as_millis(),
        ..v1::SearchShardsRequest::default()
    };
    let answer = client.search_shards(request.clone()).await.unwrap().into_inner();
    let ids: Vec<_> = answer.neighbors.iter().map(|neighbor| neighbor.driver_id.as_str()).collect();
    assert_eq!(ids, ["driver-0000", "driver-0001", "driver-0002"]);

    let mut late = tonic::Request::new(request.clone());
    late.set_timeout(Duration::ZERO);
    assert!(client.search_shards(late).await.is_err());
    let no_search = v1::SearchShardsRequest { search: None, ..request };
    let status = client.search_shards(no_search).await.unwrap_err();
    assert_eq!((status.code(), status.message().contains("search")), (Code::InvalidArgument, true));
    let status = client.resync(v1::ResyncRequest { shards: vec![70_000] }).await.unwrap_err();
    assert_eq!((status.code(), status.message().contains("70000")), (Code::InvalidArgument, true));
    let stats = client.shard_stats(v1::ShardStatsRequest {}).await.unwrap().into_inner();
    assert_eq!(stats.shards.len(), usize::from(sharding().shards()));
}
