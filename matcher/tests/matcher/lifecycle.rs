//! Trips from the request to the end, with drivers who accept, decline, do not answer, or disconnect.

mod crowd;
mod returns;
mod ride_end;
mod riders;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use kerb_assignment::Policy;
use kerb_matcher::{Matcher, Options};
use kerb_ports::{DriverAction, DriverEvents, DriverNotification, ErrorCode};
use kerb_trips::{CancelledBy, ReturnReason, RideRequest, StepNote, TripId, TripState, Version};
use kerb_types::{DriverStatus, Millis};
use tokio::time::Instant;

use crate::fakes::simulated_time::{eventually, pass};
use crate::fakes::{World, driver, north, north_and_south, options, ride_request, rider};

async fn act(matcher: &Matcher, name: &str, trip: &TripId, action: DriverAction) -> TripState {
    matcher.act(driver(name), trip.clone(), action).await.unwrap()
}

async fn state(matcher: &Matcher, name: &str, trip: &TripId) -> TripState {
    matcher.trip(rider(name), trip.clone()).await.unwrap().state
}

async fn until(matcher: &Matcher, name: &str, trip: &TripId, wanted: TripState) {
    let reached = async || (state(matcher, name, trip).await == wanted).then_some(());
    eventually(&format!("{trip} is {wanted}"), reached).await;
}

