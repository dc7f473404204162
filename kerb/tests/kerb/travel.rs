//! Travel times of streets on the public API: who is soonest, what a ride would be, and what the times are made of.

use std::path::Path;
use std::time::Duration;

use kerb_proto::v1::nearby_service_client::NearbyServiceClient;
use kerb_proto::v1::ride_service_client::RideServiceClient;
use kerb_proto::v1::{
    FindNearbyBatchRequest, FindNearbyRequest, FindNearbyResponse, LatLng, QuoteRideRequest, RankBy,
    TravelSource,
};
use serde_json::Value;
use tonic::Code;
use tonic::transport::Channel;

use crate::eventually::eventually;
use crate::gateway::{batch, report};
use crate::members::Cluster;
use crate::process::{Process, channel, run, text};
use crate::search::{Truth, ask, nearest, request, within};

const SOON: Duration = Duration::from_mins(1);

/// Two streets along a river, 222 m apart, with one bridge at their eastern end, 1.1 km off.
const NODES: &str = "node_id,lat,lon\n1,0,0\n2,0,0.01\n3,0.002,0\n4,0.002,0.01\n";
const STREETS: [(u32, u32, f64); 3] = [(1, 2, 1113.2), (3, 4, 1113.2), (2, 4, 222.4)];

const RIDER: (f64, f64) = (0.0, 0.001);
/// Where a ride goes: along the rider's own street.
const DOWN_THE_STREET: (f64, f64) = (0.0, 0.009);
/// 222 m from the rider, and the longest way.
const ACROSS: (&str, (f64, f64)) = ("across", (0.002, 0.001));
/// 556 m from the rider, down the same street.
const ALONG: (&str, (f64, f64)) = ("along", (0.0, 0.006));
/// 1.1 km from the rider and from every street.
const OFF: (&str, (f64, f64)) = ("off-the-map", (-0.01, 0.001));

pub(crate) fn town(dir: &Path) {
    let both = STREETS.iter().flat_map(|(from, to, length_m)| [(from, to, length_m), (to, from, length_m)]);
    let rows = both.map(|(from, to, length_m)| format!("{from},{to},{length_m},secondary\n"));
    let edges = format!("from_node,to_node,length_m,highway\n{}", rows.collect::<String>());
    std::fs::write(dir.join("town.csv"), NODES).expect("what the test has set up");
    std::fs::write(dir.join("edges.csv"), edges).expect("what the test has set up");
    let imported = run(dir, &["roads", "import", "town.csv", "edges.csv"]);
    assert!(imported.status.success(), "{imported:?}");
}

/// A node with the town's streets, or without.
pub(crate) fn node(dir: &Path, settings: &[&str]) -> Process {
    Process::start(dir, &[&["serve", "--data-dir", "none"], settings].concat())
}

pub(crate) const WITH_STREETS: [&str; 2] = ["--set", "roads.file=town.roads"];

/// Seconds and meters of a way, by the road network itself.
fn way(dir: &Path, from: (f64, f64), to: (f64, f64)) -> (u32, f64) {
    let at = |(lat, lon): (f64, f64)| format!("{lat},{lon}");
    let told = run(dir, &["roads", "route", "town.roads", &at(from), &at(to), "--geojson"]);
    let feature: Value = serde_json::from_slice(&told.stdout).expect("what the test has set up");
    let way = &feature["properties"];
    let time_ms = way["time_ms"].as_u64().expect("what the test has set up");
    (time_ms.div_ceil(1_000) as u32, way["length_m"].as_f64().expect("what the test has set up"))
}

pub(crate) async fn put(channel: &Channel, drivers: &[(&str, (f64, f64))]) {
    put_through(channel, channel, drivers).await;
}

/// Reports drivers at one node until they are found by another.
pub(crate) async fn put_through(ingest: &Channel, search: &Channel, drivers: &[(&str, (f64, f64))]) {
    let truth: Truth = drivers.iter().map(|(id, at)| ((*id).to_owned(), *at)).collect();
    report(ingest.clone(), vec![batch(&truth, 1, true)]).await.expect("what the test has set up");
    eventually("all are found", SOON, async || {
        let found = ask(search, request(within(RIDER, 50_000.0))).await.map_err(|e| e.to_string())?;
        if found.drivers.len() == drivers.len() { Ok(()) } else { Err(format!("{found:?}")) }
    })
    .await;
}

fn by_time(k: u32) -> FindNearbyRequest {
    by_time_to(RIDER, k)
}

/// The soonest at a point.
pub(crate) fn by_time_to(point: (f64, f64), k: u32) -> FindNearbyRequest {
    FindNearbyRequest { rank_by: RankBy::TravelTime.into(), ..request(nearest(point, k, 50_000.0)) }
}

/// Who, how long, and by what.
fn told(response: &FindNearbyResponse) -> Vec<(&str, Option<u32>, TravelSource)> {
    let drivers = response.drivers.iter();
    drivers.map(|driver| (driver.driver_id.as_str(), driver.pickup_eta_s, driver.travel_source())).collect()
}

