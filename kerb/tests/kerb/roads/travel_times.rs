//! Travel times on streets in the public API: nearest searches by travel time, quotes, and the sources of the times.

use std::path::Path;
use std::time::Duration;

use kerb_proto::v1::nearby_service_client::NearbyServiceClient;
use kerb_proto::v1::ride_service_client::RideServiceClient;
use kerb_proto::v1::{
    FindNearbyBatchRequest, FindNearbyRequest, FindNearbyResponse, LatLng, PositionUpdate, QuoteRideRequest,
    RankBy, TravelSource,
};
use serde_json::Value;
use tonic::Code;
use tonic::transport::Channel;

use crate::support::city::ride_request;
use crate::support::cluster::Cluster;
use crate::support::driver::{DriverStream, register, update};
use crate::support::eventually::{eventually, in_time};
use crate::support::gateway::{batch, report};
use crate::support::process::{Process, channel, run, text};
use crate::support::search::{Truth, find_nearby, nearest, request, within};

const STEP_TIMEOUT: Duration = Duration::from_mins(1);

/// Two streets along a river, 222 m apart, with one bridge at their eastern end. The streets are 1.1 km long.
const NODES: &str = "node_id,lat,lon\n1,0,0\n2,0,0.01\n3,0.002,0\n4,0.002,0.01\n";
const STREETS: [(u32, u32, f64); 3] = [(1, 2, 1113.2), (3, 4, 1113.2), (2, 4, 222.4)];

const RIDER: (f64, f64) = (0.0, 0.001);
/// The drop-off of the rides, on the rider's street.
const DOWN_THE_STREET: (f64, f64) = (0.0, 0.009);
/// A driver 222 m from the rider, with the longest route.
const ACROSS: (&str, (f64, f64)) = ("across", (0.002, 0.001));
/// A driver 556 m from the rider, on the same street.
const ALONG: (&str, (f64, f64)) = ("along", (0.0, 0.006));
/// A driver 1.1 km from the rider and from every street.
const OFF: (&str, (f64, f64)) = ("off-the-map", (-0.01, 0.001));

pub(crate) fn town(dir: &Path) {
    let both = STREETS.iter().flat_map(|(from, to, length_m)| [(from, to, length_m), (to, from, length_m)]);
    let rows = both.map(|(from, to, length_m)| format!("{from},{to},{length_m},secondary\n"));
    let edges = format!("from_node,to_node,length_m,highway\n{}", rows.collect::<String>());
    std::fs::write(dir.join("town.csv"), NODES).expect("the test has set this up");
    std::fs::write(dir.join("edges.csv"), edges).expect("the test has set this up");
    let imported = run(dir, &["roads", "import", "town.csv", "edges.csv"]);
    assert!(imported.status.success(), "{imported:?}");
}

/// Starts a node with these settings.
pub(crate) fn node(dir: &Path, settings: &[&str]) -> Process {
    Process::start(dir, &[&["serve", "--data-dir", "none"], settings].concat())
}

pub(crate) const WITH_STREETS: [&str; 2] = ["--set", "roads.file=town.roads"];

/// Returns the seconds and meters of a route, as `kerb roads route` computes them.
fn route(dir: &Path, from: (f64, f64), to: (f64, f64)) -> (u32, f64) {
    let at = |(lat, lon): (f64, f64)| format!("{lat},{lon}");
    let output = run(dir, &["roads", "route", "town.roads", &at(from), &at(to), "--geojson"]);
    let feature: Value = serde_json::from_slice(&output.stdout).expect("the test has set this up");
    let properties = &feature["properties"];
    let time_ms = properties["time_ms"].as_u64().expect("the test has set this up");
    let time_s = u32::try_from(time_ms.div_ceil(1_000)).expect("some minutes");
    (time_s, properties["length_m"].as_f64().expect("the test has set this up"))
}

pub(crate) async fn put(channel: &Channel, drivers: &[(&str, (f64, f64))]) {
    put_through(channel, channel, drivers).await;
}

