//! Trips over the wire: from the request to the receipt, and through kills at any point.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kerb_proto::v1::dispatch_admin_service_client::DispatchAdminServiceClient;
use kerb_proto::v1::ride_service_client::RideServiceClient;
use kerb_proto::v1::trip_event::Event;
use kerb_proto::v1::trip_event_service_client::TripEventServiceClient;
use kerb_proto::v1::watch_trip_response::Update;
use kerb_proto::v1::{
    DriverProgress, GetTripRequest, ListMarketsRequest, SubscribeRequest, TravelSource, TripEvent, TripState,
    WatchTripRequest, WatchTripResponse,
};
use tokio_util::task::AbortOnDropHandle;
use tonic::Streaming;
use tonic::transport::Channel;

use crate::cabs::{Doors, Ledger, cab, next_action, rider, wish};
use crate::driver::{DriverStream, register, update};
use crate::eventually::{beat, eventually, in_time};
use crate::members::Cluster;
use crate::process::{Process, channel, run, text};
use crate::search::{ask, request, within};

const BERLIN: (f64, f64) = (52.52, 13.405);
const SOON: Duration = Duration::from_mins(1);
/// Windows that do not keep a test waiting.
const QUICK: [&str; 4] = ["--set", "matcher.window_ms=100", "--set", "matcher.window_min_ms=10"];

