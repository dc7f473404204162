//! The standard services for health and reflection, and a driver stream that reads nothing.

use std::time::Duration;

use futures::StreamExt;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::{v1, v1alpha};

use crate::support::driver::{DriverStream, register};
use crate::support::eventually::eventually;
use crate::support::process::Process;

const PUBLIC: [&str; 9] = [
    "kerb.v1.DriverService",
    "kerb.v1.FleetService",
    "kerb.v1.NearbyService",
    "kerb.v1.DriverQueryService",
    "kerb.v1.AdminService",
    "kerb.v1.RideService",
    "kerb.v1.DispatchAdminService",
    "kerb.v1.TripEventService",
    "kerb.v1.RoadsAdminService",
];

#[tokio::test]
async fn health_reports_each_service_and_changes_when_the_drain_begins() {
    let dir = tempfile::tempdir().unwrap();
    let node = Process::start(dir.path(), &["serve", "--data-dir", "none"]);
    let mut health = HealthClient::new(node.channel());
    for service in PUBLIC.into_iter().chain([""]) {
        let answer = health.check(HealthCheckRequest { service: service.to_owned() }).await.unwrap();
        assert_eq!(answer.into_inner().status(), ServingStatus::Serving, "{service}");
    }
    let unknown = health.check(HealthCheckRequest { service: "kerb.v1.Nothing".into() }).await.unwrap_err();
    assert_eq!(unknown.code(), tonic::Code::NotFound);

    let mut watch = health.watch(HealthCheckRequest { service: String::new() }).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    let ended = tokio::task::spawn_blocking(move || node.stop());
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    drop(watch);
    drop(health);
    assert!(ended.await.unwrap().success());
}

#[tokio::test]
async fn reflection_lists_and_describes_the_services_in_both_versions() {
    let dir = tempfile::tempdir().unwrap();
    let node = Process::start(dir.path(), &["serve", "--data-dir", "none"]);

    let list = v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let describe = v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::FileContainingSymbol("kerb.v1.NearbyService".into())),
    };
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(node.channel());
    let answers =
        client.server_reflection_info(futures::stream::iter([list, describe])).await.unwrap().into_inner();
    let answers: Vec<_> = answers.map(|answer| answer.unwrap().message_response.unwrap()).collect().await;
    let [MessageResponse::ListServicesResponse(services), MessageResponse::FileDescriptorResponse(files)] =
        &answers[..]
    else {
        panic!("{answers:?}")
    };
    let names: Vec<_> = services.service.iter().map(|service| service.name.as_str()).collect();
    assert!(PUBLIC.iter().all(|name| names.contains(name)), "{names:?}");
    assert!(!files.file_descriptor_proto.is_empty());

    let list = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(
            v1alpha::server_reflection_request::MessageRequest::ListServices(String::new()),
        ),
    };
    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(node.channel());
    let mut answers =
        client.server_reflection_info(futures::stream::iter([list])).await.unwrap().into_inner();
    assert!(answers.message().await.unwrap().is_some());
}

#[tokio::test]
async fn a_driver_stream_that_reads_nothing_disturbs_no_other_stream() {
    let dir = tempfile::tempdir().unwrap();
    let node = Process::start(
        dir.path(),
        &["serve", "--data-dir", "none", "--set", "location_ingest.driver_updates_per_s=0"],
    );
    let channel = node.channel();
    let mut neighbor = DriverStream::open(channel.clone(), register("neighbor")).await.unwrap();
    let mut stalled = DriverStream::open(channel, register("stalled")).await.unwrap();
    let sent: u64 = 20_000;
    for sequence in 1..=sent {
        let lat = 1.0 + sequence as f64 / 1e6;
        assert!(
            stalled.send(crate::support::driver::update(sequence, lat, 1.0)).await,
            "the updates of the stream are still accepted"
        );
    }
    let mut query =
        kerb_proto::v1::driver_query_service_client::DriverQueryServiceClient::new(node.channel());
    eventually("all of them are applied", Duration::from_secs(20), async || {
        let request = kerb_proto::v1::GetDriverRequest { driver_id: "stalled".into() };
        let driver = query.get_driver(request).await.map_err(|status| status.to_string())?.into_inner();
        let newest = driver.position.map_or(0, |position| position.sequence);
        if newest == sent { Ok(()) } else { Err(format!("{newest} of {sent}")) }
    })
    .await;
    neighbor.report(crate::support::driver::update(1, 2.0, 2.0)).await.unwrap();
    // When it reads at last, the newest acknowledgement stands for all updates.
    stalled.acknowledged(sent).await.unwrap();
}
