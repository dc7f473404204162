//! The stream of a driver app, over gRPC.

mod order;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::FutureObj;
use futures::task::{Spawn, SpawnError};
use kerb_location_ingest::{LocationIngest, Options, ResumeToken};
use kerb_ports::DriverLookup;
use kerb_proto::v1::connect_request::Message as Up;
use kerb_proto::v1::connect_response::Message as Down;
use kerb_proto::v1::driver_service_client::DriverServiceClient;
use kerb_proto::v1::{
    Acknowledgement, ConnectRequest, ConnectResponse, PositionUpdate, Register, Registered,
};
use kerb_types::{IndexedStatus, Millis, UpdateVersion};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};

use crate::fixture::{Cluster, NOW_MS, eventually, id, in_time, node, options, serve, serve_with_spawner};

/// The app of a driver.
pub(crate) struct App {
    up: Option<mpsc::Sender<ConnectRequest>>,
    pub(crate) down: Streaming<ConnectResponse>,
}

impl App {
    pub(crate) async fn open(channel: &Channel) -> Self {
        let (up, requests) = mpsc::channel(16);
        let mut client = DriverServiceClient::new(channel.clone());
        let down = client.connect(ReceiverStream::new(requests)).await.unwrap().into_inner();
        Self { up: Some(up), down }
    }

    pub(crate) async fn register(
        channel: &Channel,
        register: Register,
    ) -> Result<(Self, Registered), Status> {
        let mut app = Self::open(channel).await;
        app.send(Up::Register(register)).await;
        match app.next().await? {
            Some(Down::Registered(registered)) => Ok((app, registered)),
            other => panic!("{other:?} is not the answer to a registration"),
        }
    }

    pub(crate) async fn send(&self, message: Up) {
        // A stream that has ended takes nothing. Its response has the reason.
        let up = self.up.as_ref().expect("the app has not finished");
        let _ = up.send(ConnectRequest { message: Some(message) }).await;
    }

    /// Sends nothing more.
    pub(crate) fn finish(&mut self) {
        self.up = None;
    }

    pub(crate) async fn next(&mut self) -> Result<Option<Down>, Status> {
        let next = in_time("the stream's next message", self.down.message()).await?;
        Ok(next.map(|response| response.message.expect("a message")))
    }

    /// Reads until the acknowledgement of this sequence.
    pub(crate) async fn acknowledged(&mut self, sequence: u64) -> Acknowledgement {
        loop {
            match self.next().await.unwrap() {
                Some(Down::Acknowledgement(ack)) if ack.sequence >= sequence => return ack,
                Some(_) => {}
                None => panic!("the stream ended before {sequence} was acknowledged"),
            }
        }
    }

    /// Reads to the end.
    pub(crate) async fn end(&mut self) -> Result<Vec<Down>, (Vec<Down>, Status)> {
        let mut messages = Vec::new();
        loop {
            match self.next().await {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => return Ok(messages),
                Err(status) => return Err((messages, status)),
            }
        }
    }
}

pub(crate) fn register(driver: &str) -> Register {
    Register { driver_id: driver.to_owned(), vehicle_class: "standard".to_owned(), ..Register::default() }
}

pub(crate) fn position(sequence: u64, latitude_deg: f64) -> Up {
    Up::Position(PositionUpdate {
        sequence,
        time_ms: NOW_MS.as_millis(),
        latitude_deg,
        longitude_deg: 8.0,
        ..Default::default()
    })
}

async fn one(options: Options) -> (Arc<Cluster>, LocationIngest, Channel) {
    let cluster = Cluster::new(&["a"], 1);
    let ingest = cluster.start("ingest", options).await;
    let channel = serve(&ingest).await;
    (cluster, ingest, channel)
}