/// Of a trip that goes well.
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
async fn a_trip_from_the_request_to_the_receipt() {
    let dir = tempfile::tempdir().unwrap();
    let node = Process::start(dir.path(), &[&["serve"], &QUICK[..]].concat());
    let mut stream = DriverStream::open(node.channel(), register("cab-1")).await.unwrap();
    stream.report(update(1, BERLIN.0, BERLIN.1)).await.unwrap();
    let mut rides = RideServiceClient::new(node.channel());
    let trip = rides.request_ride(wish("anna", BERLIN)).await.unwrap().into_inner();
    assert_eq!((trip.state(), trip.number), (TripState::Requested, 1));
    let again = rides.request_ride(wish("anna", BERLIN)).await.unwrap().into_inner();
    assert_eq!(again.trip_id, trip.trip_id, "a repeat is the same trip");

    let mut news = rides.watch_trip(watch("anna", &trip.trip_id, 0)).await.unwrap().into_inner();
    let task = in_time("the offer", SOON, stream.task()).await.unwrap();
    assert_eq!((task.state(), &task.trip_id), (TripState::Offered, &trip.trip_id));
    let mut state = task.state();
    while let Some(action) = next_action(state) {
        let result = stream.act(&trip.trip_id, action.clone()).await.unwrap();
        assert_eq!(result.code, 0, "{result:?}");
        let repeated = stream.act(&trip.trip_id, action).await.unwrap();
        assert_eq!((repeated.code, repeated.state), (0, result.state), "a repeat is answered as the first");
        state = result.state();
        if state == TripState::OnTrip {
            stream.report(update(2, BERLIN.0 + 0.01, BERLIN.1)).await.unwrap();
        }
    }
    assert_eq!(state, TripState::Completed);

    let (mut changes, mut positions) = (Vec::new(), 0);
    while let Some(response) = in_time("the watch", SOON, news.message()).await.unwrap() {
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
    // A reconnect goes on where the last watch broke off.
    let mut rest = rides.watch_trip(watch("anna", &trip.trip_id, 4)).await.unwrap().into_inner();
    let first = rest.message().await.unwrap().unwrap().update.unwrap();
    assert!(matches!(first, Update::Change(change) if change.number == 5));

    let get = GetTripRequest { rider_id: "anna".to_owned(), trip_id: trip.trip_id };
    let receipt = rides.get_trip(get).await.unwrap().into_inner().receipt.unwrap();
    assert_eq!((receipt.driver_id.as_str(), receipt.rider_id.as_str()), ("cab-1", "anna"));
    assert!(receipt.picked_up_ms >= receipt.accepted_ms && receipt.dropped_off_ms >= receipt.picked_up_ms);
}

#[tokio::test]
async fn a_pickup_takes_as_long_as_its_streets() {
    let dir = tempfile::tempdir().unwrap();
    let extract = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/monaco.osm.pbf");
    let args = ["roads", "import", extract.to_str().unwrap(), "-o", "monaco.roads"];
    assert!(run(dir.path(), &args).status.success());
    let (cab, rider) = ((43.7347, 7.4213), (43.7386, 7.4190));
    let feature =
        run(dir.path(), &["roads", "route", "monaco.roads", "43.7347,7.4213", "43.7386,7.4190", "--geojson"]);
    let feature: serde_json::Value = serde_json::from_slice(&feature.stdout).unwrap();
    let way_s = feature["properties"]["time_ms"].as_u64().unwrap().div_ceil(1_000);

    let settings =
        ["--data-dir", "none", "--set", "roads.file=monaco.roads", "--set", "matcher.track_interval_ms=100"];
    let node = Process::start(dir.path(), &[&["serve"], &QUICK[..], &settings[..]].concat());
    let mut stream = DriverStream::open(node.channel(), register("cab-1")).await.unwrap();
    stream.report(update(1, cab.0, cab.1)).await.unwrap();
    let mut rides = RideServiceClient::new(node.channel());
    let request = wish("anna", rider);
    let trip = rides.request_ride(request).await.unwrap().into_inner();
    let task = in_time("the offer", SOON, stream.task()).await.unwrap();
    assert_eq!((u64::from(task.pickup_eta_s), task.travel_source()), (way_s, TravelSource::Roads));
    let get = GetTripRequest { rider_id: "anna".to_owned(), trip_id: trip.trip_id.clone() };
    let offered = rides.get_trip(get).await.unwrap().into_inner();
    assert_eq!((u64::from(offered.pickup_eta_s), offered.travel_source()), (way_s, TravelSource::Roads));

    // Under way to the rider, and then with the rider to a place in the sea, off the map.
    let accepted = stream.act(&trip.trip_id, next_action(TripState::Offered).unwrap()).await.unwrap();
    assert_eq!(accepted.code, 0, "{accepted:?}");
    let mut news = rides.watch_trip(watch("anna", &trip.trip_id, 3)).await.unwrap().into_inner();
    let to_rider = progress(&mut news).await;
    assert_eq!((u64::from(to_rider.eta_s), to_rider.travel_source()), (way_s, TravelSource::Roads));
    for state in [TripState::EnRoute, TripState::Arrived] {
        stream.act(&trip.trip_id, next_action(state).unwrap()).await.unwrap();
    }
    stream.report(update(2, rider.0, rider.1)).await.unwrap();
    let to_dropoff = in_time("the new place", SOON, async {
        loop {
            let news = progress(&mut news).await;
            if news.location.unwrap().latitude_deg > cab.0 + 0.001 {
                return news;
            }
        }
    })
    .await;
    // To a place 1.1 km north, off the map: times 1.35 at 22 km/h.
    let expected = (246, TravelSource::StraightLine);
    assert_eq!((to_dropoff.eta_s, to_dropoff.travel_source()), expected);
}

/// Where the driver is, next time that it is told.
async fn progress(news: &mut Streaming<WatchTripResponse>) -> DriverProgress {
    loop {
        let next = in_time("the driver's place", SOON, news.message())
            .await
            .expect("what the test has set up")
            .expect("what the test has set up");
        if let Some(Update::Driver(progress)) = next.update {
            return progress;
        }
    }
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_through_kills_of_one_node() {
    let dir = tempfile::tempdir().unwrap();
    let args = [&["serve"], &QUICK[..]].concat();
    let mut node = Process::start(dir.path(), &args);
    let city = City::open(&Doors::new(&node.address, &node.address));
    for kill in 1..=3 {
        city.acknowledged(kill * 20).await;
        node.kill();
        node = Process::start(dir.path(), &args);
        city.doors.moved(&node.address, &node.address);
    }
    city.ends_well(node.channel()).await;
    assert!(node.stop().success());
    assert_promises_kept(dir.path(), "kerb-data/trips");
}

#[tokio::test]
async fn a_clusters_matcher_is_behind_every_aggregator_and_survives_kills() {
    let mut cluster = Cluster::start(&[1, 2, 2, 1], 2).await;
    let [drivers, riders] =
        ["location-ingest", "aggregator"].map(|role| cluster.address_of(&format!("{role}-1")));
    let city = City::open(&Doors::new(&drivers, &riders));
    for kill in 1..=2 {
        city.acknowledged(kill * 25).await;
        cluster.kill("matcher-1");
        // Searches do not need it.
        let found = ask(&channel(&riders), request(within(BERLIN, 20_000.0))).await.unwrap();
        assert!(!found.drivers.is_empty(), "a search without a matcher");
        cluster.restart("matcher-1");
    }
    city.ends_well(channel(&cluster.address_of("aggregator-2"))).await;
    cluster.kill("matcher-1");
    assert_promises_kept(cluster.folder(), "matcher-1/trips");
}

/// The audit of the journal that the node left.
fn assert_promises_kept(dir: &Path, journal: &str) {
    let audit = run(dir, &["trips", "verify", "--journal", journal]);
    let told = text(&audit.stdout);
    assert!(
        audit.status.success() && told.contains("no violations"),
        "{told}{}",
        text(&audit.stderr)
    );
}

const CABS: usize = 8;
const RIDERS: usize = 24;

/// Cabs and riders at work.
struct City {
    doors: Doors,
    ledger: Arc<Ledger>,
    _work: Vec<AbortOnDropHandle<()>>,
}

impl City {
    fn open(doors: &Doors) -> Self {
        let ledger = Arc::new(Ledger::default());
        let place = |i: usize| (BERLIN.0 + i as f64 / 1_000.0, BERLIN.1);
        let mut work = Vec::new();
        for i in 0..CABS {
            work.push(tokio::spawn(cab(doors.clone(), format!("cab-{i}"), place(i), ledger.clone())));
        }
        for i in 0..RIDERS {
            work.push(tokio::spawn(rider(doors.clone(), format!("rider-{i}"), place(i), ledger.clone())));
        }
        let work = work.into_iter().map(AbortOnDropHandle::new).collect();
        Self { doors: doors.clone(), ledger, _work: work }
    }

    async fn acknowledged(&self, wanted: usize) {
        eventually("acknowledgements", SOON, async || match self.ledger.len() {
            n if n >= wanted => Ok(()),
            n => Err(format!("{n} of {wanted}")),
        })
        .await;
    }

    /// Every trip is driven to its end, and the events agree with what was told.
    async fn ends_well(self, channel: Channel) {
        // A request and four actions each.
        self.acknowledged(RIDERS).await;
        let mut admin = DispatchAdminServiceClient::new(channel.clone());
        let events = in_time("all trips to end", 2 * SOON, all_events(channel)).await;
        self.ledger.judge(&events);
        eventually("no live trip", SOON, async || {
            let markets =
                admin.list_markets(ListMarketsRequest {}).await.map_err(|e| e.to_string())?.into_inner();
            let market = &markets.markets[0];
            let live = market.waiting + market.offered + market.en_route + market.arrived + market.on_trip;
            if live == 0 { Ok(()) } else { Err(format!("{market:?}")) }
        })
        .await;
    }
}

/// Every event from the first to the last trip's end, read on after the last one when the stream breaks.
async fn all_events(channel: Channel) -> Vec<TripEvent> {
    let mut client = TripEventServiceClient::new(channel);
    let (mut events, mut completed) = (Vec::<TripEvent>::new(), 0);
    let mut attempts = beat(Duration::from_millis(100));
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
