//! Speeds that change by themselves, under virtual time: at the local hour, and when a streamed one runs out.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use kerb::settings::DataDir;
use kerb::{InProcess, Settings, Surroundings};
use kerb_proto::v1::ride_service_server::RideService;
use kerb_proto::v1::{DescribeRoadsRequest, NodeRoads, SetSpeedsRequest};
use kerb_types::{Clock, RuntimeClock};
use tonic::Request;

use super::{AT_THE_BRIDGE, OVER_THE_BRIDGE, SOON, bridge_rows, over_the_bridge_s};
use crate::eventually::eventually;
use crate::travel::{quote, town};

const HOUR_MS: i64 = 3_600_000;

/// The bridge, both ways: 10 km/h at midnight from Thursday to Friday, 25 km/h from one o'clock on.
fn profile() -> String {
    let mut text = "from_lat,from_lon,to_lat,to_lon".to_owned();
    (0..168).for_each(|hour| write!(text, ",kmh_{hour}").expect("it fits"));
    for ends in ["0,0.01,0.002,0.01", "0.002,0.01,0,0.01"] {
        let _ = write!(text, "\n{ends}");
        (0..168).for_each(|hour| write!(text, ",{}", if hour == 96 { 10 } else { 25 }).expect("it fits"));
    }
    text + "\n"
}

async fn start(dir: &Path, now_ms: i64) -> (InProcess, RuntimeClock) {
    let mut settings = Settings::default();
    settings.node.data_dir = DataDir(None);
    settings.roads.file = Some(dir.join("town.roads"));
    settings.roads.profile = Some(dir.join("profile.csv"));
    settings.roads.utc_offset_min = -420;
    let clock = RuntimeClock::starting_at(now_ms);
    let surroundings =
        Surroundings { clock: Arc::new(clock), seed: 1, roads: None, truncates_journal: false };
    (InProcess::start(&settings, surroundings).await.expect("what the test has set up"), clock)
}

async fn ride_s(node: &InProcess) -> u32 {
    let asked = Request::new(quote(AT_THE_BRIDGE, OVER_THE_BRIDGE.1));
    let told = node.rides().quote_ride(asked).await.expect("what the test has set up").into_inner();
    told.ride.expect("it is always told").time_s
}

async fn roads(node: &InProcess) -> NodeRoads {
    let told = node.describe_roads(DescribeRoadsRequest::default()).await;
    told.expect("what the test has set up").nodes.swap_remove(0)
}

/// Waits until the ride takes as long as it does at a speed of the bridge; at which time.
async fn becomes(node: &InProcess, clock: RuntimeClock, kmh: f64) -> i64 {
    eventually(&format!("{kmh} km/h"), SOON, async || {
        let ride_s = ride_s(node).await;
        if ride_s == over_the_bridge_s(kmh) { Ok(clock.now_ms()) } else { Err(format!("{ride_s} s")) }
    })
    .await
}

fn under_virtual_time(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("what the test has set up").block_on(work);
}

/// Half a minute before one o'clock in the night to Friday, seven hours behind UTC. The epoch was a Thursday.
const BEGINS_MS: i64 = (24 + 7 + 1) * HOUR_MS - 30_000;

#[test]
fn the_hour_and_the_end_of_a_lifetime_change_speeds_by_themselves() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    town(dir);
    std::fs::write(dir.join("profile.csv"), profile()).unwrap();
    under_virtual_time(async {
        let (node, clock) = start(dir, BEGINS_MS).await;
        assert_eq!(ride_s(&node).await, over_the_bridge_s(10.0));
        let told = roads(&node).await;
        assert_eq!((told.from_profile, told.hour_of_week, told.generation), (2, 96, 1));
        assert_eq!(told.next_change_ms, BEGINS_MS + 30_000);

        let speeds = bridge_rows(5.0, Some(10_000));
        let answer = node.set_speeds(vec![SetSpeedsRequest { speeds, ..SetSpeedsRequest::default() }]).await;
        assert_eq!(answer.unwrap().nodes[0].taken, 2);
        let set_ms = clock.now_ms();
        assert_eq!(ride_s(&node).await, over_the_bridge_s(5.0));
        let over_ms = becomes(&node, clock, 10.0).await;
        assert!((set_ms + 10_000..set_ms + 12_000).contains(&over_ms), "{over_ms}, set {set_ms}");
        let told = roads(&node).await;
        assert_eq!((told.streamed, told.from_profile), (0, 2), "the profile is below");

        let at_ms = becomes(&node, clock, 25.0).await;
        let hour_ms = BEGINS_MS + 30_000;
        assert!((hour_ms..hour_ms + 1_000).contains(&at_ms), "{at_ms}, the hour begins at {hour_ms}");
        let told = roads(&node).await;
        assert_eq!((told.hour_of_week, told.next_change_ms), (97, hour_ms + HOUR_MS));
        node.shutdown().await;
    });
}

#[test]
fn news_that_come_together_are_worked_in_together() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    town(dir);
    std::fs::write(dir.join("profile.csv"), profile()).unwrap();
    under_virtual_time(async {
        let (node, _) = start(dir, BEGINS_MS).await;
        let call = |kmh| {
            let message = SetSpeedsRequest { speeds: bridge_rows(kmh, None), ..SetSpeedsRequest::default() };
            node.set_speeds(vec![message])
        };
        let before = roads(&node).await.generation;
        let calls = futures::future::join_all([15.0, 20.0, 30.0].map(call)).await;
        assert!(calls.into_iter().all(|answer| answer.unwrap().nodes[0].taken == 2));
        let told = roads(&node).await;
        assert_eq!((told.generation, told.rows_taken), (before + 1, 6));
        assert_eq!(ride_s(&node).await, over_the_bridge_s(30.0), "the last one told counts");
        node.shutdown().await;
    });
}
