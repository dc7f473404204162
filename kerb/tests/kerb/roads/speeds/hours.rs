//! Speeds that change with time, under virtual time: at each hour of the week, and when streamed speeds expire.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use kerb::settings::DataDir;
use kerb::{InProcess, Settings, Surroundings};
use kerb_proto::v1::ride_service_server::RideService;
use kerb_proto::v1::{DescribeRoadsRequest, NodeRoads, SetSpeedsRequest};
use kerb_types::{Clock, RuntimeClock, Timestamp};
use tonic::Request;

use super::{AT_THE_BRIDGE, OVER_THE_BRIDGE, STEP_TIMEOUT, bridge_rows, over_the_bridge_s};
use crate::roads::travel_times::{quote, town};
use crate::support::eventually::eventually;

const HOUR_MS: i64 = 3_600_000;

/// Makes a profile of the bridge in both directions: 10 km/h in the first hour of Friday, 25 km/h in all others.
fn profile() -> String {
    let mut text = "from_lat,from_lon,to_lat,to_lon".to_owned();
    (0..168).for_each(|hour| write!(text, ",kmh_{hour}").expect("it fits"));
    for ends in ["0,0.01,0.002,0.01", "0.002,0.01,0,0.01"] {
        let _ = write!(text, "\n{ends}");
        (0..168).for_each(|hour| write!(text, ",{}", if hour == 96 { 10 } else { 25 }).expect("it fits"));
    }
    text + "\n"
}

async fn start(dir: &Path, now: Timestamp) -> (InProcess, RuntimeClock) {
    let mut settings = Settings::default();
    settings.node.data_dir = DataDir(None);
    settings.roads.file = Some(dir.join("town.roads"));
    settings.roads.profile = Some(dir.join("profile.csv"));
    settings.roads.utc_offset_min = -420;
    let clock = RuntimeClock::starting_at(now);
    let surroundings =
        Surroundings { clock: Arc::new(clock), seed: 1, roads: None, truncates_journal: false };
    (InProcess::start(&settings, surroundings).await.expect("the test has set this up"), clock)
}

async fn ride_s(node: &InProcess) -> u32 {
    let request = Request::new(quote(AT_THE_BRIDGE, OVER_THE_BRIDGE.1));
    let quote = node.rides().quote_ride(request).await.expect("the test has set this up").into_inner();
    quote.ride.expect("a quote always has a ride").time_s
}

async fn roads(node: &InProcess) -> NodeRoads {
    let response = node.describe_roads(DescribeRoadsRequest::default()).await;
    response.expect("the test has set this up").nodes.swap_remove(0)
}

/// Waits until the ride has the travel time for this speed of the bridge. Returns the time of that moment.
async fn until_bridge_at(node: &InProcess, clock: RuntimeClock, kmh: f64) -> i64 {
    eventually(&format!("{kmh} km/h"), STEP_TIMEOUT, async || {
        let ride_s = ride_s(node).await;
        if ride_s == over_the_bridge_s(kmh) { Ok(clock.now()) } else { Err(format!("{ride_s} s")) }
    })
    .await
    .as_millis()
}

fn under_virtual_time(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("the test has set this up").block_on(work);
}

/// Half a minute before one o'clock on Friday night, seven hours behind UTC. The epoch was a Thursday.
const BEGINS_MS: i64 = (24 + 7 + 1) * HOUR_MS - 30_000;

#[test]
fn speeds_change_with_the_hour_and_when_their_lifetime_ends() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    town(dir);
    std::fs::write(dir.join("profile.csv"), profile()).unwrap();
    under_virtual_time(async {
        let (node, clock) = start(dir, Timestamp::from_millis(BEGINS_MS)).await;
        assert_eq!(ride_s(&node).await, over_the_bridge_s(10.0));
        let state = roads(&node).await;
        assert_eq!((state.from_profile, state.hour_of_week, state.generation), (2, 96, 1));
        assert_eq!(state.next_change_ms, BEGINS_MS + 30_000);

        let speeds = bridge_rows(5.0, Some(10_000));
        let answer = node.set_speeds(vec![SetSpeedsRequest { speeds, ..SetSpeedsRequest::default() }]).await;
        assert_eq!(answer.unwrap().nodes[0].taken, 2);
        let set_ms = clock.now().as_millis();
        assert_eq!(ride_s(&node).await, over_the_bridge_s(5.0));
        let over_ms = until_bridge_at(&node, clock, 10.0).await;
        assert!((set_ms + 10_000..set_ms + 12_000).contains(&over_ms), "{over_ms}, set {set_ms}");
        let state = roads(&node).await;
        assert_eq!((state.streamed, state.from_profile), (0, 2), "the profile is the layer below");

        let at_ms = until_bridge_at(&node, clock, 25.0).await;
        let hour_ms = BEGINS_MS + 30_000;
        assert!((hour_ms..hour_ms + 1_000).contains(&at_ms), "{at_ms}, the hour begins at {hour_ms}");
        let state = roads(&node).await;
        assert_eq!((state.hour_of_week, state.next_change_ms), (97, hour_ms + HOUR_MS));
        node.shutdown().await;
    });
}

#[test]
fn concurrent_speed_changes_are_applied_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    town(dir);
    std::fs::write(dir.join("profile.csv"), profile()).unwrap();
    under_virtual_time(async {
        let (node, _) = start(dir, Timestamp::from_millis(BEGINS_MS)).await;
        let call = |kmh| {
            let message = SetSpeedsRequest { speeds: bridge_rows(kmh, None), ..SetSpeedsRequest::default() };
            node.set_speeds(vec![message])
        };
        let before = roads(&node).await.generation;
        let calls = futures::future::join_all([15.0, 20.0, 30.0].map(call)).await;
        assert!(calls.into_iter().all(|answer| answer.unwrap().nodes[0].taken == 2));
        let state = roads(&node).await;
        assert_eq!((state.generation, state.rows_taken), (before + 1, 6));
        assert_eq!(ride_s(&node).await, over_the_bridge_s(30.0), "the last call overrides the others");
        node.shutdown().await;
    });
}
