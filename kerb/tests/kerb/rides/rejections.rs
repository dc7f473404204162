//! Invalid calls of riders and drivers. Each gets a clear status, and the trip does not change.

use std::time::Duration;

use futures::StreamExt;
use kerb_proto::v1::connect_response::Message as Down;
use kerb_proto::v1::dispatch_admin_service_client::DispatchAdminServiceClient;
use kerb_proto::v1::ride_service_client::RideServiceClient;
use kerb_proto::v1::trip_action::Action;
use kerb_proto::v1::{
    AcceptOffer, CancelTripRequest, DropOffRider, GetTripRequest, QuoteRideRequest, RequestRideRequest,
    SetMarketPausedRequest, TripState, WatchTripRequest,
};
use tonic::{Code, Status};

use crate::support::city::ride_request;
use crate::support::driver::{DriverStream, register, update};
use crate::support::eventually::in_time;
use crate::support::process::Process;

const SAN_FRANCISCO: (f64, f64) = (37.77, -122.42);
const STEP_TIMEOUT: Duration = Duration::from_mins(1);
const MARKET: &str = "[matcher]\nwindow_max_ms = 100\nwindow_min_ms = 10\noffer_ms = 500\n[[matcher.markets]]\nname = \"sf\"\n\
    polygon = [[37.70, -122.52], [37.70, -122.35], [37.83, -122.35], [37.83, -122.52]]\n";

fn node(dir: &tempfile::TempDir) -> Process {
    std::fs::write(dir.path().join("kerb.toml"), MARKET).expect("a file");
    Process::start(dir.path(), &["serve", "--data-dir", "none"])
}

fn assert_rejected<T: std::fmt::Debug>(result: Result<T, Status>, code: Code, words: &[&str]) {
    let status = result.expect_err("the call is rejected");
    assert_eq!(status.code(), code, "{status:?}");
    assert!(words.iter().all(|word| status.message().contains(word)), "{words:?} in {status:?}");
}

#[tokio::test]
async fn invalid_requests_are_rejected_with_the_field_and_the_valid_values() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(&dir);
    let mut rides = RideServiceClient::new(node.channel());
    let outside = rides.request_ride(ride_request("anna", (48.85, 2.35))).await;
    assert_rejected(outside, Code::InvalidArgument, &["pickup", "48.85", "outside every market", "sf"]);
    let mut nowhere = ride_request("anna", SAN_FRANCISCO);
    nowhere.dropoff = nowhere.pickup;
    assert_rejected(rides.request_ride(nowhere).await, Code::InvalidArgument, &["dropoff"]);
    let crowd = RequestRideRequest { party_size: 17, ..ride_request("anna", SAN_FRANCISCO) };
    assert_rejected(
        rides.request_ride(crowd).await,
        Code::InvalidArgument,
        &["party_size", "17", "1 to 4 for standard"],
    );
    let class =
        RequestRideRequest { vehicle_class: "yacht".to_owned(), ..ride_request("anna", SAN_FRANCISCO) };
    assert_rejected(
        rides.request_ride(class).await,
        Code::InvalidArgument,
        &["vehicle_class", "yacht", "standard"],
    );

    let trip = rides.request_ride(ride_request("anna", SAN_FRANCISCO)).await.unwrap().into_inner();
    assert!(trip.trip_id.starts_with("sf-"), "{}", trip.trip_id);
    let other = RequestRideRequest { party_size: 2, ..ride_request("anna", SAN_FRANCISCO) };
    assert_rejected(rides.request_ride(other).await, Code::InvalidArgument, &["idempotency_key"]);
    for (rider, trip_id) in [("anna", "sf-999"), ("bert", trip.trip_id.as_str()), ("anna", "paris-1")] {
        let (rider_id, trip_id) = (rider.to_owned(), trip_id.to_owned());
        let get = GetTripRequest { rider_id: rider_id.clone(), trip_id: trip_id.clone() };
        assert_rejected(rides.get_trip(get).await, Code::NotFound, &["trip"]);
        let cancel =
            CancelTripRequest { rider_id: rider_id.clone(), trip_id: trip_id.clone(), reason: String::new() };
        assert_rejected(rides.cancel_trip(cancel).await, Code::NotFound, &["trip"]);
        let watch = WatchTripRequest { rider_id, trip_id, after_number: 0 };
        assert_rejected(rides.watch_trip(watch).await, Code::NotFound, &["trip"]);
    }
    let ahead =
        WatchTripRequest { rider_id: "anna".to_owned(), trip_id: trip.trip_id.clone(), after_number: 99 };
    assert_rejected(rides.watch_trip(ahead).await, Code::InvalidArgument, &["after_number", "99"]);
    let get = GetTripRequest { rider_id: "anna".to_owned(), trip_id: trip.trip_id };
    let unharmed = rides.get_trip(get).await.unwrap().into_inner();
    assert_eq!((unharmed.state(), unharmed.number), (TripState::Requested, 1));
}

