//! A driver's own stream, over real gRPC.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::FutureObj;
use futures::task::{Spawn, SpawnError};
use kerb_location_ingest::{LocationIngest, Options, ResumeToken};
use kerb_proto::v1::connect_request::Message as Up;
use kerb_proto::v1::connect_response::Message as Down;
use kerb_proto::v1::driver_service_client::DriverServiceClient;
use kerb_proto::v1::{
    Acknowledgement, ConnectRequest, ConnectResponse, PositionUpdate, Register, Registered,
};
use kerb_types::{DriverStatus, UpdateVersion};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};

use crate::fixture::{Cluster, NOW_MS, eventually, id, in_time, node, options, serve, serve_beside};

/// A driver's app.
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
            other => panic!("{other:?} is no registered"),
        }
    }

    pub(crate) async fn send(&self, message: Up) {
        // A stream that is over takes nothing; what ended it stands in its response.
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
        time_ms: NOW_MS,
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
async fn positions_are_taken_acknowledged_and_sent_on() {
    let (cluster, ingest, channel) = one(options()).await;
    let (mut app, registered) = App::register(&channel, register("cab-7")).await.unwrap();
    assert_eq!(
        (registered.last_sequence, registered.server_time_ms, registered.node_id.as_str()),
        (0, NOW_MS, "ingest")
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
        (node("ingest"), UpdateVersion { sequence: 5, time_ms: NOW_MS })
    );
    assert!(ingest.settle(30_000).await);
    let seen = cluster.server("a").content()[&id("cab-7")];
    assert_eq!((seen.position.lat_deg(), seen.status), (55.0, DriverStatus::Available));
    let known = ingest.port().lookup(id("cab-7")).await.unwrap().unwrap();
    assert!(known.connected && known.searchable);
    drop(app);
    eventually("the stream is closed", || ingest.counters().streams_open.get() == 0).await;
    let known = ingest.port().lookup(id("cab-7")).await.unwrap().unwrap();
    assert!(!known.connected && known.searchable, "a driver that disconnects stays until it is gone");
    let (_, registered) = App::register(&channel, register("cab-7")).await.unwrap();
    assert_eq!(registered.last_sequence, 5);
}

#[tokio::test]
async fn offline_leaves_the_index_and_another_status_comes_back() {
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
    assert_eq!(cluster.server("a").content()[&id("cab")].status, DriverStatus::OnBreak);
}

#[tokio::test]
async fn a_refused_position_names_its_fields_and_leaves_the_stream_open() {
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
    app.send(Up::Position(PositionUpdate { sequence: 4, time_ms: NOW_MS + 10_001, ..Default::default() }))
        .await;
    app.send(Up::Register(register("cab"))).await;
    app.send(position(5, 50.0)).await;
    let mut refusals = Vec::new();
    loop {
        match app.next().await.unwrap().expect("the stream is open") {
            Down::Rejection(refusal) => refusals.push(refusal),
            Down::Acknowledgement(ack) => break assert_eq!(ack.sequence, 5),
            _ => {}
        }
    }
    let fields = |i: usize| refusals[i].errors.iter().map(|error| error.field.as_str()).collect::<Vec<_>>();
    assert_eq!((refusals[0].sequence, refusals[1].sequence), (3, 4));
    assert_eq!(fields(0), ["position.latitude_deg", "position.speed_mps", "position.status"]);
    assert!(refusals[0].errors[0].description.contains("NaN"));
    assert_eq!((fields(1), fields(2)), (vec!["position.time_ms"], vec!["register"]));
    assert_eq!((ingest.counters().refused.get(), ingest.counters().applied.get()), (2, 1));
}

#[tokio::test]
async fn a_wrong_register_is_refused_with_every_field() {
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
async fn no_register_in_time_ends_the_stream() {
    let (_cluster, _ingest, channel) = one(Options { register_timeout_ms: 20, ..options() }).await;
    let mut app = App::open(&channel).await;
    let (_, status) = app.end().await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::DeadlineExceeded, "no register within 20 ms"));
}

#[tokio::test]
async fn the_newer_stream_wins_and_the_older_is_told() {
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
    eventually("the older is closed", || ingest.counters().streams_open.get() == 1).await;
    assert_eq!(ingest.counters().superseded.get(), 1);
    assert!(ingest.port().lookup(id("cab")).await.unwrap().unwrap().connected);
}