#[tokio::test]
async fn positions_are_acknowledged_and_replicated() {
    let (cluster, ingest, channel) = one(options()).await;
    let (mut app, registered) = App::register(&channel, register("cab-7")).await.unwrap();
    assert_eq!(
        (registered.last_sequence, registered.server_time_ms, registered.node_id.as_str()),
        (0, NOW_MS.as_millis(), "ingest")
    );
    for sequence in [1, 2, 5, 4, 5] {
        app.send(position(sequence, 50.0 + sequence as f64)).await;
    }
    let ack = loop {
        let ack = app.acknowledged(5).await;
        if ack.dropped_late == 2 {
            break ack;
        }
    };
    let token = ResumeToken::decode(&ack.resume_token, &id("cab-7")).unwrap().unwrap();
    assert_eq!(
        (token.node, token.update_version),
        (node("ingest"), UpdateVersion { sequence: 5, time: NOW_MS })
    );
    assert!(ingest.settle(30_000).await);
    let seen = cluster.server("a").content()[&id("cab-7")];
    assert_eq!((seen.position.lat_deg(), seen.status), (55.0, IndexedStatus::Available));
    let known = ingest.handle().lookup(id("cab-7")).await.unwrap().unwrap();
    assert!(known.connected && known.searchable);
    drop(app);
    eventually("the stream is closed", || ingest.handle().metrics().streams_open.get() == 0).await;
    let known = ingest.handle().lookup(id("cab-7")).await.unwrap().unwrap();
    assert!(
        !known.connected && known.searchable,
        "a driver that disconnects stays until its position expires"
    );
    let (_, registered) = App::register(&channel, register("cab-7")).await.unwrap();
    assert_eq!(registered.last_sequence, 5);
}

#[tokio::test]
async fn an_offline_driver_leaves_the_index_until_another_status() {
    let (cluster, ingest, channel) = one(options()).await;
    let (mut app, _) = App::register(&channel, register("cab")).await.unwrap();
    for (sequence, status, present) in
        [(1, 3, true), (2, 0, true), (3, 4, false), (4, 0, false), (5, 2, true)]
    {
        let Up::Position(update) = position(sequence, 50.0) else { unreachable!() };
        app.send(Up::Position(PositionUpdate { status, ..update })).await;
        app.acknowledged(sequence).await;
        assert!(ingest.settle(30_000).await);
        assert_eq!(cluster.server("a").content().contains_key(&id("cab")), present, "update {sequence}");
    }
    assert_eq!(cluster.server("a").content()[&id("cab")].status, IndexedStatus::OnBreak);
}

#[tokio::test]
async fn a_rejected_position_names_its_fields_and_leaves_the_stream_open() {
    let (_cluster, ingest, channel) = one(options()).await;
    let (mut app, _) = App::register(&channel, register("cab")).await.unwrap();
    let bad = PositionUpdate {
        sequence: 3,
        latitude_deg: f64::NAN,
        speed_mps: Some(-1.0),
        status: 77,
        ..PositionUpdate::default()
    };
    app.send(Up::Position(bad)).await;
    app.send(Up::Position(PositionUpdate {
        sequence: 4,
        time_ms: (NOW_MS + Millis::new(10_001)).as_millis(),
        ..Default::default()
    }))
    .await;
    app.send(Up::Register(register("cab"))).await;
    app.send(position(5, 50.0)).await;
    let mut rejections = Vec::new();
    loop {
        match app.next().await.unwrap().expect("the stream is open") {
            Down::Rejection(rejection) => rejections.push(rejection),
            Down::Acknowledgement(ack) => break assert_eq!(ack.sequence, 5),
            _ => {}
        }
    }
    let fields = |i: usize| rejections[i].errors.iter().map(|error| error.field.as_str()).collect::<Vec<_>>();
    assert_eq!((rejections[0].sequence, rejections[1].sequence), (3, 4));
    assert_eq!(fields(0), ["position.latitude_deg", "position.speed_mps", "position.status"]);
    assert!(rejections[0].errors[0].description.contains("NaN"));
    assert_eq!((fields(1), fields(2)), (vec!["position.time_ms"], vec!["register"]));
    assert_eq!((ingest.handle().metrics().rejected.get(), ingest.handle().metrics().applied.get()), (2, 1));
}

