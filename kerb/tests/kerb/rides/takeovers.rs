//! Trips over the wire that a nearer driver takes over from the driver en route.

use std::time::Duration;

use kerb_proto::v1::connect_response::Message as Down;
use kerb_proto::v1::ride_service_client::RideServiceClient;
use kerb_proto::v1::trip_action::Action;
use kerb_proto::v1::watch_trip_response::Update;
use kerb_proto::v1::{
    AcceptOffer, ArriveAtPickup, GetTripRequest, TripAssignment, TripChange, TripEnded, TripState,
    WatchTripRequest,
};
use tonic::Code;

use crate::support::city::{next_action, ride_request};
use crate::support::driver::{DriverStream, register, update};
use crate::support::eventually::in_time;
use crate::support::process::{Process, run, text};

const BERLIN: (f64, f64) = (52.52, 13.405);
const STEP_TIMEOUT: Duration = Duration::from_mins(1);
const REOPTIMIZE: [&str; 11] = [
    "serve",
    "--set",
    "matcher.window_max_ms=100",
    "--set",
    "matcher.window_min_ms=10",
    "--set",
    "matcher.track_interval_ms=100",
    // The first driver is offered the trip at once.
    "--set",
    "matcher.pickup_start_s=600",
    "--set",
    "matcher.policy=reoptimise",
];

/// Returns the next notification that a trip has ended for this driver.
async fn next_ended(stream: &mut DriverStream) -> TripEnded {
    in_time("the end of the trip", STEP_TIMEOUT, async {
        loop {
            if let Down::Ended(ended) = stream.next().await.expect("the stream is open") {
                return ended;
            }
        }
    })
    .await
}

fn accept() -> Action {
    Action::Accept(AcceptOffer {})
}

/// A node with a trip that the driver `far` has accepted, six minutes away, and that `near` has a takeover offer for.
struct TakeoverOffer {
    dir: tempfile::TempDir,
    node: Process,
    far: DriverStream,
    near: DriverStream,
    rides: RideServiceClient<tonic::transport::Channel>,
    assignment: TripAssignment,
}

impl TakeoverOffer {
    async fn open() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let node = Process::start(dir.path(), &REOPTIMIZE);
        let mut far = DriverStream::open(node.channel(), register("far")).await.expect("a stream");
        far.report(update(1, BERLIN.0 + 0.015, BERLIN.1)).await.expect("the stream is open");
        let mut rides = RideServiceClient::new(node.channel());
        let trip = rides.request_ride(ride_request("anna", BERLIN)).await.expect("a ride").into_inner();
        in_time("the offer", STEP_TIMEOUT, far.assignment()).await.expect("an offer");
        assert_eq!(far.act(&trip.trip_id, accept()).await.expect("an answer").code, 0);
        let mut near = DriverStream::open(node.channel(), register("near")).await.expect("a stream");
        near.report(update(1, BERLIN.0 + 0.0005, BERLIN.1)).await.expect("the stream is open");
        let assignment =
            in_time("the takeover offer", STEP_TIMEOUT, near.assignment()).await.expect("an offer");
        assert_eq!((assignment.state(), &assignment.trip_id), (TripState::Offered, &trip.trip_id));
        Self { dir, node, far, near, rides, assignment }
    }
}

/// Stops the node and asserts that the audit of its journal has no violations.
fn assert_no_violations(dir: &tempfile::TempDir, node: Process) {
    assert!(node.stop().success());
    let audit = run(dir.path(), &["trips", "verify", "--journal", "kerb-data/trips"]);
    assert!(audit.status.success(), "{}{}", text(&audit.stdout), text(&audit.stderr));
}

