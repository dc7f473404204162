//! Street speeds of a running node: from a stream, from files and by the hour of the week; invalid speeds; and queries
//! while speeds change.

mod cluster;
mod files;
mod hours;

use std::path::Path;
use std::time::Duration;

use futures::StreamExt;
use kerb_proto::v1::ride_service_client::RideServiceClient;
use kerb_proto::v1::roads_admin_service_client::RoadsAdminServiceClient;
use kerb_proto::v1::street_speed::Direction;
use kerb_proto::v1::{
    DescribeRoadsRequest, LatLng, NodeRoads, NodeSpeedsResult, SegmentEnds, SegmentNumber, SetSpeedsRequest,
    StreetSpeed,
};
use serde_json::Value;
use tokio_util::task::AbortOnDropHandle;
use tonic::Code;
use tonic::transport::Channel;

use crate::roads::travel_times::{WITH_STREETS, by_time_to, node, put, quote, town};
use crate::support::eventually::eventually;
use crate::support::process::{Process, run, text};
use crate::support::search::find_nearby;

const STEP_TIMEOUT: Duration = Duration::from_mins(1);

/// A driver on the same side of the river, farther from the bridge.
const OVER_LAND: (&str, (f64, f64)) = ("over-land", (0.0, 0.004));
/// A driver on the other side of the bridge, and nearer to it.
const OVER_THE_BRIDGE: (&str, (f64, f64)) = ("over-the-bridge", (0.002, 0.009));
/// A position near the rider's end of the bridge.
const AT_THE_BRIDGE: (f64, f64) = (0.0, 0.009);

/// Makes a speed file with both directions of the bridge, named by their ends.
fn bridge(kmh: f64) -> String {
    format!("from_lat,from_lon,to_lat,to_lon,speed_kmh\n0,0.01,0.002,0.01,{kmh}\n0.002,0.01,0,0.01,{kmh}\n")
}

/// Returns the travel time over the bridge between two positions that are 111.3 m from its ends. Other streets are at
/// 50 km/h.
fn over_the_bridge_s(kmh: f64) -> u32 {
    let ms = 2.0 * 111.32 * 3_600.0 / 50.0 + 222.4 * 3_600.0 / kmh;
    // Some minutes at most, so the cast keeps the number.
    (ms / 1_000.0).ceil() as u32
}

fn at((latitude_deg, longitude_deg): (f64, f64)) -> LatLng {
    LatLng { latitude_deg, longitude_deg }
}

/// Returns the quoted travel time of a ride over the bridge.
async fn ride_s(channel: &Channel) -> Result<u32, String> {
    let request = quote(AT_THE_BRIDGE, OVER_THE_BRIDGE.1);
    let response = RideServiceClient::new(channel.clone()).quote_ride(request).await;
    Ok(response.map_err(|status| status.to_string())?.into_inner().ride.ok_or("no ride")?.time_s)
}

/// Returns the drivers with the smallest travel times to the bridge, in order.
async fn nearest_by_eta(channel: &Channel) -> Vec<(String, Option<u32>)> {
    let answer = find_nearby(channel, by_time_to(AT_THE_BRIDGE, 2)).await.expect("the test has set this up");
    answer.drivers.into_iter().map(|driver| (driver.driver_id, driver.pickup_eta_s)).collect()
}

async fn described(channel: &Channel) -> NodeRoads {
    let mut admin = RoadsAdminServiceClient::new(channel.clone());
    let response = admin.describe_roads(DescribeRoadsRequest::default()).await;
    response.expect("the test has set this up").into_inner().nodes.swap_remove(0)
}

async fn set(channel: &Channel, message: SetSpeedsRequest) -> Result<NodeSpeedsResult, tonic::Status> {
    let mut admin = RoadsAdminServiceClient::new(channel.clone());
    let answer = admin.set_speeds(futures::stream::iter([message])).await?;
    Ok(answer.into_inner().nodes.swap_remove(0))
}

/// Makes rows that set the speed of the bridge in both directions.
fn bridge_rows(speed_kmh: f64, lifetime_ms: Option<u32>) -> Vec<StreetSpeed> {
    let (south, north) = ((0.0, 0.01), (0.002, 0.01));
    let row = |(from, to)| {
        let ends = SegmentEnds { from: Some(at(from)), to: Some(at(to)), way: None };
        StreetSpeed { direction: Some(Direction::Ends(ends)), speed_kmh, lifetime_ms }
    };
    [(south, north), (north, south)].map(row).to_vec()
}

fn cli(dir: &Path, node: &Process, args: &[&str]) -> std::process::Output {
    run(dir, &[&["roads", "speeds"], args, &["--endpoint", &node.url()]].concat())
}

