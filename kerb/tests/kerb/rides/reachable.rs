//! Only drivers whom an offer can reach get one, and a search separates free drivers from reserved ones.

use std::sync::Arc;

use futures::StreamExt;
use kerb::settings::DataDir;
use kerb::{InProcess, Settings, Surroundings};
use kerb_proto::v1::connect_response::Message as Down;
use kerb_proto::v1::ride_service_server::RideService;
use kerb_proto::v1::trip_action::Action;
use kerb_proto::v1::trip_event::Event;
use kerb_proto::v1::trip_event_service_server::TripEventService;
use kerb_proto::v1::{
    AcceptOffer, Availability, DeclineOffer, DriverFilter, DriverStatus, FindNearbyRequest, SubscribeRequest,
    TripAction,
};
use kerb_types::{RuntimeClock, Timestamp};
use tonic::Request;

use super::{BERLIN, STEP_TIMEOUT};
use crate::support::city::ride_request;
use crate::support::driver::register;
use crate::support::eventually::in_time;
use crate::support::gateway::batch;
use crate::support::search::{Truth, nearest};

const GATEWAY_DRIVERS: u32 = 40;

async fn start() -> InProcess {
    let mut settings = Settings::default();
    settings.node.data_dir = DataDir(None);
    let clock = Arc::new(RuntimeClock::starting_at(Timestamp::from_millis(1_800_000_000_000)));
    let surroundings = Surroundings { clock, seed: 1, roads: None, truncates_journal: false };
    InProcess::start(&settings, surroundings).await.expect("the test has set this up")
}

/// Returns the AVAILABLE drivers that a search finds, each with its availability.
async fn available(node: &InProcess, availabilities: &[Availability]) -> Vec<(String, Availability)> {
    assert!(node.settle(30_000).await);
    let filter = DriverFilter {
        statuses: vec![DriverStatus::Available.into()],
        availabilities: availabilities.iter().map(|availability| i32::from(*availability)).collect(),
        ..DriverFilter::default()
    };
    let request = FindNearbyRequest {
        search: Some(nearest(BERLIN, 100, 10_000.0)),
        filter: Some(filter),
        ..FindNearbyRequest::default()
    };
    let drivers = node.find_nearby(request).await.expect("the search is valid").drivers;
    assert!(drivers.iter().all(|driver| driver.status() == DriverStatus::Available));
    drivers.into_iter().map(|driver| (driver.driver_id.clone(), driver.availability())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_driver_without_a_stream_gets_no_offer() {
    let node = start().await;
    // All of them are nearer than the app.
    let mut fleet: Truth = (0..GATEWAY_DRIVERS)
        .map(|i| (format!("gateway-{i:02}"), (BERLIN.0 + f64::from(i) * 1e-5, BERLIN.1)))
        .collect();
    fleet.insert("app".to_owned(), (BERLIN.0 + 0.01, BERLIN.1));
    node.gateway().take(batch(&fleet, 1, true)).unwrap();
    let (app, mut messages) = node.connect_local(&register("app")).unwrap();
    let app_is = |availability| ("app".to_owned(), availability);
    assert_eq!(available(&node, &[Availability::Free]).await, [app_is(Availability::Free)]);
    assert_eq!(available(&node, &[]).await.len(), fleet.len());
    let not_connected = available(&node, &[Availability::NotConnected]).await;
    assert_eq!(not_connected.len(), fleet.len() - 1);

    let market = node.markets()[0].to_string();
    let subscribe = Request::new(SubscribeRequest { market, after: None });
    let mut events = Box::pin(node.trip_events().subscribe(subscribe).await.unwrap().into_inner());
    let trip =
        node.rides().request_ride(Request::new(ride_request("anna", BERLIN))).await.unwrap().into_inner();
    let mut offered = Vec::new();
    while offered.last().is_none_or(|driver| driver != "app") {
        let event = in_time("the offer to the app", STEP_TIMEOUT, events.next()).await.unwrap().unwrap();
        if let Some(Event::Offered(offer)) = event.event {
            offered.push(offer.driver_id);
        }
    }
    assert_eq!(offered, ["app"], "one offer");
    let offer = in_time("the offer", STEP_TIMEOUT, messages.next()).await.unwrap().unwrap();
    assert!(matches!(offer.message, Some(Down::Assignment(_))), "{offer:?}");

    let drivers = available(&node, &[]).await;
    assert!(drivers.iter().all(|(id, _)| id != "app"), "a reserved driver is not available");
    assert_eq!(available(&node, &[Availability::Reserved]).await, [app_is(Availability::Reserved)]);
    let act = |action| app.act(TripAction { trip_id: trip.trip_id.clone(), action: Some(action) });
    assert_eq!(act(Action::Accept(AcceptOffer {})).await.code, 0);
    assert_eq!(available(&node, &[Availability::Reserved]).await, [app_is(Availability::Reserved)]);
    assert_ne!(
        act(Action::Decline(DeclineOffer::default())).await.code,
        0,
        "an accepted trip is not declined"
    );
    assert_eq!(available(&node, &[Availability::Free]).await, []);
    assert_eq!(act(Action::Cancel(kerb_proto::v1::CancelAccepted::default())).await.code, 0);
    assert_eq!(available(&node, &[Availability::Free]).await, [app_is(Availability::Free)]);
}
