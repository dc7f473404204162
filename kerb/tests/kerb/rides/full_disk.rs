//! A node whose disk is full: calls that need the journal fail at once, the rest goes on, and all recovers when there is
//! room. A limit on the size of files stands for the disk.

use std::time::Duration;

use kerb_proto::v1::ride_service_client::RideServiceClient;
use kerb_proto::v1::{GetTripRequest, TripState};
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use super::BERLIN;
use crate::support::city::ride_request;
use crate::support::driver::{DriverStream, register, update};
use crate::support::eventually::{eventually, in_time};
use crate::support::process::{Process, run, text};
use crate::support::search::{find_nearby, request, within};

const STEP_TIMEOUT: Duration = Duration::from_mins(1);
/// Calls to a full journal return long before the answer timeout of 30 s, in which they hung.
const AT_ONCE: Duration = Duration::from_secs(15);
const FULL: Option<u64> = Some(1024);

async fn health(node: &Process, service: &str) -> ServingStatus {
    let check = HealthCheckRequest { service: service.to_owned() };
    HealthClient::new(node.channel()).check(check).await.expect("health answers").into_inner().status()
}

async fn becomes(node: &Process, service: &str, wanted: ServingStatus) {
    eventually(&format!("{service} becomes {wanted:?}"), STEP_TIMEOUT, async || {
        let status = health(node, service).await;
        if status == wanted { Ok(()) } else { Err(format!("it is {status:?}")) }
    })
    .await;
}

/// Requests rides until one fails, so that the journal is known to be full.
async fn fill(rides: &mut RideServiceClient<tonic::transport::Channel>) -> tonic::Status {
    for number in 0.. {
        let requested = rides.request_ride(ride_request(&format!("filler-{number}"), BERLIN));
        if let Err(status) = in_time("a request", AT_ONCE, requested).await {
            return status;
        }
    }
    unreachable!("the disk is full at some time");
}

#[tokio::test]
async fn a_node_goes_on_while_its_disk_is_full_and_recovers_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let node = Process::start_limitable(dir.path(), &["serve"]);
    let mut rides = RideServiceClient::new(node.channel());
    let first = rides.request_ride(ride_request("anna", BERLIN)).await.unwrap().into_inner();
    let get = GetTripRequest { rider_id: "anna".to_owned(), trip_id: first.trip_id.clone() };

    node.limit_files(FULL);
    let status = fill(&mut rides).await;
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    for number in 0..5 {
        let requested = rides.request_ride(ride_request(&format!("rider-{number}"), BERLIN));
        let status = in_time("a request", AT_ONCE, requested).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        assert!(status.get_details_retry_info().is_some(), "{status:?}");
        let read = in_time("a read", AT_ONCE, rides.get_trip(get.clone())).await.unwrap().into_inner();
        assert_eq!(read.state(), TripState::Requested);
    }
    becomes(&node, "kerb.v1.RideService", ServingStatus::NotServing).await;
    becomes(&node, "kerb.v1.TripEventService", ServingStatus::NotServing).await;
    for service in ["", "kerb.v1.DriverService", "kerb.v1.NearbyService"] {
        assert_eq!(health(&node, service).await, ServingStatus::Serving, "{service}");
    }
    // Positions and searches go on.
    let mut stream = DriverStream::open(node.channel(), register("cab-1")).await.unwrap();
    stream.report(update(1, BERLIN.0, BERLIN.1)).await.unwrap();
    eventually("the driver is found", STEP_TIMEOUT, async || {
        let found = find_nearby(&node.channel(), request(within(BERLIN, 1_000.0))).await;
        let found = found.map_err(|status| status.to_string())?;
        if found.drivers.len() == 1 { Ok(()) } else { Err(format!("{found:?}")) }
    })
    .await;
    drop(stream);

    node.limit_files(None);
    let trip = eventually("a request succeeds again", STEP_TIMEOUT, async || {
        let requested = rides.request_ride(ride_request("bert", BERLIN)).await;
        requested.map(tonic::Response::into_inner).map_err(|status| status.to_string())
    })
    .await;
    let again = rides.request_ride(ride_request("bert", BERLIN)).await.unwrap().into_inner();
    assert_eq!(again.trip_id, trip.trip_id, "a repeat is the same trip");
    becomes(&node, "kerb.v1.RideService", ServingStatus::Serving).await;
    assert_eq!(rides.get_trip(get.clone()).await.unwrap().into_inner().trip_id, first.trip_id);
    drop(rides);
    assert!(node.stop().success());

    let journal = dir.path().join("kerb-data/trips").to_string_lossy().into_owned();
    let verified = run(dir.path(), &["trips", "verify", "--journal", &journal]);
    assert!(verified.status.success(), "{}{}", text(&verified.stdout), text(&verified.stderr));
    let exported = text(&run(dir.path(), &["trips", "export", "--journal", &journal]).stdout);
    for rider in ["anna", "bert"] {
        let requested = exported.lines().filter(|line| {
            line.contains("\"requested\"") && line.contains(&format!("\"rider_id\":\"{rider}\""))
        });
        assert_eq!(requested.count(), 1, "{rider}: {exported}");
    }
}

#[tokio::test]
async fn a_node_whose_journal_cannot_recover_exits_with_1() {
    let dir = tempfile::tempdir().unwrap();
    let node = Process::start_limitable(dir.path(), &["serve"]);
    let mut rides = RideServiceClient::new(node.channel());
    rides.request_ride(ride_request("anna", BERLIN)).await.unwrap();
    node.limit_files(FULL);
    fill(&mut rides).await;
    drop(rides);
    std::fs::write(dir.path().join("kerb-data/trips/acknowledged"), "not a count").unwrap();
    node.limit_files(None);
    let ended = tokio::task::spawn_blocking(move || node.wait());
    let status = in_time("the end", STEP_TIMEOUT, ended).await.unwrap();
    assert_eq!(status.code(), Some(1));
}