#[tokio::test]
async fn a_nearer_driver_gets_the_trip_and_the_first_driver_gets_another() {
    let mut scene = TakeoverOffer::open().await;
    let trip_id = scene.assignment.trip_id.clone();
    let watch = WatchTripRequest { rider_id: "anna".to_owned(), trip_id: trip_id.clone(), after_number: 3 };
    let mut updates = scene.rides.watch_trip(watch).await.unwrap().into_inner();
    let result = scene.near.act(&trip_id, accept()).await.unwrap();
    assert_eq!((result.code, result.state()), (0, TripState::EnRoute), "{result:?}");
    let ended = next_ended(&mut scene.far).await;
    assert_eq!((ended.state(), &*ended.reason), (TripState::EnRoute, "a nearer driver took it over"));
    // The rider sees the new driver.
    let change: TripChange = in_time("the new driver", STEP_TIMEOUT, async {
        loop {
            if let Update::Change(change) = updates.message().await.unwrap().unwrap().update.unwrap() {
                return change;
            }
        }
    })
    .await;
    let seen = (change.number, change.state(), &*change.driver_id, &*change.note);
    assert_eq!(seen, (4, TripState::EnRoute, "near", "a nearer driver took it over from far"));
    // The arrival of the first driver is too late, and the error gives the reason.
    let late = scene.far.act(&trip_id, Action::Arrived(ArriveAtPickup {})).await.unwrap();
    assert_eq!(late.code, i32::from(Code::FailedPrecondition));
    assert!(late.message.contains("is for its own driver, and that is another"), "{late:?}");

    let bert = scene.rides.request_ride(ride_request("bert", BERLIN)).await.unwrap().into_inner();
    let offer = in_time("the next offer", STEP_TIMEOUT, scene.far.assignment()).await.unwrap();
    assert_eq!((&offer.trip_id, offer.state()), (&bert.trip_id, TripState::Offered));
    let mut state = TripState::EnRoute;
    while let Some(action) = next_action(state) {
        let result = scene.near.act(&trip_id, action).await.unwrap();
        assert_eq!(result.code, 0, "{result:?}");
        state = result.state();
    }
    let get = GetTripRequest { rider_id: "anna".to_owned(), trip_id };
    let receipt = scene.rides.get_trip(get).await.unwrap().into_inner().receipt.unwrap();
    assert_eq!(receipt.driver_id, "near");

    assert_no_violations(&scene.dir, scene.node);
    let export = run(scene.dir.path(), &["trips", "export", "--journal", "kerb-data/trips"]);
    let lines = text(&export.stdout);
    let line = lines.lines().find(|line| line.contains(r#""event":"reassigned""#)).unwrap();
    assert!(line.contains(r#""driver_id":"near","event":"reassigned","from_driver_id":"far""#), "{line}");
}

#[tokio::test]
async fn an_arrival_before_the_takeover_keeps_the_trip_and_withdraws_the_offer() {
    let mut scene = TakeoverOffer::open().await;
    let trip_id = scene.assignment.trip_id.clone();
    let arrived = scene.far.act(&trip_id, Action::Arrived(ArriveAtPickup {})).await.unwrap();
    assert_eq!((arrived.code, arrived.state()), (0, TripState::Arrived), "{arrived:?}");
    assert_eq!(next_ended(&mut scene.near).await.reason, "the offer was withdrawn");
    let late = scene.near.act(&trip_id, accept()).await.unwrap();
    assert_eq!(late.code, i32::from(Code::FailedPrecondition), "{late:?}");
    assert_no_violations(&scene.dir, scene.node);
}

/// The node is killed while a takeover offer is open. Drivers who reconnect get their trip and the offer again.
#[tokio::test]
async fn a_takeover_offer_survives_a_kill() {
    let TakeoverOffer { dir, node, assignment: TripAssignment { trip_id, .. }, .. } =
        TakeoverOffer::open().await;
    node.kill();
    let node = Process::start(dir.path(), &REOPTIMIZE);
    let mut far = DriverStream::open(node.channel(), register("far")).await.unwrap();
    let own = in_time("its own trip", STEP_TIMEOUT, far.assignment()).await.unwrap();
    assert_eq!((own.state(), &own.trip_id), (TripState::EnRoute, &trip_id));
    let mut near = DriverStream::open(node.channel(), register("near")).await.unwrap();
    let offer = in_time("the takeover offer again", STEP_TIMEOUT, near.assignment()).await.unwrap();
    assert_eq!((offer.state(), &offer.trip_id), (TripState::Offered, &trip_id));
    let result = near.act(&trip_id, accept()).await.unwrap();
    assert_eq!((result.code, result.state()), (0, TripState::EnRoute), "{result:?}");
    assert_eq!(next_ended(&mut far).await.trip_id, trip_id);
    assert_no_violations(&dir, node);
}