/// Reports drivers at one node and waits until searches at another node find them.
pub(crate) async fn put_through(ingest: &Channel, search: &Channel, drivers: &[(&str, (f64, f64))]) {
    let truth: Truth = drivers.iter().map(|(id, at)| ((*id).to_owned(), *at)).collect();
    report(ingest.clone(), vec![batch(&truth, 1, true)]).await.expect("the test has set this up");
    eventually("all are found", STEP_TIMEOUT, async || {
        let found = find_nearby(search, request(within(RIDER, 50_000.0))).await.map_err(|e| e.to_string())?;
        if found.drivers.len() == drivers.len() { Ok(()) } else { Err(format!("{found:?}")) }
    })
    .await;
}

/// Opens the streams of drivers: without one, a driver gets no offer and is in no quote.
async fn connect(ingest: &Channel, drivers: &[(&str, (f64, f64))]) -> Vec<DriverStream> {
    let open = drivers.iter().map(|(id, _)| DriverStream::open(ingest.clone(), register(id)));
    futures::future::try_join_all(open).await.expect("the test has set this up")
}

fn by_time(k: u32) -> FindNearbyRequest {
    by_time_to(RIDER, k)
}

/// Makes a nearest search by travel time to a point.
pub(crate) fn by_time_to(point: (f64, f64), k: u32) -> FindNearbyRequest {
    FindNearbyRequest { rank_by: RankBy::TravelTime.into(), ..request(nearest(point, k, 50_000.0)) }
}

/// Returns the driver, the travel time and its source for each neighbor.
fn neighbors(response: &FindNearbyResponse) -> Vec<(&str, Option<u32>, TravelSource)> {
    let drivers = response.drivers.iter();
    drivers.map(|driver| (driver.driver_id.as_str(), driver.pickup_eta_s, driver.travel_source())).collect()
}

#[tokio::test]
async fn a_driver_across_the_river_is_near_but_has_a_long_travel_time() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    town(dir);
    let node = node(dir, &WITH_STREETS);
    let channel = node.channel();
    put(&channel, &[ACROSS, ALONG, OFF]).await;

    let near = find_nearby(&channel, request(nearest(RIDER, 3, 50_000.0))).await.unwrap();
    let unknown = TravelSource::Unspecified;
    let untimed = [(ACROSS.0, None, unknown), (ALONG.0, None, unknown), (OFF.0, None, unknown)];
    assert_eq!(neighbors(&near), untimed, "by distance");

    let [across_s, along_s] = [ACROSS.1, ALONG.1].map(|from| Some(route(dir, from, RIDER).0));
    assert!(along_s < across_s);
    let soon = find_nearby(&channel, by_time(3)).await.unwrap();
    // 1,112 m times 1.35 at 22 km/h.
    let off_s = Some(246);
    let (roads, straight) = (TravelSource::Roads, TravelSource::StraightLine);
    let expected = [(ALONG.0, along_s, roads), (ACROSS.0, across_s, roads), (OFF.0, off_s, straight)];
    assert_eq!(neighbors(&soon), expected);
    assert_eq!((soon.travel_source(), soon.ranking_incomplete), (TravelSource::Mixed, false));
    assert_eq!(find_nearby(&channel, by_time(2)).await.unwrap().travel_source(), roads);

    let timed = FindNearbyRequest { include_eta: true, ..request(within(RIDER, 50_000.0)) };
    let timed = find_nearby(&channel, timed).await.unwrap();
    assert_eq!(neighbors(&timed), [expected[1], expected[0], expected[2]], "by distance, with times");

    let searches = vec![by_time(1), request(nearest(RIDER, 1, 50_000.0))];
    let mut client = NearbyServiceClient::new(channel);
    let answers = client.find_nearby_batch(FindNearbyBatchRequest { searches }).await.unwrap().into_inner();
    assert_eq!(neighbors(&answers.answers[0]), expected[..1]);
    assert_eq!(neighbors(&answers.answers[1]), untimed[..1]);
    check_command_line(dir, &node, along_s.unwrap());
}