#[tokio::test]
async fn a_hint_comes_before_the_first_update_is_dropped() {
    let (_cluster, _ingest, channel) =
        one(Options { driver_updates_per_s: 5, driver_updates_burst: 20, ..options() }).await;
    let (mut app, registered) = App::register(&channel, register("cab")).await.unwrap();
    let mut hints = 0;
    for sequence in 1..=30 {
        app.send(position(sequence, 50.0)).await;
        loop {
            match app.next().await.unwrap().unwrap() {
                Down::ReportingInterval(hint) => {
                    assert_eq!(hint.interval_ms, registered.reporting_interval_ms);
                    hints += 1;
                }
                Down::Acknowledgement(ack) => {
                    assert!(ack.dropped_rate == 0 || hints > 0, "dropped before the hint");
                    assert_eq!(ack.dropped_rate, sequence.saturating_sub(20));
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(hints, 1, "a hint is given once while the driver hurries");
}

#[tokio::test]
async fn an_overloaded_node_asks_for_fewer_reports_and_takes_it_back() {
    let (cluster, ingest, channel) = one(Options { overload_pending: 3, ..options() }).await;
    let (mut app, _) = App::register(&channel, register("cab")).await.unwrap();
    let mut gateway = ingest.gateway();
    assert!(ingest.settle(30_000).await);
    cluster.server("a").gate(false);
    crate::fleet::report_all(&mut gateway, 0..10, 1);
    eventually("changes wait", || ingest.counters().links_pending.get() >= 3).await;
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
                    Down::ReportingInterval(hint) => intervals.push(hint.interval_ms),
                    Down::Acknowledgement(ack) if ack.sequence == sequence => break,
                    _ => {}
                }
            }
        }
    }
    assert!(ingest.counters().dropped_rate.get() == 0);
}

#[tokio::test]
async fn a_stalled_reader_holds_up_nothing_and_its_stream_ends_in_the_end() {
    let (_cluster, ingest, channel) = one(Options { stall_timeout_ms: 100, ..options() }).await;
    let (mut app, _) = App::register(&channel, register("cab")).await.unwrap();
    // Nothing is read from here on. The client's window takes some 30 acknowledgements.
    for sequence in 1..=5_000 {
        app.send(position(sequence, 50.0)).await;
    }
    let counters = ingest.counters();
    eventually("all are applied or the stream has ended", || {
        counters.applied.get() == 5_000 || counters.stalled.get() == 1
    })
    .await;
    assert!(counters.applied.get() > 500, "{} applied", counters.applied.get());
    eventually("the stalled stream is ended", || counters.stalled.get() == 1).await;
    let (messages, status) = app.end().await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.message().contains("100 ms"), "{status}");
    assert!(
        messages.len() < 200,
        "{} messages waited for {} updates",
        messages.len(),
        counters.applied.get()
    );
    let Some(Down::Acknowledgement(last)) = messages.last() else { panic!("{:?}", messages.last()) };
    assert_eq!(last.sequence, counters.applied.get(), "the newest acknowledgement speaks for all");
}

/// Counts what is spawned.
#[derive(Default)]
struct Beside(AtomicUsize);

impl Spawn for Beside {
    fn spawn_obj(&self, future: FutureObj<'static, ()>) -> Result<(), SpawnError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(future);
        Ok(())
    }
}

#[tokio::test]
async fn a_stream_runs_where_the_server_says() {
    let cluster = Cluster::new(&["a"], 1);
    let ingest = cluster.start("ingest", options()).await;
    let beside = Arc::new(Beside::default());
    let channel = serve_beside(&ingest, Some(beside.clone())).await;
    let (mut app, _) = App::register(&channel, register("cab")).await.unwrap();
    app.send(position(1, 50.0)).await;
    app.acknowledged(1).await;
    assert_eq!(beside.0.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_shutdown_ends_streams_with_a_reason_after_the_last_acknowledgement() {
    let (cluster, ingest, channel) = one(options()).await;
    let (mut app, _) = App::register(&channel, register("cab")).await.unwrap();
    app.send(position(1, 50.0)).await;
    eventually("it is applied", || ingest.counters().applied.get() == 1).await;
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
