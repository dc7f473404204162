//! Trips over the wire: from the request to the receipt, and with nodes that are killed at any point.

mod full_disk;
mod journal;
mod reachable;
mod rejections;
mod takeovers;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kerb_proto::v1::dispatch_admin_service_client::DispatchAdminServiceClient;
use kerb_proto::v1::ride_service_client::RideServiceClient;
use kerb_proto::v1::trip_event::Event;
use kerb_proto::v1::trip_event_service_client::TripEventServiceClient;
use kerb_proto::v1::watch_trip_response::Update;
use kerb_proto::v1::{
    DriverProgress, GetTripRequest, ListMarketsRequest, PositionUpdate, SubscribeRequest, TravelSource,
    TripEvent, TripState, WatchTripRequest, WatchTripResponse,
};
use kerb_types::{Clock, Millis, SystemClock};
use tokio_util::task::AbortOnDropHandle;
use tonic::Streaming;
use tonic::transport::Channel;

use crate::support::city::{Endpoints, Ledger, cab, next_action, ride_request, rider};
use crate::support::cluster::Cluster;
use crate::support::driver::{DriverStream, register, update};
use crate::support::eventually::{eventually, in_time, ticks};
use crate::support::process::{Process, channel, run, text};
use crate::support::search::{find_nearby, request, within};

const BERLIN: (f64, f64) = (52.52, 13.405);
const STEP_TIMEOUT: Duration = Duration::from_mins(1);
/// Settings with short windows, so that a test does not wait long.
const SHORT_WINDOWS: [&str; 4] = ["--set", "matcher.window_max_ms=100", "--set", "matcher.window_min_ms=10"];

/// The states of a trip from the request to the receipt.
const ALL_STATES: [TripState; 6] = [
    TripState::Requested,
    TripState::Offered,
    TripState::EnRoute,
    TripState::Arrived,
    TripState::OnTrip,
    TripState::Completed,
];

fn watch(rider: &str, trip_id: &str, after_number: u64) -> WatchTripRequest {
    WatchTripRequest { rider_id: rider.to_owned(), trip_id: trip_id.to_owned(), after_number }
}

#[tokio::test]
async fn a_trip_goes_from_the_request_to_the_receipt() {
    let dir = tempfile::tempdir().unwrap();
    let node = Process::start(dir.path(), &[&["serve"], &SHORT_WINDOWS[..]].concat());
    let mut stream = DriverStream::open(node.channel(), register("cab-1")).await.unwrap();
    stream.report(update(1, BERLIN.0, BERLIN.1)).await.unwrap();
    let mut rides = RideServiceClient::new(node.channel());
    let trip = rides.request_ride(ride_request("anna", BERLIN)).await.unwrap().into_inner();
    assert_eq!((trip.state(), trip.number), (TripState::Requested, 1));
    let again = rides.request_ride(ride_request("anna", BERLIN)).await.unwrap().into_inner();
    assert_eq!(again.trip_id, trip.trip_id, "a repeat is the same trip");

    let mut updates = rides.watch_trip(watch("anna", &trip.trip_id, 0)).await.unwrap().into_inner();
    let offer = in_time("the offer", STEP_TIMEOUT, stream.assignment()).await.unwrap();
    assert_eq!((offer.state(), &offer.trip_id), (TripState::Offered, &trip.trip_id));
    let mut state = offer.state();
    while let Some(action) = next_action(state) {
        let result = stream.act(&trip.trip_id, action.clone()).await.unwrap();
        assert_eq!(result.code, 0, "{result:?}");
        let repeated = stream.act(&trip.trip_id, action).await.unwrap();
        assert_eq!((repeated.code, repeated.state), (0, result.state), "a repeat has the same result");
        state = result.state();
        if state == TripState::OnTrip {
            stream.report(update(2, BERLIN.0 + 0.01, BERLIN.1)).await.unwrap();
        }
    }
    assert_eq!(state, TripState::Completed);

    let (mut changes, mut positions) = (Vec::new(), 0);
    while let Some(response) = in_time("the watch", STEP_TIMEOUT, updates.message()).await.unwrap() {
        match response.update.unwrap() {
            Update::Change(change) => changes.push((change.number, change.state())),
            Update::Driver(driver) => {
                assert_eq!(driver.driver_id, "cab-1");
                assert_eq!(driver.travel_source(), TravelSource::StraightLine);
                positions += 1;
            }
        }
    }
    assert_eq!(changes, (1..).zip(ALL_STATES).collect::<Vec<_>>());
    println!("{positions} positions of the driver were watched");
    // A new watch continues after the given number.
    let mut rest = rides.watch_trip(watch("anna", &trip.trip_id, 4)).await.unwrap().into_inner();
    let first = rest.message().await.unwrap().unwrap().update.unwrap();
    assert!(matches!(first, Update::Change(change) if change.number == 5));

    let get = GetTripRequest { rider_id: "anna".to_owned(), trip_id: trip.trip_id };
    let receipt = rides.get_trip(get).await.unwrap().into_inner().receipt.unwrap();
    assert_eq!((receipt.driver_id.as_str(), receipt.rider_id.as_str()), ("cab-1", "anna"));
    assert!(receipt.picked_up_ms >= receipt.accepted_ms && receipt.dropped_off_ms >= receipt.picked_up_ms);
}

