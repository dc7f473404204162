//! The operator's commands on a running node, and the journal after its stop.

use std::path::Path;
use std::time::Duration;

use kerb_proto::v1::ride_service_client::RideServiceClient;
use kerb_proto::v1::{DriverStatus, LatLng, PositionUpdate, Register, RequestRideRequest};
use serde_json::Value;

use super::{fails, run_command, succeeds};
use crate::support::driver::{DriverStream, register, update};
use crate::support::eventually::eventually;
use crate::support::process::Process;

const STEP_TIMEOUT: Duration = Duration::from_secs(30);
const BERLIN: (f64, f64) = (52.52, 13.405);

async fn ride(node: &Process, rider: &str) -> Result<String, tonic::Status> {
    let position = |latitude_deg| Some(LatLng { latitude_deg, longitude_deg: BERLIN.1 });
    let request = RequestRideRequest {
        rider_id: rider.to_owned(),
        idempotency_key: "first".to_owned(),
        pickup: position(BERLIN.0),
        dropoff: position(BERLIN.0 + 0.03),
        wait_max_ms: 600_000,
        ..RequestRideRequest::default()
    };
    let trip = RideServiceClient::new(node.channel()).request_ride(request).await?;
    Ok(trip.into_inner().trip_id)
}

/// Opens the stream of a driver at the pickup.
async fn open_driver(node: &Process, register: Register, status: DriverStatus) -> DriverStream {
    let mut stream = DriverStream::open(node.channel(), register).await.expect("the driver is registered");
    let position = update(1, BERLIN.0, BERLIN.1);
    stream
        .report(PositionUpdate { status: status.into(), ..position })
        .await
        .expect("the update is accepted");
    stream
}

