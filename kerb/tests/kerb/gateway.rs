//! A gateway that reports for many drivers who stand still.

use std::time::Duration;

use futures::{SinkExt, channel::mpsc};
use kerb_proto::v1::fleet_service_client::FleetServiceClient;
use kerb_proto::v1::{FleetDriver, PositionColumns, ReportPositionsRequest, ReportPositionsResponse};
use tonic::Status;
use tonic::transport::Channel;

use crate::eventually::beat;
use crate::search::Truth;

/// The drivers' slot bindings and one report each.
pub(crate) fn batch(truth: &Truth, sequence: u64, introduce: bool) -> ReportPositionsRequest {
    let driver = |(handle, id): (usize, &String)| FleetDriver {
        handle: handle as u32,
        driver_id: id.clone(),
        vehicle_class: "standard".to_owned(),
        ..FleetDriver::default()
    };
    let e7 = |deg: f64| (deg * 1e7).round() as i32;
    let positions = PositionColumns {
        handle: (0..truth.len() as u32).collect(),
        latitude_e7: truth.values().map(|at| e7(at.0)).collect(),
        longitude_e7: truth.values().map(|at| e7(at.1)).collect(),
        sequence: vec![sequence; truth.len()],
        ..PositionColumns::default()
    };
    let drivers = if introduce { truth.keys().enumerate().map(driver).collect() } else { Vec::new() };
    ReportPositionsRequest { drivers, positions: Some(positions) }
}

/// Sends these batches and gives the final count.
pub(crate) async fn report(
    channel: Channel,
    batches: Vec<ReportPositionsRequest>,
) -> Result<ReportPositionsResponse, Status> {
    let batches = futures::stream::iter(batches);
    Ok(FleetServiceClient::new(channel).report_positions(batches).await?.into_inner())
}

/// Reports all drivers again and again, to the first of these nodes that takes it; never ends.
pub(crate) async fn keep_reporting(
    addresses: impl Fn() -> Vec<String> + Send + 'static,
    truth: Truth,
    every: Duration,
) {
    let mut sequence = 0;
    let mut beat = beat(every);
    for turn in 0.. {
        beat.tick().await;
        let addresses = addresses();
        let address = &addresses[turn % addresses.len()];
        let (mut up, batches) = mpsc::channel(1);
        let channel = crate::process::channel(address);
        let mut client = FleetServiceClient::new(channel);
        let call = client.report_positions(batches);
        let feed = async {
            let mut introduce = true;
            loop {
                sequence += 1;
                if up.send(batch(&truth, sequence, introduce)).await.is_err() {
                    return;
                }
                introduce = false;
                beat.tick().await;
            }
        };
        // Whichever ends first: the node is gone, or does not take it.
        tokio::select! {
            _ = call => {}
            () = feed => {}
        }
    }
}
