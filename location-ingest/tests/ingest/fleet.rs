//! The stream of a gateway, over gRPC.

use std::ops::Range;

use kerb_location_ingest::FleetStream;
use kerb_ports::DriverLookup;
use kerb_proto::v1::fleet_service_client::FleetServiceClient;
use kerb_proto::v1::notice::Reason;
use kerb_proto::v1::{FleetDriver, PositionColumns, ReportPositionsRequest, ReportPositionsResponse};
use kerb_types::Millis;
use tonic::Status;
use tonic::transport::Channel;

use crate::fixture::{Cluster, NOW_MS, id, in_time, options, place, serve};

pub(crate) fn driver(handle: u32) -> FleetDriver {
    FleetDriver {
        handle,
        driver_id: format!("fleet-{handle}"),
        vehicle_class: "van".to_owned(),
        ..FleetDriver::default()
    }
}

pub(crate) fn columns(handles: Range<u32>, sequence: u64) -> PositionColumns {
    let places: Vec<_> = handles.clone().map(|handle| place(u64::from(handle) * 3 + sequence)).collect();
    PositionColumns {
        latitude_e7: places.iter().map(|place| place.lat_e7()).collect(),
        longitude_e7: places.iter().map(|place| place.lon_e7()).collect(),
        sequence: handles.clone().map(|_| sequence).collect(),
        handle: handles.collect(),
        ..PositionColumns::default()
    }
}

/// Reports drivers through a gateway in this process.
pub(crate) fn report_all(gateway: &mut FleetStream, handles: Range<u32>, sequence: u64) {
    let drivers = handles.clone().map(driver).collect();
    gateway.take(ReportPositionsRequest { drivers, positions: Some(columns(handles, sequence)) }).unwrap();
}

async fn report(
    channel: &Channel,
    requests: Vec<ReportPositionsRequest>,
) -> Result<ReportPositionsResponse, Status> {
    let mut client = FleetServiceClient::new(channel.clone());
    let answer =
        in_time("the gateway's summary", client.report_positions(tokio_stream::iter(requests))).await;
    answer.map(tonic::Response::into_inner)
}

fn positions(columns: PositionColumns) -> ReportPositionsRequest {
    ReportPositionsRequest { drivers: Vec::new(), positions: Some(columns) }
}

#[tokio::test]
async fn a_gateways_summary_adds_up_and_the_index_has_the_newest() {
    let cluster = Cluster::new(&["a", "b"], 2);
    let ingest = cluster.start("ingest", options()).await;
    let channel = serve(&ingest).await;
    let register_all = ReportPositionsRequest { drivers: (0..3_000).map(driver).collect(), positions: None };
    let requests =
        [register_all].into_iter().chain([1, 3, 2, 3].map(|s| positions(columns(0..3_000, s)))).collect();
    let summary = report(&channel, requests).await.unwrap();
    assert_eq!((summary.received, summary.applied, summary.dropped_late), (12_000, 6_000, 6_000));
    assert_eq!((summary.rejected, summary.dropped_rate, summary.rejections.len()), (0, 0, 0));
    assert!(ingest.settle(30_000).await);
    cluster.assert_equals(ingest.handle().table(), Millis::new(60_000));
    assert_eq!(cluster.server("a").content().len(), 3_000);
    let counted = ingest.handle().metrics().snapshot();
    assert_eq!((counted.received, counted.applied, counted.dropped_late), (12_000, 6_000, 6_000));
}

#[tokio::test]
async fn drivers_whose_updates_have_no_effect_are_named_once() {
    let cluster = Cluster::new(&["a"], 1);
    let ingest = cluster.start("ingest", options()).await;
    let channel = serve(&ingest).await;
    let register = ReportPositionsRequest { drivers: (0..3).map(driver).collect(), positions: None };
    // Driver 1 is numbered by milliseconds first and by seconds later. Driver 2's clock is a minute behind.
    let mut first = columns(0..3, 1);
    first.sequence[1] = 1_700_000;
    let rest = (2..12).map(|sequence| {
        let mut columns = columns(0..3, sequence);
        columns.base_time_ms = NOW_MS.as_millis() - 60_000;
        columns.time_offset_ms = vec![60_000 + sequence as u32, 60_000 + sequence as u32, sequence as u32];
        columns
    });
    let requests = [register, positions(first)].into_iter().chain(rest.map(positions)).collect();
    let summary = report(&channel, requests).await.unwrap();
    assert_eq!((summary.dropped_late, summary.rejected), (10, 0), "{summary:?}");
    let named: Vec<_> = summary
        .notices
        .iter()
        .map(|named| {
            let notice = named.notice.clone().unwrap();
            (named.driver_id.as_str(), named.request, named.row, notice.reason(), notice.error.unwrap().field)
        })
        .collect();
    let wanted = [
        (driver(2).driver_id.clone(), 2, 2, Reason::PositionOld, "position.time_ms".to_owned()),
        (driver(1).driver_id.clone(), 4, 1, Reason::NotNewer, "position.sequence".to_owned()),
    ];
    let wanted: Vec<_> = wanted
        .iter()
        .map(|(id, request, row, reason, field)| (id.as_str(), *request, *row, *reason, field.clone()))
        .collect();
    assert_eq!(named, wanted);
}