#[tokio::test]
async fn a_pickup_eta_is_the_travel_time_on_streets() {
    let dir = tempfile::tempdir().unwrap();
    let extract = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/monaco.osm.pbf");
    let args = ["roads", "import", extract.to_str().unwrap(), "-o", "monaco.roads"];
    assert!(run(dir.path(), &args).status.success());
    let (cab, rider) = ((43.7347, 7.4213), (43.7386, 7.4190));
    let feature =
        run(dir.path(), &["roads", "route", "monaco.roads", "43.7347,7.4213", "43.7386,7.4190", "--geojson"]);
    let feature: serde_json::Value = serde_json::from_slice(&feature.stdout).unwrap();
    let route_s = feature["properties"]["time_ms"].as_u64().unwrap().div_ceil(1_000);

    let settings =
        ["--data-dir", "none", "--set", "roads.file=monaco.roads", "--set", "matcher.track_interval_ms=100"];
    let node = Process::start(dir.path(), &[&["serve"], &SHORT_WINDOWS[..], &settings[..]].concat());
    let mut stream = DriverStream::open(node.channel(), register("cab-1")).await.unwrap();
    stream.report(update(1, cab.0, cab.1)).await.unwrap();
    let mut rides = RideServiceClient::new(node.channel());
    let request = ride_request("anna", rider);
    let trip = rides.request_ride(request).await.unwrap().into_inner();
    let offer = in_time("the offer", STEP_TIMEOUT, stream.assignment()).await.unwrap();
    assert_eq!((u64::from(offer.pickup_eta_s), offer.travel_source()), (route_s, TravelSource::Roads));
    let get = GetTripRequest { rider_id: "anna".to_owned(), trip_id: trip.trip_id.clone() };
    let offered = rides.get_trip(get).await.unwrap().into_inner();
    assert_eq!((u64::from(offered.pickup_eta_s), offered.travel_source()), (route_s, TravelSource::Roads));

    // The driver goes to the rider, and then with the rider to a position in the sea, off the map.
    let accepted = stream.act(&trip.trip_id, next_action(TripState::Offered).unwrap()).await.unwrap();
    assert_eq!(accepted.code, 0, "{accepted:?}");
    let mut updates = rides.watch_trip(watch("anna", &trip.trip_id, 3)).await.unwrap().into_inner();
    let to_rider = next_progress(&mut updates).await;
    assert_eq!((u64::from(to_rider.eta_s), to_rider.travel_source()), (route_s, TravelSource::Roads));
    for state in [TripState::EnRoute, TripState::Arrived] {
        stream.act(&trip.trip_id, next_action(state).unwrap()).await.unwrap();
    }
    // Measured some seconds later, because a vehicle needs time for this distance.
    let later_ms = (SystemClock.now() + Millis::new(8_000)).as_millis();
    let at_pickup = PositionUpdate { time_ms: later_ms, ..update(2, rider.0, rider.1) };
    stream.report(at_pickup).await.unwrap();
    let to_dropoff = in_time("the new position", STEP_TIMEOUT, async {
        loop {
            let progress = next_progress(&mut updates).await;
            if progress.location.unwrap().latitude_deg > cab.0 + 0.001 {
                return progress;
            }
        }
    })
    .await;
    // The drop-off is 1.1 km north, off the map: this distance times 1.35 at 22 km/h.
    let expected = (246, TravelSource::StraightLine);
    assert_eq!((to_dropoff.eta_s, to_dropoff.travel_source()), expected);
}

/// Returns the next position of the driver on a watch.
async fn next_progress(updates: &mut Streaming<WatchTripResponse>) -> DriverProgress {
    loop {
        let next = in_time("the driver's position", STEP_TIMEOUT, updates.message())
            .await
            .expect("the test has set this up")
            .expect("the test has set this up");
        if let Some(Update::Driver(progress)) = next.update {
            return progress;
        }
    }
}

#[tokio::test]
async fn kills_of_a_node_lose_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let args = [&["serve"], &SHORT_WINDOWS[..]].concat();
    let mut node = Process::start(dir.path(), &args);
    let city = City::open(&Endpoints::new(&node.address, &node.address));
    for kill in 1..=3 {
        city.acknowledged(kill * 20).await;
        node.kill();
        node = Process::start(dir.path(), &args);
        city.endpoints.set(&node.address, &node.address);
    }
    city.complete_all_trips(node.channel()).await;
    assert!(node.stop().success());
    assert_no_violations(dir.path(), "kerb-data/trips");
}