fn check_command_line(dir: &Path, node: &Process, along_s: u32) {
    let url = node.url();
    let args = ["nearby", "0", "0.001", "--rank-by", "travel-time", "--endpoint", &url];
    let shown = text(&run(dir, &args).stdout);
    let lines: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        lines[0],
        ["DRIVER", "DISTANCE", "ETA", "SOURCE", "AGE", "STATUS", "AVAILABILITY", "CLASS"],
        "{shown}"
    );
    let seconds = along_s.to_string();
    assert_eq!(lines[1][..6], [ALONG.0, "556.0", "m", &*seconds, "s", "roads"], "{shown}");
    assert!(lines[3].contains(&"straight_line"), "{shown}");
    let json = run(dir, &[&args[..], &["--json"]].concat());
    let json: Value = serde_json::from_slice(&json.stdout).expect("the test has set this up");
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
async fn without_streets_straight_lines_rank_and_are_the_source() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path(), &[]);
    let channel = node.channel();
    put(&channel, &[ACROSS, ALONG]).await;
    let soon = find_nearby(&channel, by_time(5)).await.unwrap();
    let straight = TravelSource::StraightLine;
    // 222 m and 556 m, times 1.35 at 22 km/h.
    assert_eq!(neighbors(&soon), [(ACROSS.0, Some(50), straight), (ALONG.0, Some(123), straight)]);
    assert_eq!((soon.travel_source(), soon.ranking_incomplete), (straight, false));
}

#[tokio::test]
async fn an_incomplete_ranking_is_marked() {
    let dir = tempfile::tempdir().unwrap();
    town(dir.path());
    let settings = [&WITH_STREETS[..], &["--set", "aggregator.timed_drivers_max=1"]].concat();
    let node = node(dir.path(), &settings);
    put(&node.channel(), &[ACROSS, ALONG]).await;
    let cut = find_nearby(&node.channel(), by_time(1)).await.unwrap();
    assert!(cut.ranking_incomplete && cut.drivers[0].driver_id == ACROSS.0, "{cut:?}");
    let shown =
        run(dir.path(), &["nearby", "0", "0.001", "--rank-by", "travel-time", "--endpoint", &node.url()]);
    assert!(text(&shown.stderr).contains("other drivers may have a shorter travel time"), "{shown:?}");
}

#[tokio::test]
async fn a_search_that_cannot_rank_by_time_is_rejected_with_the_field() {
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
        let status = find_nearby(&channel, wrong.clone()).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        assert!(status.message().contains(words), "{words} in {status:?}");
        let mut client = NearbyServiceClient::new(channel.clone());
        let batch = FindNearbyBatchRequest { searches: vec![by_time(1), wrong] };
        let status = client.find_nearby_batch(batch).await.unwrap_err();
        assert!(status.message().contains(&format!("searches[1].{words}")), "{status:?}");
    }
}

/// A divided road of 2.2 km: one carriageway leads east, the other one west, and they meet at the ends.
const CARRIAGEWAYS: &str = "node_id,lat,lon\n1,0,0\n2,0,0.02\n3,0.0002,0.02\n4,0.0002,0\n";
const ONE_WAY: &str = "from_node,to_node,length_m,highway\n1,2,2226.4,primary\n2,3,22.2,primary\n\
    3,4,2226.4,primary\n4,1,22.2,primary\n";