#[tokio::test]
async fn rejected_rows_are_counted_and_named_and_the_rest_is_applied() {
    let cluster = Cluster::new(&["a"], 1);
    let ingest = cluster.start("ingest", options()).await;
    let channel = serve(&ingest).await;
    let mut drivers: Vec<_> = (0..4).map(driver).collect();
    drivers[2].vehicle_class = "rocket".to_owned();
    let mut bad = columns(0..5, 1);
    bad.latitude_e7[0] = 900_000_001;
    bad.time_offset_ms = vec![0; 5];
    bad.base_time_ms = NOW_MS.as_millis();
    bad.time_offset_ms[1] = 10_001;
    let mut ragged = columns(0..4, 2);
    ragged.sequence.pop();
    let mut many = columns(0..4, 3);
    many.handle = vec![77; 4];
    let mut requests = vec![ReportPositionsRequest { drivers, positions: Some(bad) }, positions(ragged)];
    requests.extend((0..40).map(|_| positions(many.clone())));
    requests.push(positions(columns(0..4, 4)));
    let summary = report(&channel, requests).await.unwrap();
    let named: Vec<_> =
        summary.rejections.iter().take(7).map(|r| (r.request, r.row, r.errors[0].field.as_str())).collect();
    let wanted = [
        (0, 2, "drivers[2].vehicle_class"),
        (0, 0, "positions.latitude_e7"),
        (0, 1, "positions.time_ms"),
        (0, 2, "positions.handle"),
        (0, 4, "positions.handle"),
        (1, 0, "positions.sequence"),
        (2, 0, "positions.handle"),
    ];
    assert_eq!(named, wanted);
    assert_eq!(summary.rejections.len(), 100, "the first hundred are named");
    // One driver; four rows; the ragged four; forty times four; one row of the last batch.
    assert_eq!((summary.applied, summary.rejected), (1 + 3, 1 + 4 + 4 + 160 + 1));
    assert_eq!(summary.received, 5 + 4 + 160 + 4);
}

#[tokio::test]
async fn updates_over_the_gateway_limit_are_dropped_and_counted() {
    let cluster = Cluster::new(&["a"], 1);
    let limited =
        kerb_location_ingest::Options { fleet_updates_per_s: 1, fleet_updates_burst: 2, ..options() };
    let ingest = cluster.start("ingest", limited).await;
    let mut gateway = ingest.handle().gateway();
    for sequence in 1..=5 {
        report_all(&mut gateway, 0..10, sequence);
    }
    let summary = gateway.into_summary();
    assert_eq!((summary.applied, summary.dropped_rate), (20, 30));
}

#[tokio::test]
async fn a_rebound_handle_names_the_new_driver_and_a_full_table_ends_the_stream() {
    let cluster = Cluster::new(&["a"], 1);
    let ingest = cluster.start("ingest", kerb_location_ingest::Options { drivers_max: 2, ..options() }).await;
    let channel = serve(&ingest).await;
    let other = FleetDriver { driver_id: "other".to_owned(), ..driver(0) };
    let requests = vec![
        ReportPositionsRequest { drivers: vec![driver(0)], positions: Some(columns(0..1, 1)) },
        ReportPositionsRequest { drivers: vec![other], positions: Some(columns(0..1, 9)) },
    ];
    assert_eq!(report(&channel, requests).await.unwrap().applied, 2);
    let known = ingest.handle().lookup(id("fleet-0")).await.unwrap().unwrap();
    assert_eq!(known.position.unwrap().update_version.sequence, 1);
    let third = vec![ReportPositionsRequest { drivers: vec![driver(7)], positions: None }];
    let status = report(&channel, third).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::ResourceExhausted);
    assert!(status.message().contains("limit of 2"), "{status}");
}