#[tokio::test]
async fn a_wrong_register_is_rejected_with_every_field() {
    let (_cluster, _ingest, channel) = one(options()).await;
    let wrong =
        Register { driver_id: String::new(), vehicle_class: "rocket".to_owned(), ..Register::default() };
    let status = App::register(&channel, wrong).await.err().unwrap();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(
        status.message().contains("register.driver_id")
            && status.message().contains("register.vehicle_class")
    );
    let long = App::register(&channel, register(&"x".repeat(65))).await.err().unwrap();
    assert!(long.message().contains("65 bytes"), "{long}");
    let garbage =
        Register { resume_token: b"garbage-of-some-length-here".to_vec().into(), ..register("cab") };
    let status = App::register(&channel, garbage).await.err().unwrap();
    assert!(
        status.code() == Code::InvalidArgument && status.message().contains("register.resume_token"),
        "{status}"
    );
    let mut app = App::open(&channel).await;
    app.send(position(1, 50.0)).await;
    let (_, status) = app.end().await.unwrap_err();
    assert!(status.code() == Code::InvalidArgument && status.message().contains("first message"), "{status}");
}

#[tokio::test]
async fn a_stream_without_a_register_in_time_ends() {
    let (_cluster, _ingest, channel) = one(Options { register_timeout_ms: 20, ..options() }).await;
    let mut app = App::open(&channel).await;
    let (_, status) = app.end().await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::DeadlineExceeded, "no register within 20 ms"));
}

#[tokio::test]
async fn a_newer_stream_ends_the_older_one_with_a_reason() {
    let (_cluster, ingest, channel) = one(options()).await;
    let (mut older, _) = App::register(&channel, register("cab")).await.unwrap();
    older.send(position(1, 50.0)).await;
    older.acknowledged(1).await;
    let (mut newer, registered) = App::register(&channel, register("cab")).await.unwrap();
    assert_eq!(registered.last_sequence, 1);
    let (_, status) = older.end().await.unwrap_err();
    assert_eq!(status.code(), Code::Aborted);
    assert!(status.message().contains("newer stream") && status.message().contains("ingest"), "{status}");
    newer.send(position(2, 51.0)).await;
    newer.acknowledged(2).await;
    eventually("the older is closed", || ingest.handle().metrics().streams_open.get() == 1).await;
    assert_eq!(ingest.handle().metrics().superseded.get(), 1);
    assert!(ingest.handle().lookup(id("cab")).await.unwrap().unwrap().connected);
}

