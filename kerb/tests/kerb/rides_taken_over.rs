//! Trips over the wire that a nearer driver takes over from the one who is under way.

use std::time::Duration;

use kerb_proto::v1::connect_response::Message as Down;
use kerb_proto::v1::ride_service_client::RideServiceClient;
use kerb_proto::v1::trip_action::Action;
use kerb_proto::v1::watch_trip_response::Update;
use kerb_proto::v1::{
    AcceptOffer, Arrived, GetTripRequest, TripAssignment, TripChange, TripEnded, TripState, WatchTripRequest,
};
use tonic::Code;

use crate::cabs::{next_action, wish};
use crate::driver::{DriverStream, register, update};
use crate::eventually::in_time;
use crate::process::{Process, run, text};

const BERLIN: (f64, f64) = (52.52, 13.405);
const SOON: Duration = Duration::from_mins(1);
const REOPTIMISE: [&str; 9] = [
    "serve",
    "--set",
    "matcher.window_ms=100",
    "--set",
    "matcher.window_min_ms=10",
    "--set",
    "matcher.track_interval_ms=100",
    "--set",
    "matcher.policy=reoptimise",
];

/// The next word that a trip is over.
async fn over(stream: &mut DriverStream) -> TripEnded {
    in_time("the word that it is over", SOON, async {
        loop {
            if let Down::Ended(over) = stream.next().await.expect("the stream is open") {
                return over;
            }
        }
    })
    .await
}

fn accept() -> Action {
    Action::Accept(AcceptOffer {})
}

/// A node, and a trip of Anna's that `far` has accepted, six minutes away, when `near` appears and is asked.
struct Scene {
    dir: tempfile::TempDir,
    node: Process,
    far: DriverStream,
    near: DriverStream,
    rides: RideServiceClient<tonic::transport::Channel>,
    task: TripAssignment,
}

impl Scene {
    async fn open() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let node = Process::start(dir.path(), &REOPTIMISE);
        let mut far = DriverStream::open(node.channel(), register("far")).await.expect("a stream");
        far.report(update(1, BERLIN.0 + 0.015, BERLIN.1)).await.expect("the stream is open");
        let mut rides = RideServiceClient::new(node.channel());
        let trip = rides.request_ride(wish("anna", BERLIN)).await.expect("a ride").into_inner();
        in_time("the offer", SOON, far.task()).await.expect("an offer");
        assert_eq!(far.act(&trip.trip_id, accept()).await.expect("an answer").code, 0);
        let mut near = DriverStream::open(node.channel(), register("near")).await.expect("a stream");
        near.report(update(1, BERLIN.0 + 0.0005, BERLIN.1)).await.expect("the stream is open");
        let task = in_time("the query", SOON, near.task()).await.expect("an offer");
        assert_eq!((task.state(), &task.trip_id), (TripState::Offered, &trip.trip_id));
        Self { dir, node, far, near, rides, task }
    }
}

/// Ends the node and reads its journal.
fn promises_kept(dir: &tempfile::TempDir, node: Process) {
    assert!(node.stop().success());
    let audit = run(dir.path(), &["trips", "verify", "--journal", "kerb-data/trips"]);
    assert!(audit.status.success(), "{}{}", text(&audit.stdout), text(&audit.stderr));
}