#[tokio::test]
async fn who_is_across_the_river_is_near_but_not_soon() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    town(dir);
    let node = node(dir, &WITH_STREETS);
    let channel = node.channel();
    put(&channel, &[ACROSS, ALONG, OFF]).await;

    let near = ask(&channel, request(nearest(RIDER, 3, 50_000.0))).await.unwrap();
    let unknown = TravelSource::Unspecified;
    let untimed = [(ACROSS.0, None, unknown), (ALONG.0, None, unknown), (OFF.0, None, unknown)];
    assert_eq!(told(&near), untimed, "by distance, as ever");

    let [across_s, along_s] = [ACROSS.1, ALONG.1].map(|from| Some(way(dir, from, RIDER).0));
    assert!(along_s < across_s);
    let soon = ask(&channel, by_time(3)).await.unwrap();
    // 1,112 m times 1.35 at 22 km/h.
    let off_s = Some(246);
    let (roads, straight) = (TravelSource::Roads, TravelSource::StraightLine);
    let expected = [(ALONG.0, along_s, roads), (ACROSS.0, across_s, roads), (OFF.0, off_s, straight)];
    assert_eq!(told(&soon), expected);
    assert_eq!((soon.travel_source(), soon.ranking_incomplete), (TravelSource::Mixed, false));
    assert_eq!(ask(&channel, by_time(2)).await.unwrap().travel_source(), roads);

    let timed = FindNearbyRequest { include_eta: true, ..request(within(RIDER, 50_000.0)) };
    let timed = ask(&channel, timed).await.unwrap();
    assert_eq!(told(&timed), [expected[1], expected[0], expected[2]], "by distance, with times");

    let searches = vec![by_time(1), request(nearest(RIDER, 1, 50_000.0))];
    let mut client = NearbyServiceClient::new(channel);
    let answers = client.find_nearby_batch(FindNearbyBatchRequest { searches }).await.unwrap().into_inner();
    assert_eq!(told(&answers.answers[0]), expected[..1]);
    assert_eq!(told(&answers.answers[1]), untimed[..1]);
    told_on_the_command_line(dir, &node, along_s.unwrap());
}

fn told_on_the_command_line(dir: &Path, node: &Process, along_s: u32) {
    let url = node.url();
    let args = ["nearby", "0", "0.001", "--rank-by", "travel-time", "--endpoint", &url];
    let shown = text(&run(dir, &args).stdout);
    let lines: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["DRIVER", "DISTANCE", "ETA", "SOURCE", "AGE", "STATUS", "CLASS"], "{shown}");
    let seconds = along_s.to_string();
    assert_eq!(lines[1][..6], [ALONG.0, "556.0", "m", &*seconds, "s", "roads"], "{shown}");
    assert!(lines[3].contains(&"straight_line"), "{shown}");
    let json = run(dir, &[&args[..], &["--json"]].concat());
    let json: Value = serde_json::from_slice(&json.stdout).expect("what the test has set up");
    assert_eq!(json["drivers"][0]["pickup_eta_s"], along_s);
    assert_eq!(
        (&json["drivers"][0]["travel_source"], &json["ranking_incomplete"]),
        (&"roads".into(), &false.into())
    );
    let plain = text(&run(dir, &["nearby", "0", "0.001", "--endpoint", &url]).stdout);
    assert!(!plain.contains("ETA"), "{plain}");
    let wrong = run(dir, &["nearby", "0", "0.001", "--rank-by", "price", "--endpoint", &url]);
    assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
}

#[tokio::test]
async fn without_streets_straight_lines_rank_and_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path(), &[]);
    let channel = node.channel();
    put(&channel, &[ACROSS, ALONG]).await;
    let soon = ask(&channel, by_time(5)).await.unwrap();
    let straight = TravelSource::StraightLine;
    // 222 m and 556 m, times 1.35 at 22 km/h.
    assert_eq!(told(&soon), [(ACROSS.0, Some(50), straight), (ALONG.0, Some(123), straight)]);
    assert_eq!((soon.travel_source(), soon.ranking_incomplete), (straight, false));
}

#[tokio::test]
async fn a_ranking_that_was_cut_short_says_so() {
    let dir = tempfile::tempdir().unwrap();
    town(dir.path());
    let settings = [&WITH_STREETS[..], &["--set", "aggregator.timed_drivers_max=1"]].concat();
    let node = node(dir.path(), &settings);
    put(&node.channel(), &[ACROSS, ALONG]).await;
    let cut = ask(&node.channel(), by_time(1)).await.unwrap();
    assert!(cut.ranking_incomplete && cut.drivers[0].driver_id == ACROSS.0, "{cut:?}");
    let shown =
        run(dir.path(), &["nearby", "0", "0.001", "--rank-by", "travel-time", "--endpoint", &node.url()]);
    assert!(text(&shown.stderr).contains("other drivers may have a shorter travel time"), "{shown:?}");
}