#[tokio::test]
async fn the_interval_is_sent_before_the_first_update_is_dropped() {
    let (_cluster, _ingest, channel) =
        one(Options { driver_updates_per_s: 5, driver_updates_burst: 20, ..options() }).await;
    let (mut app, registered) = App::register(&channel, register("cab")).await.unwrap();
    let mut intervals_sent = 0;
    for sequence in 1..=30 {
        app.send(position(sequence, 50.0)).await;
        loop {
            match app.next().await.unwrap().unwrap() {
                Down::ReportingInterval(interval) => {
                    assert_eq!(interval.interval_ms, registered.reporting_interval_ms);
                    intervals_sent += 1;
                }
                Down::Acknowledgement(ack) => {
                    assert!(ack.dropped_rate == 0 || intervals_sent > 0, "dropped before the interval");
                    assert_eq!(ack.dropped_rate, sequence.saturating_sub(20));
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(intervals_sent, 1, "the interval is sent once while the driver is too fast");
}

#[tokio::test]
async fn an_overloaded_node_lengthens_the_interval_and_shortens_it_again() {
    let (cluster, ingest, channel) = one(Options { overload_pending: 3, ..options() }).await;
    let (mut app, _) = App::register(&channel, register("cab")).await.unwrap();
    let mut gateway = ingest.handle().gateway();
    assert!(ingest.settle(30_000).await);
    cluster.server("a").gate(false);
    crate::fleet::report_all(&mut gateway, 0..10, 1);
    eventually("changes wait", || ingest.handle().metrics().links_pending.get() >= 3).await;
    // One batch may have left before the gate: more changes than the limit must wait behind it.
    crate::fleet::report_all(&mut gateway, 0..10, 2);
    let mut sequence = 0;
    let mut intervals = Vec::new();
    for open in [false, true] {
        cluster.server("a").gate(open);
        let wanted = if open { 3_000 } else { 10_000 };
        while intervals.last() != Some(&wanted) {
            sequence += 1;
            app.send(position(sequence, 50.0)).await;
            loop {
                match app.next().await.unwrap().unwrap() {
                    Down::ReportingInterval(interval) => intervals.push(interval.interval_ms),
                    Down::Acknowledgement(ack) if ack.sequence == sequence => break,
                    _ => {}
                }
            }
        }
    }
    assert!(ingest.handle().metrics().dropped_rate.get() == 0);
}

#[tokio::test]
async fn a_stalled_reader_delays_nothing_and_its_stream_ends() {
    let (_cluster, ingest, channel) = one(Options { stall_timeout_ms: 100, ..options() }).await;
    let (mut app, _) = App::register(&channel, register("cab")).await.unwrap();
    // Nothing is read from here on. The client's window takes some 30 acknowledgements.
    for sequence in 1..=5_000 {
        app.send(position(sequence, 50.0)).await;
    }
    let metrics = ingest.handle().metrics();
    eventually("all are applied or the stream has ended", || {
        metrics.applied.get() == 5_000 || metrics.stalled.get() == 1
    })
    .await;
    assert!(metrics.applied.get() > 500, "{} applied", metrics.applied.get());
    eventually("the stalled stream is ended", || metrics.stalled.get() == 1).await;
    let (messages, status) = app.end().await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.message().contains("100 ms"), "{status}");
    assert!(messages.len() < 200, "{} messages waited for {} updates", messages.len(), metrics.applied.get());
    let Some(Down::Acknowledgement(last)) = messages.last() else { panic!("{:?}", messages.last()) };
    assert_eq!(last.sequence, metrics.applied.get(), "the newest acknowledgement replaces all before it");
}

/// Counts the futures that it spawns.
#[derive(Default)]
struct CountingSpawner(AtomicUsize);

impl Spawn for CountingSpawner {
    fn spawn_obj(&self, future: FutureObj<'static, ()>) -> Result<(), SpawnError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(future);
        Ok(())
    }
}

#[tokio::test]
async fn a_stream_runs_on_the_spawner_of_its_connection() {
    let cluster = Cluster::new(&["a"], 1);
    let ingest = cluster.start("ingest", options()).await;
    let spawner = Arc::new(CountingSpawner::default());
    let channel = serve_with_spawner(&ingest, Some(spawner.clone())).await;
    let (mut app, _) = App::register(&channel, register("cab")).await.unwrap();
    app.send(position(1, 50.0)).await;
    app.acknowledged(1).await;
    assert_eq!(spawner.0.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_shutdown_ends_streams_with_a_reason_after_the_last_acknowledgement() {
    let (cluster, ingest, channel) = one(options()).await;
    let (mut app, _) = App::register(&channel, register("cab")).await.unwrap();
    app.send(position(1, 50.0)).await;
    eventually("it is applied", || ingest.handle().metrics().applied.get() == 1).await;
    in_time("the shutdown", ingest.shutdown()).await;
    let (messages, status) = app.end().await.unwrap_err();
    assert!(matches!(messages.last(), Some(Down::Acknowledgement(ack)) if ack.sequence == 1), "{messages:?}");
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "shutting down, reconnect"));
    assert!(cluster.server("a").content().contains_key(&id("cab")), "what was left is sent");
}

#[tokio::test]
async fn an_oversized_message_ends_only_its_stream() {
    let (_cluster, _ingest, channel) = one(options()).await;
    let (mut fine, _) = App::register(&channel, register("fine")).await.unwrap();
    let mut app = App::open(&channel).await;
    let huge = Register { driver_id: "x".repeat(5 * 1024 * 1024), ..register("huge") };
    app.send(Up::Register(huge)).await;
    let (_, status) = app.end().await.unwrap_err();
    assert!(matches!(status.code(), Code::OutOfRange | Code::ResourceExhausted), "{status}");
    fine.send(position(1, 50.0)).await;
    fine.acknowledged(1).await;
}