#[tokio::test]
async fn streamed_speeds_change_rides_and_rankings_before_they_are_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    town(dir);
    let node = node(dir, &WITH_STREETS);
    let channel = node.channel();
    put(&channel, &[OVER_LAND, OVER_THE_BRIDGE]).await;
    assert_eq!(ride_s(&channel).await.unwrap(), over_the_bridge_s(50.0));
    let before = nearest_by_eta(&channel).await;
    assert_eq!(before[0], (OVER_THE_BRIDGE.0.to_owned(), Some(over_the_bridge_s(50.0))), "{before:?}");

    std::fs::write(dir.join("now.csv"), bridge(5.0)).unwrap();
    let output = cli(dir, &node, &["set", "now.csv", "--lifetime-s", "3600", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["nodes"][0]["taken"], &report["nodes"][0]["refused"]), (&2.into(), &0.into()));
    assert_eq!(ride_s(&channel).await.unwrap(), over_the_bridge_s(5.0));
    let after = nearest_by_eta(&channel).await;
    assert_eq!((&after[0].0, after[1].1), (&before[1].0, Some(over_the_bridge_s(5.0))), "{after:?}");
    assert_eq!(after[0].1, before[1].1, "by land nothing has changed");

    let shown = text(&cli(dir, &node, &["show"]).stdout);
    assert!(shown.starts_with("NODE") && shown.contains("local"), "{shown}");
    let roads = described(&channel).await;
    assert_eq!((roads.directions, roads.streamed, roads.from_file, roads.from_profile), (6, 2, 0, 0));
    assert_eq!((roads.generation, roads.rows_taken, roads.rows_refused), (1, 2, 0));
    assert!(roads.applied_ms > 0 && roads.next_change_ms > roads.applied_ms, "{roads:?}");
    let info = run(dir, &["roads", "info", "town.roads", "--json"]);
    let info: Value = serde_json::from_slice(&info.stdout).unwrap();
    assert_eq!(info["checksum"], roads.network_checksum);
}

#[tokio::test]
async fn invalid_rows_are_rejected_with_the_field_and_the_others_are_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    town(dir);
    let settings = [&WITH_STREETS[..], &["--set", "roads.speed_lifetime_max_ms=1000000"]].concat();
    let node = node(dir, &settings);
    let channel = node.channel();
    let number = |segment| Direction::Number(SegmentNumber { segment, reverse: false });
    let ends = |from: Option<(f64, f64)>, to| {
        Direction::Ends(SegmentEnds { from: from.map(at), to: Some(at(to)), way: None })
    };
    let row = |direction, speed_kmh, lifetime_ms| StreetSpeed { direction, speed_kmh, lifetime_ms };
    let speeds = vec![
        row(Some(number(0)), 0.5, None),
        row(Some(number(0)), f64::NAN, None),
        row(Some(number(0)), 30.0, Some(0)),
        row(Some(number(0)), 30.0, Some(1_000_001)),
        row(None, 30.0, None),
        row(Some(number(3)), 30.0, None),
        row(Some(ends(None, (0.0, 0.0))), 30.0, None),
        row(Some(ends(Some((91.0, 0.0)), (0.0, 0.0))), 30.0, None),
        row(Some(ends(Some((0.0, 0.0)), (0.002, 0.01))), 30.0, None),
        row(Some(number(1)), 30.0, Some(1_000_000)),
    ];
    let message = SetSpeedsRequest { speeds: speeds.clone(), ..SetSpeedsRequest::default() };
    let answer = set(&channel, message).await.unwrap();
    assert_eq!((answer.taken, answer.refused, &*answer.error), (1, 9, ""));
    let words = [
        "speed_kmh: 0.5, must be 1 to 300",
        "speed_kmh: NaN, must be 1 to 300",
        "lifetime_ms: 0, must be 1 to 1000000",
        "lifetime_ms: 1000001, must be 1 to 1000000",
        "direction: absent, must be given",
        "number: segment 3 is unknown, the network has 3",
        "ends.from: absent, must be given",
        "ends.from.latitude_deg: 91 is outside -90 to 90 degrees",
        "ends: no segment leads from 0.0000000,0.0000000 to 0.0020000,0.0100000",
    ];
    for ((row, words), rejected) in (0..).zip(words).zip(&answer.rejections) {
        assert_eq!(rejected.row, row);
        let message = format!("{}: {}", rejected.field, rejected.description);
        assert!(message.starts_with(words), "{message}, not {words}");
    }
    let roads = described(&channel).await;
    assert_eq!((roads.streamed, roads.rows_taken, roads.rows_refused), (1, 1, 9));

    let network_checksum = "0123456789abcdef".to_owned();
    let message = SetSpeedsRequest { speeds, network_checksum, ..SetSpeedsRequest::default() };
    let answer = set(&channel, message).await.unwrap();
    assert_eq!(answer.taken, 0, "numbers of another network");
    let rejected = &answer.rejections[5];
    assert!(
        rejected.field == "number" && rejected.description.contains("another road network"),
        "{rejected:?}"
    );

    std::fs::write(dir.join("now.csv"), "segment,direction,speed_kmh\n0,forward,30\n7,forward,30\n").unwrap();
    let output = cli(dir, &node, &["set", "now.csv"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let error = text(&output.stderr);
    assert!(error.contains("now.csv line 3: rejected by local: number: segment 7 is unknown"), "{error}");
    assert!(error.contains("1 of 1 nodes did not accept all speeds"), "{error}");
    std::fs::write(dir.join("now.csv"), "segment,direction,speed_kmh\n0,forward,fast\n").unwrap();
    let error = text(&cli(dir, &node, &["set", "now.csv"]).stderr);
    assert_eq!(error, "kerb: now.csv: line 2: speed_kmh \"fast\" must be a number\n");
}

#[tokio::test]
async fn a_cancelled_or_too_large_call_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    town(dir.path());
    let node = node(dir.path(), &WITH_STREETS);
    let channel = node.channel();
    let mut admin = RoadsAdminServiceClient::new(channel.clone());
    let message = SetSpeedsRequest { speeds: bridge_rows(5.0, None), ..SetSpeedsRequest::default() };
    let (mut up, messages) = futures::channel::mpsc::channel(1);
    let call = tokio::spawn({
        let mut admin = admin.clone();
        async move { admin.set_speeds(messages).await }
    });
    futures::SinkExt::send(&mut up, message).await.unwrap();
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());

    let rows = vec![bridge_rows(5.0, None)[0]; 20_000];
    let large = SetSpeedsRequest { speeds: rows, ..SetSpeedsRequest::default() };
    let messages = futures::stream::iter(std::iter::repeat_n(large, 26));
    let status = admin.set_speeds(messages).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    assert!(status.message().contains("must be at most 500000 in a call"), "{status:?}");
    assert_eq!(ride_s(&channel).await.unwrap(), over_the_bridge_s(50.0));
    let roads = described(&channel).await;
    assert_eq!((roads.generation, roads.rows_taken), (0, 0));
}