/// Two drivers stand at one place between the carriageways. The one that drives west is first by its id, and must turn at the
/// end of the road.
#[tokio::test]
async fn a_driver_on_a_divided_road_is_on_the_side_that_it_drives_on() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    std::fs::write(dir.join("town.csv"), CARRIAGEWAYS).unwrap();
    std::fs::write(dir.join("edges.csv"), ONE_WAY).unwrap();
    assert!(run(dir, &["roads", "import", "town.csv", "edges.csv"]).status.success());
    let settings = ["--set", "matcher.pickup_start_s=1200"];
    let node = node(dir, &[&WITH_STREETS[..], &settings].concat());
    let channel = node.channel();
    let between = (0.0001, 0.01);
    let rider = (0.0, 0.012);
    let mut streams = Vec::new();
    for (id, heading_deg) in [("a-west", 270.0), ("b-east", 90.0)] {
        let mut stream = DriverStream::open(channel.clone(), register(id)).await.unwrap();
        let driving = PositionUpdate {
            heading_deg: Some(heading_deg),
            speed_mps: Some(10.0),
            ..update(1, between.0, between.1)
        };
        stream.report(driving).await.unwrap();
        streams.push(stream);
    }
    let found = eventually("both are found", STEP_TIMEOUT, async || {
        let found = find_nearby(&channel, by_time_to(rider, 2)).await.map_err(|e| e.to_string())?;
        if found.drivers.len() == 2 { Ok(found) } else { Err(format!("{found:?}")) }
    })
    .await;
    let ids: Vec<_> = found.drivers.iter().map(|driver| driver.driver_id.as_str()).collect();
    let [east_s, west_s] = [0, 1].map(|index| found.drivers[index].pickup_eta_s());
    assert_eq!(ids, ["b-east", "a-west"]);
    assert!(west_s > 5 * east_s, "{west_s} s around the end of the road, and {east_s} s");

    let mut rides = RideServiceClient::new(channel.clone());
    rides.request_ride(ride_request("anna", rider)).await.unwrap();
    let offer = in_time("the offer", STEP_TIMEOUT, streams[1].assignment()).await.unwrap();
    assert_eq!(offer.pickup_eta_s, east_s);
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
    let (ride_s, ride_m) = route(dir, RIDER, DOWN_THE_STREET);

    let empty = eventually("every shard answers", STEP_TIMEOUT, async || {
        let quote = rides.clone().quote_ride(quote(RIDER, DOWN_THE_STREET)).await;
        let quote = quote.map_err(|status| status.to_string())?.into_inner();
        if quote.pickup_incomplete { Err(format!("{quote:?}")) } else { Ok(quote) }
    })
    .await;
    assert_eq!((empty.pickup, empty.dropoff_ms), (None, 0));
    assert_eq!(empty.ride.unwrap().time_s, ride_s, "the ride is known without a driver");

    let _streams = connect(&node.channel(), &[ACROSS, ALONG]).await;
    put(&node.channel(), &[ACROSS, ALONG]).await;
    let quoted = rides.quote_ride(quote(RIDER, DOWN_THE_STREET)).await.unwrap().into_inner();
    let (pickup, ride) = (quoted.pickup.unwrap(), quoted.ride.unwrap());
    let along_s = route(dir, ALONG.1, RIDER).0;
    assert_eq!((pickup.eta_s, pickup.travel_source()), (along_s, TravelSource::Roads), "not the nearer one");
    assert_eq!((ride.time_s, ride.travel_source()), (ride_s, TravelSource::Roads));
    assert!((ride.distance_m - ride_m).abs() < 1e-6);
    assert_eq!(quoted.dropoff_ms, quoted.at_ms + 1_000 * i64::from(along_s + ride_s));
    assert_eq!((quoted.valid_until_ms - quoted.at_ms, &*quoted.market), (30_000, "world"));

    // The ride to a position off the map is a straight line, and the source shows it.
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
async fn every_aggregator_forwards_quotes_to_the_matcher() {
    let cluster = Cluster::start(&[1, 1, 2, 1], 1).await;
    let ingest = channel(&cluster.address_of("location-ingest-1"));
    let aggregators = ["aggregator-1", "aggregator-2"].map(|name| channel(&cluster.address_of(name)));
    let _streams = connect(&ingest, &[ALONG]).await;
    put_through(&ingest, &aggregators[0], &[ALONG]).await;
    for aggregator in aggregators {
        let rides = RideServiceClient::new(aggregator);
        // The matcher has its own searches. It may see the coverage later than the aggregator.
        let quoted = eventually("the matcher sees every shard", STEP_TIMEOUT, async || {
            let quote = rides.clone().quote_ride(quote(RIDER, DOWN_THE_STREET)).await;
            let quote = quote.map_err(|status| status.to_string())?.into_inner();
            if quote.pickup_incomplete { Err(format!("{quote:?}")) } else { Ok(quote) }
        })
        .await;
        assert_eq!(quoted.pickup.unwrap().eta_s, 123, "556 m times 1.35 at 22 km/h");
    }
}