#[tokio::test]
async fn a_nearer_driver_takes_the_trip_and_the_first_hears_it_and_takes_another() {
    let mut scene = Scene::open().await;
    let trip_id = scene.task.trip_id.clone();
    let watch = WatchTripRequest { rider_id: "anna".to_owned(), trip_id: trip_id.clone(), after_number: 3 };
    let mut news = scene.rides.watch_trip(watch).await.unwrap().into_inner();
    let result = scene.near.act(&trip_id, accept()).await.unwrap();
    assert_eq!((result.code, result.state()), (0, TripState::EnRoute), "{result:?}");
    let told = over(&mut scene.far).await;
    assert_eq!((told.state(), &*told.reason), (TripState::EnRoute, "a nearer driver took it over"));
    // The rider sees who comes now.
    let change: TripChange = in_time("the new driver", SOON, async {
        loop {
            if let Update::Change(change) = news.message().await.unwrap().unwrap().update.unwrap() {
                return change;
            }
        }
    })
    .await;
    let seen = (change.number, change.state(), &*change.driver_id, &*change.note);
    assert_eq!(seen, (4, TripState::EnRoute, "near", "a nearer driver took it over from far"));
    // The first one's arrival comes too late, and it says why.
    let late = scene.far.act(&trip_id, Action::Arrived(Arrived {})).await.unwrap();
    assert_eq!(late.code, i32::from(Code::FailedPrecondition));
    assert!(late.message.contains("is for its own driver, and that is another"), "{late:?}");

    let bert = scene.rides.request_ride(wish("bert", BERLIN)).await.unwrap().into_inner();
    let task = in_time("the next offer", SOON, scene.far.task()).await.unwrap();
    assert_eq!((&task.trip_id, task.state()), (&bert.trip_id, TripState::Offered));
    let mut state = TripState::EnRoute;
    while let Some(action) = next_action(state) {
        let result = scene.near.act(&trip_id, action).await.unwrap();
        assert_eq!(result.code, 0, "{result:?}");
        state = result.state();
    }
    let get = GetTripRequest { rider_id: "anna".to_owned(), trip_id };
    let receipt = scene.rides.get_trip(get).await.unwrap().into_inner().receipt.unwrap();
    assert_eq!(receipt.driver_id, "near");

    promises_kept(&scene.dir, scene.node);
    let export = run(scene.dir.path(), &["trips", "export", "--journal", "kerb-data/trips"]);
    let lines = text(&export.stdout);
    let line = lines.lines().find(|line| line.contains(r#""event":"reassigned""#)).unwrap();
    assert!(line.contains(r#""driver_id":"near","event":"reassigned","from_driver_id":"far""#), "{line}");
}

#[tokio::test]
async fn an_arrival_that_comes_first_keeps_the_trip_and_the_other_driver_hears_it() {
    let mut scene = Scene::open().await;
    let trip_id = scene.task.trip_id.clone();
    let arrived = scene.far.act(&trip_id, Action::Arrived(Arrived {})).await.unwrap();
    assert_eq!((arrived.code, arrived.state()), (0, TripState::Arrived), "{arrived:?}");
    assert_eq!(over(&mut scene.near).await.reason, "the offer was withdrawn");
    let late = scene.near.act(&trip_id, accept()).await.unwrap();
    assert_eq!(late.code, i32::from(Code::FailedPrecondition), "{late:?}");
    promises_kept(&scene.dir, scene.node);
}

/// Killed while a driver is asked: who comes back is told what there is to do, and the answer counts.
#[tokio::test]
async fn a_query_outlives_a_kill() {
    let Scene { dir, node, task: TripAssignment { trip_id, .. }, .. } = Scene::open().await;
    node.kill();
    let node = Process::start(dir.path(), &REOPTIMISE);
    let mut far = DriverStream::open(node.channel(), register("far")).await.unwrap();
    let own = in_time("its own trip", SOON, far.task()).await.unwrap();
    assert_eq!((own.state(), &own.trip_id), (TripState::EnRoute, &trip_id));
    let mut near = DriverStream::open(node.channel(), register("near")).await.unwrap();
    let asked = in_time("the query again", SOON, near.task()).await.unwrap();
    assert_eq!((asked.state(), &asked.trip_id), (TripState::Offered, &trip_id));
    let result = near.act(&trip_id, accept()).await.unwrap();
    assert_eq!((result.code, result.state()), (0, TripState::EnRoute), "{result:?}");
    assert_eq!(over(&mut far).await.trip_id, trip_id);
    promises_kept(&dir, node);
}