#[tokio::test]
async fn endless_calls_block_other_calls_but_not_calls_of_nodes() {
    let dir = tempfile::tempdir().unwrap();
    town(dir.path());
    let node = node(dir.path(), &WITH_STREETS);
    let channel = node.channel();
    let message = SetSpeedsRequest { speeds: bridge_rows(5.0, None), ..SetSpeedsRequest::default() };
    let open = |_| {
        let (mut admin, message) = (RoadsAdminServiceClient::new(channel.clone()), message.clone());
        AbortOnDropHandle::new(tokio::spawn(async move {
            loop {
                let messages = futures::stream::iter([message.clone()]).chain(futures::stream::pending());
                // The call only ends when too many calls are open.
                assert!(admin.set_speeds(messages).await.is_err());
            }
        }))
    };
    let calls: Vec<AbortOnDropHandle<()>> = (0..4).map(open).collect();
    let status = eventually("four calls are open", STEP_TIMEOUT, async || {
        set(&channel, message.clone()).await.err().ok_or_else(|| "a fifth was taken".to_owned())
    })
    .await;
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    let own = SetSpeedsRequest { this_node_only: true, ..message.clone() };
    assert_eq!(set(&channel, own).await.unwrap().taken, 2, "the call of another node");
    drop(calls);
    eventually("a broken call makes room", STEP_TIMEOUT, async || {
        set(&channel, message.clone()).await.map_err(|status| status.to_string())
    })
    .await;
}

#[tokio::test]
async fn a_node_without_streets_rejects_speeds() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path(), &[]);
    let message = SetSpeedsRequest { speeds: bridge_rows(5.0, None), ..SetSpeedsRequest::default() };
    let status = set(&node.channel(), message).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
    let output = cli(dir.path(), &node, &["show"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(text(&output.stderr), "kerb: node local has no road network: see roads.file\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_sees_one_set_of_speeds_while_speeds_are_replaced() {
    let dir = tempfile::tempdir().unwrap();
    town(dir.path());
    let node = node(dir.path(), &WITH_STREETS);
    let channel = node.channel();
    put(&channel, &[OVER_LAND, OVER_THE_BRIDGE]).await;
    let speeds = [5.0, 25.0];
    let replacing = tokio::spawn({
        let channel = channel.clone();
        async move {
            for speed in speeds.into_iter().cycle().take(100) {
                let message =
                    SetSpeedsRequest { speeds: bridge_rows(speed, None), ..SetSpeedsRequest::default() };
                assert_eq!(set(&channel, message).await.unwrap().taken, 2);
            }
        }
    });
    let sets = [50.0, 5.0, 25.0].map(over_the_bridge_s);
    let mut seen = [0_usize; 3];
    while !replacing.is_finished() {
        let ride_s = ride_s(&channel).await.unwrap();
        let set = sets.iter().position(|set_s| *set_s == ride_s);
        seen[set.unwrap_or_else(|| panic!("{ride_s} s is of no set of {sets:?}"))] += 1;
        let nearest = nearest_by_eta(&channel).await;
        assert!(nearest.is_sorted_by_key(|(_, eta_s)| *eta_s), "{nearest:?}");
        let over = nearest.iter().find(|(id, _)| id == OVER_THE_BRIDGE.0).and_then(|(_, eta_s)| *eta_s);
        assert!(over.is_some_and(|eta_s| sets.contains(&eta_s)), "{nearest:?}");
    }
    replacing.await.unwrap();
    println!("rides of each set: {seen:?}");
    assert!(seen[1] + seen[2] > 0, "{seen:?}");
    assert_eq!(ride_s(&channel).await.unwrap(), sets[2]);
}
