//! A fleet gateway that reports for many drivers who stand still.

use std::time::Duration;

use futures::{SinkExt, channel::mpsc};
use kerb_proto::v1::fleet_service_client::FleetServiceClient;
use kerb_proto::v1::{FleetDriver, PositionColumns, ReportPositionsRequest, ReportPositionsResponse};
use tonic::Status;
use tonic::transport::Channel;

use crate::support::eventually::ticks;
use crate::support::search::Truth;

/// Makes a batch with one report of each driver, and with the profiles of the drivers if `with_profiles` is set.
pub(crate) fn batch(truth: &Truth, sequence: u64, with_profiles: bool) -> ReportPositionsRequest {
    let driver = |(handle, id): (usize, &String)| FleetDriver {
        handle: u32::try_from(handle).expect("a test has few drivers"),
        driver_id: id.clone(),
        vehicle_class: "standard".to_owned(),
        ..FleetDriver::default()
    };
    // Degrees are at most 180, so the product fits an `i32`.
    let e7 = |deg: f64| (deg * 1e7).round() as i32;
    let positions = PositionColumns {
        handle: (0..).take(truth.len()).collect(),
        latitude_e7: truth.values().map(|at| e7(at.0)).collect(),
        longitude_e7: truth.values().map(|at| e7(at.1)).collect(),
        sequence: vec![sequence; truth.len()],
        ..PositionColumns::default()
    };
    let drivers = if with_profiles { truth.keys().enumerate().map(driver).collect() } else { Vec::new() };
    ReportPositionsRequest { drivers, positions: Some(positions) }
}

/// Sends these batches and returns the final counts.
pub(crate) async fn report(
    channel: Channel,
    batches: Vec<ReportPositionsRequest>,
) -> Result<ReportPositionsResponse, Status> {
    let batches = futures::stream::iter(batches);
    Ok(FleetServiceClient::new(channel).report_positions(batches).await?.into_inner())
}

/// Reports all drivers at each tick, without an end. When a node fails, it continues at the next one.
pub(crate) async fn keep_reporting(
    addresses: impl Fn() -> Vec<String> + Send + 'static,
    truth: Truth,
    every: Duration,
) {
    let mut sequence = 0;
    let mut ticks = ticks(every);
    for turn in 0.. {
        ticks.tick().await;
        let addresses = addresses();
        let address = &addresses[turn % addresses.len()];
        let (mut up, batches) = mpsc::channel(1);
        let channel = crate::support::process::channel(address);
        let mut client = FleetServiceClient::new(channel);
        let call = client.report_positions(batches);
        let feed = async {
            let mut with_profiles = true;
            loop {
                sequence += 1;
                if up.send(batch(&truth, sequence, with_profiles)).await.is_err() {
                    return;
                }
                with_profiles = false;
                ticks.tick().await;
            }
        };
        // The call ends when the node fails, and the feed ends when the node stops reading.
        tokio::select! {
            _ = call => {}
            () = feed => {}
        }
    }
}