fn json(dir: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&succeeds(dir, args)).expect("JSON")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_pauses_explains_and_cancels() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let node = Process::start(dir, &["serve"]);
    let url = node.url();
    let trip = ride(&node, "anna").await.unwrap();
    assert_eq!(trip, "world-1");

    // A paused market makes no offers, so the drivers below stay as they are.
    let paused = succeeds(dir, &["markets", "pause", "world", "--endpoint", &url]);
    assert_eq!(paused, "market world is paused\n");
    let rejected = ride(&node, "bert").await.unwrap_err();
    assert_eq!(rejected.code(), tonic::Code::FailedPrecondition);
    let table = succeeds(dir, &["markets", "--endpoint", &url]);
    let lines: Vec<_> = table.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("MARKET  STATE   WAITING"), "{table}");
    assert!(lines[1].starts_with("world   paused        1"), "{table}");
    let listed = json(dir, &["markets", "--json", "--endpoint", &url]);
    let listed = &listed["markets"][0];
    assert_eq!((&listed["market"], &listed["paused"]), (&"world".into(), &true.into()));
    assert_eq!((&listed["waiting"], &listed["offered"]), (&1.into(), &0.into()));
    assert!(listed["journal_version"].as_u64().unwrap() >= 2, "{listed}");

    let nobody = succeeds(dir, &["trips", "explain", &trip, "--endpoint", &url]);
    assert_eq!(nobody, "trip world-1 is requested: no driver around the pickup\n");
    let van = Register { vehicle_class: "van".to_owned(), ..register("van") };
    let _drivers = [
        open_driver(&node, register("free"), DriverStatus::Available).await,
        open_driver(&node, register("pause"), DriverStatus::OnBreak).await,
        open_driver(&node, van, DriverStatus::Available).await,
    ];
    let explained = eventually("three drivers are considered", STEP_TIMEOUT, async || {
        let text = succeeds(dir, &["trips", "explain", &trip, "--driver", "van", "--endpoint", &url]);
        if text.contains(": 3 drivers") { Ok(text) } else { Err(text) }
    })
    .await;
    assert_eq!(
        explained,
        "trip world-1 is requested: 3 drivers around the pickup\n\
         \x20    1  of another vehicle class\n\
         \x20    1  not available: on a break, with a rider, or offline\n\
         \x20    1  could take the trip and have no offer yet\n\
         driver van: not of the requested vehicle class\n"
    );
    let explained =
        json(dir, &["trips", "explain", &trip, "--driver", "ghost", "--json", "--endpoint", &url]);
    assert_eq!((&explained["state"], &explained["drivers"]), (&"requested".into(), &3.into()));
    assert_eq!(explained["driver_verdict"], "no ingest node knows the driver");

    let resumed = json(dir, &["markets", "resume", "world", "--json", "--endpoint", &url]);
    assert_eq!(resumed["paused"], false);
    eventually("the free driver has an offer", STEP_TIMEOUT, async || {
        let market = json(dir, &["markets", "--json", "--endpoint", &url])["markets"][0].clone();
        if market["offered"] == 1 { Ok(()) } else { Err(market.to_string()) }
    })
    .await;
    let cancel = ["trips", "cancel", &trip, "--reason", "the road is\nflooded", "--endpoint", &url];
    let cancelled =
        "trip world-1 is cancelled by the operator (the road is\\nflooded); its driver was free\n";
    assert_eq!(succeeds(dir, &cancel), cancelled);
    assert_eq!(succeeds(dir, &cancel), cancelled, "a repeat has the same result");
    let again = json(dir, &[&cancel[..], &["--json"]].concat());
    assert_eq!((&again["state"], &again["cancelled_by"]), (&"cancelled".into(), &"operator".into()));

    assert!(node.stop().success());
    let (code, report, err) = run_command(dir, &["trips", "verify"]);
    assert_eq!((code, err.as_str()), (0, ""), "{report}");
    assert!(report.ends_with("no violations\n"), "{report}");
    let last = succeeds(dir, &["trips", "export", "--market", "world"]);
    let last: Value = serde_json::from_str(last.lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["driver_id"]), (&"cancelled".into(), &"free".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_invalid_and_ended_trips_are_reported_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let node = Process::start(dir, &["serve"]);
    let url = node.url();
    let error = |args: &[&str], code| fails(dir, &[args, &["--endpoint", &url]].concat(), code).1;

    assert_eq!(error(&["markets", "pause", "nowhere"], 1), "kerb: market \"nowhere\" is not known");
    let wrong = error(&["markets", "pause", "no where"], 2);
    assert!(wrong.starts_with("kerb: rejected: market: "), "{wrong}");
    assert_eq!(error(&["trips", "explain", "world-7"], 1), "kerb: trip \"world-7\" is not known");
    let wrong = error(&["trips", "cancel", "seven", "--reason", "r"], 2);
    assert!(wrong.starts_with("kerb: rejected: trip_id: \"seven\", must be a market's name"), "{wrong}");
    let long = error(&["trips", "cancel", "world-1", "--reason", &"r".repeat(201)], 2);
    assert_eq!(long, "kerb: rejected: reason: 201 bytes, must be at most 200");
    assert_eq!(
        run_command(dir, &["trips", "cancel", "world-1", "--endpoint", &url]).0,
        2,
        "a reason is needed"
    );

    let trip = ride(&node, "anna").await.unwrap();
    let cancel = kerb_proto::v1::CancelTripRequest {
        rider_id: "anna".to_owned(),
        trip_id: trip.clone(),
        reason: "rain".to_owned(),
    };
    RideServiceClient::new(node.channel()).cancel_trip(cancel).await.unwrap();
    let over = error(&["trips", "cancel", &trip, "--reason", "r"], 1);
    let ended_already =
        "kerb: trip world-1 is cancelled: cancelled_by_operator is not possible, it has ended";
    assert_eq!(over, ended_already);

    let (_, in_use) = fails(dir, &["trips", "verify"], 1);
    assert!(in_use.starts_with("kerb: kerb-data/trips is in use, as by a running matcher: "), "{in_use}");
    // No server listens on port 1.
    let unreachable = fails(dir, &["markets", "--endpoint", "http://127.0.0.1:1"], 1).1;
    assert!(unreachable.starts_with("kerb: cannot reach http://127.0.0.1:1: "), "{unreachable}");
    let from_environment = crate::support::process::kerb(dir, &["markets", "pause", "world"])
        .env("KERB_ENDPOINT", &url)
        .output();
    assert!(from_environment.unwrap().status.success());
}