#[tokio::test]
async fn a_quote_is_rejected_like_its_request() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(&dir);
    let mut rides = RideServiceClient::new(node.channel());
    let good = quote(SAN_FRANCISCO);
    let wrong = [
        (quote((48.85, 2.35)), vec!["pickup", "48.85", "outside every market", "sf"]),
        (QuoteRideRequest { pickup: None, ..good.clone() }, vec!["pickup: absent"]),
        (QuoteRideRequest { dropoff: good.pickup, ..good.clone() }, vec!["dropoff: the same place"]),
        (QuoteRideRequest { party_size: 17, ..good.clone() }, vec!["party_size: 17", "1 to 4 for standard"]),
        (QuoteRideRequest { vehicle_class: "yacht".into(), ..good.clone() }, vec!["yacht", "standard"]),
        (QuoteRideRequest { capabilities: vec!["wings".into()], ..good.clone() }, vec!["wings"]),
        (quote((f64::NAN, 0.0)), vec!["pickup.latitude_deg: NaN"]),
    ];
    for (wrong, words) in wrong {
        assert_rejected(rides.quote_ride(wrong).await, Code::InvalidArgument, &words);
    }
    let mut markets = DispatchAdminServiceClient::new(node.channel());
    let pause = SetMarketPausedRequest { market: "sf".to_owned(), paused: true };
    markets.set_market_paused(pause).await.unwrap();
    assert_rejected(rides.quote_ride(good).await, Code::FailedPrecondition, &["sf", "paused"]);
}

fn quote(pickup: (f64, f64)) -> QuoteRideRequest {
    let RequestRideRequest { pickup, dropoff, .. } = ride_request("anna", pickup);
    QuoteRideRequest { pickup, dropoff, ..QuoteRideRequest::default() }
}

#[tokio::test]
async fn an_illegal_action_of_a_driver_is_rejected_with_the_state() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(&dir);
    let mut anna = DriverStream::open(node.channel(), register("near")).await.unwrap();
    anna.report(update(1, SAN_FRANCISCO.0, SAN_FRANCISCO.1)).await.unwrap();
    let mut rides = RideServiceClient::new(node.channel());
    let trip = rides.request_ride(ride_request("rider", SAN_FRANCISCO)).await.unwrap().into_inner();
    let offer = in_time("the offer", STEP_TIMEOUT, anna.assignment()).await.unwrap();
    assert_eq!(offer.trip_id, trip.trip_id);

    let mut other = DriverStream::open(node.channel(), register("other")).await.unwrap();
    let stolen = other.act(&trip.trip_id, Action::Accept(AcceptOffer {})).await.unwrap();
    assert_ne!(stolen.code, 0, "another driver's offer: {stolen:?}");
    assert!(!stolen.message.is_empty());
    let early = anna.act(&trip.trip_id, Action::DroppedOff(DropOffRider {})).await.unwrap();
    assert_eq!(early.code, Code::FailedPrecondition as i32, "{early:?}");
    assert!(early.message.contains("offered") && early.message.contains("accept"), "{early:?}");

    // The driver does not reply, so the offer expires on the server.
    loop {
        if let Down::Ended(ended) = in_time("the end of the offer", STEP_TIMEOUT, anna.next()).await.unwrap()
        {
            assert_eq!(ended.trip_id, trip.trip_id);
            break;
        }
    }
    let late = anna.act(&trip.trip_id, Action::Accept(AcceptOffer {})).await.unwrap();
    assert_eq!(late.code, Code::FailedPrecondition as i32, "accept after expiry: {late:?}");
    let unknown = anna.act("sf-999", Action::Accept(AcceptOffer {})).await.unwrap();
    assert_eq!(unknown.code, Code::NotFound as i32, "{unknown:?}");
    let get = GetTripRequest { rider_id: "rider".to_owned(), trip_id: trip.trip_id };
    let unharmed = rides.get_trip(get).await.unwrap().into_inner();
    assert_eq!((unharmed.state(), unharmed.offers), (TripState::Requested, 1));
}

#[tokio::test]
async fn ten_thousand_requests_of_one_rider_disturb_no_other_rider() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(&dir);
    let channel = node.channel();
    let send_request = |i: usize| {
        let mut rides = RideServiceClient::new(channel.clone());
        let key = format!("ride-{i}");
        async move {
            let request = RequestRideRequest { idempotency_key: key, ..ride_request("flood", SAN_FRANCISCO) };
            rides.request_ride(request).await.map_err(|status| status.code())
        }
    };
    let flood =
        futures::stream::iter((0..10_000).map(send_request)).buffer_unordered(256).collect::<Vec<_>>();
    let mut neighbor = RideServiceClient::new(node.channel());
    let (answers, served) =
        tokio::join!(flood, neighbor.request_ride(ride_request("neighbor", SAN_FRANCISCO)));
    assert!(served.is_ok(), "{served:?}");
    let accepted = answers.iter().filter(|answer| answer.is_ok()).count();
    let full = answers.iter().filter(|answer| matches!(answer, Err(Code::ResourceExhausted))).count();
    assert_eq!((accepted, full), (3, 9_997));
}