#[tokio::test]
async fn every_aggregator_forwards_to_the_matcher_and_the_matcher_survives_kills() {
    let mut cluster = Cluster::start(&[1, 2, 2, 1], 2).await;
    let [drivers, riders] =
        ["location-ingest", "aggregator"].map(|role| cluster.address_of(&format!("{role}-1")));
    let city = City::open(&Endpoints::new(&drivers, &riders));
    for kill in 1..=2 {
        city.acknowledged(kill * 25).await;
        cluster.kill("matcher-1");
        // Searches do not need the matcher.
        let found = find_nearby(&channel(&riders), request(within(BERLIN, 20_000.0))).await.unwrap();
        assert!(!found.drivers.is_empty(), "a search without a matcher");
        cluster.restart("matcher-1");
    }
    city.complete_all_trips(channel(&cluster.address_of("aggregator-2"))).await;
    cluster.kill("matcher-1");
    assert_no_violations(cluster.folder(), "matcher-1/trips");
}

/// Asserts that the audit of a stopped node's journal has no violations.
fn assert_no_violations(dir: &Path, journal: &str) {
    let audit = run(dir, &["trips", "verify", "--journal", journal]);
    let report = text(&audit.stdout);
    assert!(audit.status.success() && report.contains("no violations"), "{report}{}", text(&audit.stderr));
}

const CABS: usize = 8;
const RIDERS: usize = 24;

/// The tasks of all cabs and riders. The drop ends them.
struct City {
    endpoints: Endpoints,
    ledger: Arc<Ledger>,
    _tasks: Vec<AbortOnDropHandle<()>>,
}

impl City {
    fn open(endpoints: &Endpoints) -> Self {
        let ledger = Arc::new(Ledger::default());
        // Small numbers, which a double holds exactly.
        let position = |i: usize| (BERLIN.0 + i as f64 / 1_000.0, BERLIN.1);
        let mut tasks = Vec::new();
        for i in 0..CABS {
            tasks.push(tokio::spawn(cab(endpoints.clone(), format!("cab-{i}"), position(i), ledger.clone())));
        }
        for i in 0..RIDERS {
            tasks.push(tokio::spawn(rider(
                endpoints.clone(),
                format!("rider-{i}"),
                position(i),
                ledger.clone(),
            )));
        }
        let tasks = tasks.into_iter().map(AbortOnDropHandle::new).collect();
        Self { endpoints: endpoints.clone(), ledger, _tasks: tasks }
    }

    async fn acknowledged(&self, wanted: usize) {
        eventually("acknowledgements", STEP_TIMEOUT, async || match self.ledger.len() {
            n if n >= wanted => Ok(()),
            n => Err(format!("{n} of {wanted}")),
        })
        .await;
    }

    /// Waits until all trips are completed, and checks the events against the ledger.
    async fn complete_all_trips(self, channel: Channel) {
        // At least the requests of all riders.
        self.acknowledged(RIDERS).await;
        let mut admin = DispatchAdminServiceClient::new(channel.clone());
        let events = in_time("all trips to end", 2 * STEP_TIMEOUT, all_events(channel)).await;
        self.ledger.check(&events);
        eventually("no live trip", STEP_TIMEOUT, async || {
            let markets =
                admin.list_markets(ListMarketsRequest {}).await.map_err(|e| e.to_string())?.into_inner();
            let market = &markets.markets[0];
            let live = market.waiting + market.offered + market.en_route + market.arrived + market.on_trip;
            if live == 0 { Ok(()) } else { Err(format!("{market:?}")) }
        })
        .await;
    }
}

/// Reads every event until all trips are completed. When the stream breaks, it subscribes again after the last event.
async fn all_events(channel: Channel) -> Vec<TripEvent> {
    let mut client = TripEventServiceClient::new(channel);
    let (mut events, mut completed) = (Vec::<TripEvent>::new(), 0);
    let mut attempts = ticks(Duration::from_millis(100));
    while completed < RIDERS {
        attempts.tick().await;
        let after = events.last().and_then(|event| event.position);
        let subscribe = SubscribeRequest { market: "world".to_owned(), after };
        let Ok(stream) = client.subscribe(subscribe).await else { continue };
        let mut stream = stream.into_inner();
        while let Ok(Some(event)) = stream.message().await {
            completed += usize::from(matches!(event.event, Some(Event::Completed(_))));
            events.push(event);
            if completed == RIDERS {
                break;
            }
        }
    }
    events
}