#[tokio::test]
async fn what_cannot_be_ranked_by_time_is_refused_with_the_field() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path(), &[]);
    let channel = node.channel();
    let pages = FindNearbyRequest { rank_by: 2, ..request(within(RIDER, 1.0)) };
    let cases = [
        (FindNearbyRequest { rank_by: 9, ..by_time(1) }, "rank_by: 9, must be 0 to 2"),
        (pages, "rank_by: RANK_BY_TRAVEL_TIME, must be RANK_BY_DISTANCE in a search by pages"),
        (FindNearbyRequest { page_token: "x".into(), ..by_time(1) }, "page_token: given, must be empty"),
    ];
    for (wrong, words) in cases {
        let status = ask(&channel, wrong.clone()).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        assert!(status.message().contains(words), "{words} in {status:?}");
        let mut client = NearbyServiceClient::new(channel.clone());
        let batch = FindNearbyBatchRequest { searches: vec![by_time(1), wrong] };
        let status = client.find_nearby_batch(batch).await.unwrap_err();
        assert!(status.message().contains(&format!("searches[1].{words}")), "{status:?}");
    }
}

pub(crate) fn quote(pickup: (f64, f64), dropoff: (f64, f64)) -> QuoteRideRequest {
    let at = |(latitude_deg, longitude_deg)| Some(LatLng { latitude_deg, longitude_deg });
    QuoteRideRequest { pickup: at(pickup), dropoff: at(dropoff), ..QuoteRideRequest::default() }
}

#[tokio::test]
async fn a_quote_has_the_times_of_streets() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    town(dir);
    let node = node(dir, &WITH_STREETS);
    let mut rides = RideServiceClient::new(node.channel());
    let (ride_s, ride_m) = way(dir, RIDER, DOWN_THE_STREET);

    let nobody = eventually("every shard answers", SOON, async || {
        let told = rides.clone().quote_ride(quote(RIDER, DOWN_THE_STREET)).await;
        let told = told.map_err(|status| status.to_string())?.into_inner();
        if told.may_be_sooner { Err(format!("{told:?}")) } else { Ok(told) }
    })
    .await;
    assert_eq!((nobody.pickup, nobody.dropoff_ms), (None, 0));
    assert_eq!(nobody.ride.unwrap().time_s, ride_s, "the ride is known without a driver");

    put(&node.channel(), &[ACROSS, ALONG]).await;
    let told = rides.quote_ride(quote(RIDER, DOWN_THE_STREET)).await.unwrap().into_inner();
    let (pickup, ride) = (told.pickup.unwrap(), told.ride.unwrap());
    let along_s = way(dir, ALONG.1, RIDER).0;
    assert_eq!((pickup.eta_s, pickup.travel_source()), (along_s, TravelSource::Roads), "not the nearer one");
    assert_eq!((ride.time_s, ride.travel_source()), (ride_s, TravelSource::Roads));
    assert!((ride.distance_m - ride_m).abs() < 1e-6);
    assert_eq!(told.dropoff_ms, told.at_ms + 1_000 * i64::from(along_s + ride_s));
    assert_eq!((told.valid_until_ms - told.at_ms, &*told.market), (30_000, "world"));

    // To a place off the map the ride is a straight line, and says so.
    let off = rides.quote_ride(quote(RIDER, OFF.1)).await.unwrap().into_inner();
    assert_eq!(off.ride.unwrap().travel_source(), TravelSource::StraightLine);
    assert_eq!(off.pickup.unwrap().travel_source(), TravelSource::Roads);

    let shown = text(&run(dir, &["quote", "0,0.001", "0,0.009", "--endpoint", &node.url()]).stdout);
    assert!(shown.contains("pickup") && shown.contains("roads") && shown.contains("drop-off in"), "{shown}");
    let json = run(dir, &["quote", "0,0.001", "0,0.009", "--json", "--endpoint", &node.url()]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&json["pickup"]["eta_s"], &json["ride"]["time_s"]), (&along_s.into(), &ride_s.into()));
    let wrong = run(dir, &["quote", "0,0.001", "91,0", "--endpoint", &node.url()]);
    assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
}

#[tokio::test]
async fn a_quote_comes_through_any_aggregators_door() {
    let cluster = Cluster::start(&[1, 1, 2, 1], 1).await;
    let ingest = channel(&cluster.address_of("location-ingest-1"));
    let doors = ["aggregator-1", "aggregator-2"].map(|name| channel(&cluster.address_of(name)));
    put_through(&ingest, &doors[0], &[ALONG]).await;
    for door in doors {
        let rides = RideServiceClient::new(door);
        // The matcher searches by itself: it may see the shards covered later than the aggregator does.
        let told = eventually("the matcher sees every shard", SOON, async || {
            let told = rides.clone().quote_ride(quote(RIDER, DOWN_THE_STREET)).await;
            let told = told.map_err(|status| status.to_string())?.into_inner();
            if told.may_be_sooner { Err(format!("{told:?}")) } else { Ok(told) }
        })
        .await;
        assert_eq!(told.pickup.unwrap().eta_s, 123, "556 m times 1.35 at 22 km/h");
    }
}