#[tokio::test(start_paused = true)]
async fn a_trip_goes_from_the_request_to_the_receipt() {
    let world = World::new();
    world.put("near", 100.0);
    world.put("far", 900.0);
    let matcher = world.start(options()).await;
    let requested_at = Instant::now();
    let trip = matcher.request(ride_request("anna")).await.unwrap();
    assert_eq!(trip.state, TripState::Requested);
    let assignment = world.offer_to("near", &trip.id).await;
    assert!(
        requested_at.elapsed() <= Duration::from_millis(200),
        "nothing else waits: {:?}",
        requested_at.elapsed()
    );
    // 100 m at 10 m/s.
    assert_eq!((assignment.pickup_eta_s, assignment.state), (10, TripState::Offered));

    assert_eq!(act(&matcher, "near", &trip.id, DriverAction::Accept).await, TripState::EnRoute);
    assert_eq!(act(&matcher, "near", &trip.id, DriverAction::Accept).await, TripState::EnRoute);
    world.change("near", |near| near.position = north(0.0));
    assert_eq!(act(&matcher, "near", &trip.id, DriverAction::Arrived).await, TripState::Arrived);
    pass(Duration::from_secs(20)).await;
    assert_eq!(act(&matcher, "near", &trip.id, DriverAction::PickedUp).await, TripState::OnTrip);
    for km in 1..=3 {
        world.change("near", |near| near.position = north(f64::from(km) * 1_000.0));
        pass(Duration::from_secs(20)).await;
    }
    assert_eq!(act(&matcher, "near", &trip.id, DriverAction::DroppedOff).await, TripState::Completed);

    let trip = matcher.trip(rider("anna"), trip.id).await.unwrap();
    let receipt = trip.receipt.unwrap();
    assert_eq!((receipt.driver, receipt.rider), (driver("near"), rider("anna")));
    assert!((receipt.distance_m - 3_000.0).abs() < 1.0, "{}", receipt.distance_m);
    assert_eq!((receipt.wait_ms, receipt.ride_ms), (Millis::new(20_000), Millis::new(60_000)));
    assert!(world.last_notification("far").is_none());
    matcher.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_decline_the_next_window_offers_the_trip_to_another_driver() {
    let world = World::new();
    world.put("first", 100.0);
    world.put("second", 200.0);
    let matcher = world.start(options()).await;
    let trip = matcher.request(ride_request("anna")).await.unwrap().id;
    world.offer_to("first", &trip).await;
    let declined = Instant::now();
    let decline = DriverAction::Decline { reason: "lunch".to_owned() };
    assert_eq!(act(&matcher, "first", &trip, decline).await, TripState::Requested);
    world.offer_to("second", &trip).await;
    assert!(declined.elapsed() <= Duration::from_secs(1), "{:?}", declined.elapsed());
    let trip = matcher.trip(rider("anna"), trip).await.unwrap();
    assert_eq!((trip.declined_by, trip.offers), (vec![driver("first")], 2));
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_offer_expires_and_a_late_acceptance_is_rejected() {
    let world = World::new();
    world.put("silent", 100.0);
    let matcher = world.start(options()).await;
    let trip = matcher.request(ride_request("anna")).await.unwrap().id;
    world.offer_to("silent", &trip).await;
    pass(Duration::from_secs(16)).await;
    assert_eq!(state(&matcher, "anna", &trip).await, TripState::Requested);
    let ended = eventually("the driver is notified", async || match world.last_notification("silent") {
        Some(DriverNotification::Ended { trip, .. }) => Some(trip),
        _ => None,
    });
    assert_eq!(ended.await, trip);
    let late = matcher.act(driver("silent"), trip.clone(), DriverAction::Accept).await.unwrap_err();
    assert_eq!(late.code(), ErrorCode::FailedPrecondition, "{late}");
    let text = late.to_string();
    let expected = format!("the offer of trip {trip} ended ");
    assert!(text.contains(&expected) && text.ends_with("there was no answer before its deadline"), "{text}");
    // There is no other driver, so the request expires.
    pass(Duration::from_mins(5)).await;
    assert_eq!(state(&matcher, "anna", &trip).await, TripState::Expired);
    let late = matcher.act(driver("silent"), trip.clone(), DriverAction::Accept).await.unwrap_err();
    assert!(late.to_string().contains(&format!("trip {trip} is expired since ")), "{late}");
}

#[tokio::test(start_paused = true)]
async fn an_acceptance_without_an_offer_is_rejected_with_the_reason() {
    let world = World::new();
    world.put("asked", 100.0);
    let matcher = world.start(options()).await;
    let trip = matcher.request(ride_request("anna")).await.unwrap().id;
    world.offer_to("asked", &trip).await;
    let foreign = matcher.act(driver("other"), trip.clone(), DriverAction::Accept).await.unwrap_err();
    assert!(
        foreign.to_string().contains(&format!("driver other has no open offer of trip {trip}")),
        "{foreign}"
    );
    matcher.act(driver("asked"), trip.clone(), DriverAction::Accept).await.unwrap();
    let repeated = matcher.act(driver("asked"), trip, DriverAction::Accept).await;
    assert_eq!(repeated.unwrap(), TripState::EnRoute, "a repeated acceptance succeeds");
}

#[tokio::test(start_paused = true)]
async fn an_undeliverable_offer_goes_to_another_driver_at_once() {
    let world = World::new();
    world.put("offline", 100.0);
    world.change("offline", |offline| offline.connected = false);
    world.put("here", 200.0);
    let matcher = world.start(options()).await;
    let requested_at = Instant::now();
    let trip = matcher.request(ride_request("anna")).await.unwrap().id;
    world.offer_to("here", &trip).await;
    assert!(requested_at.elapsed() <= Duration::from_secs(2), "{:?}", requested_at.elapsed());
    let trip = matcher.trip(rider("anna"), trip).await.unwrap();
    let returned = StepNote::OfferReturned { why: ReturnReason::DriverDisconnected };
    assert!(trip.steps.iter().any(|step| step.note == returned), "{:?}", trip.steps);
}

#[tokio::test(start_paused = true)]
async fn a_disconnected_driver_loses_the_trip_when_the_grace_ends() {
    let world = World::new();
    world.put("first", 100.0);
    world.put("second", 200.0);
    let matcher = world.start(options()).await;
    let patient = kerb_trips::RideRequest { wait_max_ms: Millis::new(3_600_000), ..ride_request("anna") };
    let trip = matcher.request(patient).await.unwrap().id;
    world.offer_to("first", &trip).await;
    act(&matcher, "first", &trip, DriverAction::Accept).await;

    // A stream that ends while another one is open does not disconnect the driver.
    matcher.disconnected(driver("first")).await.unwrap();
    pass(Duration::from_secs(150)).await;
    assert_eq!(state(&matcher, "anna", &trip).await, TripState::EnRoute);

    // No call reports the disconnection: the driver tracker finds it. The driver reconnects before the grace ends.
    world.change("first", |first| first.connected = false);
    pass(Duration::from_secs(100)).await;
    world.change("first", |first| first.connected = true);
    let notification = matcher.connected(driver("first")).await.unwrap();
    assert!(
        matches!(notification, Some(DriverNotification::Assignment(assignment)) if assignment.trip == trip)
    );
    pass(Duration::from_secs(100)).await;
    assert_eq!(state(&matcher, "anna", &trip).await, TripState::EnRoute);

    // While a node does not answer, the driver may be connected there.
    world.change("first", |first| first.connected = false);
    *world.second_answers.lock() = false;
    pass(Duration::from_secs(150)).await;
    assert_eq!(state(&matcher, "anna", &trip).await, TripState::EnRoute);

    *world.second_answers.lock() = true;
    pass(Duration::from_secs(115)).await;
    assert_eq!(state(&matcher, "anna", &trip).await, TripState::EnRoute);
    world.offer_to("second", &trip).await;
    let trip = matcher.trip(rider("anna"), trip).await.unwrap();
    assert!(trip.steps.iter().any(|step| step.note == StepNote::DriverLost), "{:?}", trip.steps);
}

/// A trip whose driver is lost after the wait of the request is over.
async fn driver_lost_after_the_wait(world: &Arc<World>, wait_max_ms: Millis) -> (Matcher, TripId) {
    world.put("first", 100.0);
    let matcher = world.start(options()).await;
    let trip =
        matcher.request(kerb_trips::RideRequest { wait_max_ms, ..ride_request("anna") }).await.unwrap().id;
    world.offer_to("first", &trip).await;
    act(&matcher, "first", &trip, DriverAction::Accept).await;
    world.change("first", |first| (first.connected, first.status) = (false, DriverStatus::Offline));
    pass(Duration::from_secs(110)).await;
    until(&matcher, "anna", &trip, TripState::Requested).await;
    (matcher, trip)
}

#[tokio::test(start_paused = true)]
async fn the_wait_starts_again_when_the_driver_is_lost() {
    let world = World::new();
    let (matcher, trip) = driver_lost_after_the_wait(&world, Millis::new(60_000)).await;
    pass(Duration::from_secs(50)).await;
    assert_eq!(state(&matcher, "anna", &trip).await, TripState::Requested);
    // The wait is the same for the next matcher.
    matcher.shutdown().await;
    let matcher = world.start(options()).await;
    pass(Duration::from_secs(5)).await;
    world.put("second", 200.0);
    world.offer_to("second", &trip).await;
    act(&matcher, "second", &trip, DriverAction::Accept).await;
    let trip = matcher.trip(rider("anna"), trip).await.unwrap();
    assert!(world.now() - trip.times.requested_ms > Millis::new(170_000), "the time of the request stays");
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_driver_is_lost_expires() {
    for (wait_max_ms, waits_s) in [(60_000, 60), (1_000, 20)] {
        let world = World::new();
        let (matcher, trip) = driver_lost_after_the_wait(&world, Millis::new(wait_max_ms)).await;
        pass(Duration::from_secs(waits_s - 2)).await;
        assert_eq!(state(&matcher, "anna", &trip).await, TripState::Requested);
        pass(Duration::from_secs(4)).await;
        assert_eq!(state(&matcher, "anna", &trip).await, TripState::Expired);
    }
}

#[tokio::test(start_paused = true)]
async fn riders_and_the_operator_cancel_trips() {
    let world = World::new();
    world.put("near", 100.0);
    let matcher = world.start(options()).await;
    let trip = matcher.request(ride_request("anna")).await.unwrap().id;
    world.offer_to("near", &trip).await;
    let foreign = matcher.cancel(rider("eve"), trip.clone(), String::new()).await.unwrap_err();
    assert_eq!(foreign.code(), ErrorCode::NotFound);
    for _ in 0..2 {
        let cancelled = matcher.cancel(rider("anna"), trip.clone(), "rain".to_owned()).await.unwrap();
        assert_eq!((cancelled.state, cancelled.cancel_reason.as_str()), (TripState::Cancelled, "rain"));
    }
    eventually("the driver is notified", async || match world.last_notification("near") {
        Some(DriverNotification::Ended { state: TripState::Cancelled, .. }) => Some(()),
        _ => None,
    })
    .await;

    // The driver is free again. The operator cancels the next trip with the rider in the vehicle.
    let trip = matcher.request(ride_request("bert")).await.unwrap().id;
    world.offer_to("near", &trip).await;
    act(&matcher, "near", &trip, DriverAction::Accept).await;
    act(&matcher, "near", &trip, DriverAction::PickedUp).await;
    let rejection = matcher.cancel(rider("bert"), trip.clone(), String::new()).await.unwrap_err();
    assert_eq!(rejection.code(), ErrorCode::FailedPrecondition);
    let ended = matcher.force_cancel(trip, "accident".to_owned()).await.unwrap();
    assert_eq!(ended.cancelled_by, Some(CancelledBy::Operator));
}

#[tokio::test(start_paused = true)]
async fn a_paused_market_takes_no_requests_and_makes_no_offers() {
    let world = World::new();
    let matcher = world.start(options()).await;
    let waiting = matcher.request(ride_request("anna")).await.unwrap().id;
    let market = matcher.reports().await.unwrap()[0].market.clone();
    let report = matcher.set_paused(&market, true).await.unwrap();
    assert!(report.paused && report.counts.waiting == 1);
    world.put("near", 100.0);
    pass(Duration::from_secs(30)).await;
    assert!(world.last_notification("near").is_none());
    let rejection = matcher.request(ride_request("bert")).await.unwrap_err();
    assert_eq!(rejection.code(), ErrorCode::FailedPrecondition);
    // A repetition of the accepted request returns the same trip.
    assert_eq!(matcher.request(ride_request("anna")).await.unwrap().id, waiting);

    assert!(!matcher.set_paused(&market, false).await.unwrap().paused);
    world.offer_to("near", &waiting).await;
    let reports = matcher.reports().await.unwrap();
    let report = &reports[0];
    assert_eq!((report.counts.waiting, report.counts.offered, report.last_offers), (0, 1, 1));
    assert!(report.windows >= 1 && report.journal_version >= Version::new(4));
}

#[tokio::test(start_paused = true)]
async fn ten_riders_and_ten_drivers_are_matched_one_to_one_in_one_window() {
    let world = World::new();
    (0..10).for_each(|i| world.put(&format!("d{i}"), 100.0 + f64::from(i) * 50.0));
    let matcher = world.start(options()).await;
    let mut trips = Vec::new();
    for i in 0..10 {
        trips.push(matcher.request(ride_request(&format!("r{i}"))).await.unwrap().id);
    }
    for (i, trip) in trips.iter().enumerate() {
        until(&matcher, &format!("r{i}"), trip, TripState::Offered).await;
    }
    let report = &matcher.reports().await.unwrap()[0];
    assert_eq!((report.windows, report.last_requests, report.last_offers), (1, 10, 10));
    let notified: std::collections::BTreeSet<_> =
        world.notifications.lock().iter().map(|(driver, _)| driver.clone()).collect();
    assert_eq!((notified.len(), world.notifications.lock().len()), (10, 10));
}

#[tokio::test(start_paused = true)]
async fn a_driver_near_two_markets_is_reserved_by_one_of_them() {
    let world = World::new();
    world.put("only", 0.0);
    let markets = north_and_south();
    let matcher = world.start(kerb_matcher::Options { markets, ..options() }).await;
    let in_north = matcher.request(ride_request("anna")).await.unwrap().id;
    let request = RideRequest { pickup: north(-200.0), ..ride_request("bert") };
    let in_south = matcher.request(request).await.unwrap().id;
    assert_eq!((in_north.to_string(), in_south.to_string()), ("north-1".to_owned(), "south-1".to_owned()));
    pass(Duration::from_secs(10)).await;
    let states = (state(&matcher, "anna", &in_north).await, state(&matcher, "bert", &in_south).await);
    assert!(
        matches!(
            states,
            (TripState::Offered, TripState::Requested) | (TripState::Requested, TripState::Offered)
        ),
        "{states:?}"
    );
    let mut outside = ride_request("carl");
    outside.pickup = kerb_geometry::LatLng::new(48.0, 13.5).unwrap();
    let error = matcher.request(outside).await.unwrap_err();
    assert_eq!(error.to_string(), "pickup: 48, 13.5 is outside every market: north, south");
}

/// `x` is the nearest driver of both riders. The greedy policy gives `x` to Anna, whose request is older; the optimum gives
/// `y` to Anna.
#[tokio::test(start_paused = true)]
async fn windows_use_the_policy_that_was_set_last() {
    for (policy, annas, bens) in [(Policy::Nearest, "x", "y"), (Policy::Batch, "y", "x")] {
        let world = World::new();
        world.put("x", 100.0);
        world.put("y", -250.0);
        let matcher = world.start(Options { policy: Policy::Nearest, ..options() }).await;
        matcher.set_policy(policy);
        let anna = matcher.request(ride_request("anna")).await.unwrap().id;
        let ben =
            matcher.request(RideRequest { pickup: north(300.0), ..ride_request("ben") }).await.unwrap().id;
        world.offer_to(annas, &anna).await;
        world.offer_to(bens, &ben).await;
        matcher.shutdown().await;
    }
}
