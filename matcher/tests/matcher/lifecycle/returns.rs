//! Offers that end without an answer: only a decline prevents another offer to the driver.

use std::time::Duration;

use kerb_ports::{DriverAction, DriverEvents};
use kerb_trips::{RideRequest, TripState};
use kerb_types::{DriverStatus, Millis};

use super::{act, state};
use crate::fakes::simulated_time::pass;
use crate::fakes::{World, driver, options, ride_request, rider};

#[tokio::test(start_paused = true)]
async fn the_only_driver_gets_another_offer_after_a_short_break_of_its_stream() {
    let world = World::new();
    world.put("only", 100.0);
    let matcher = world.start(options()).await;
    let trip = matcher.request(ride_request("anna")).await.unwrap().id;
    world.offer_to("only", &trip).await;
    world.change("only", |only| only.connected = false);
    matcher.disconnected(driver("only")).await.unwrap();
    assert_eq!(state(&matcher, "anna", &trip).await, TripState::Requested);
    pass(Duration::from_millis(700)).await;
    world.change("only", |only| only.connected = true);
    matcher.connected(driver("only")).await.unwrap();
    pass(Duration::from_millis(1_500)).await;
    assert_eq!(act(&matcher, "only", &trip, DriverAction::Accept).await, TripState::EnRoute);
    matcher.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_driver_gets_another_offer_after_a_while_and_one_who_declined_does_not() {
    let world = World::new();
    world.put("only", 100.0);
    let matcher = world.start(options()).await;
    let patient = RideRequest { wait_max_ms: Millis::new(3_600_000), ..ride_request("anna") };
    let trip = matcher.request(patient).await.unwrap().id;
    world.offer_to("only", &trip).await;
    pass(Duration::from_secs(16)).await;
    pass(Duration::from_secs(55)).await;
    assert_eq!(
        matcher.trip(rider("anna"), trip.clone()).await.unwrap().offers,
        1,
        "silence bars for a while"
    );
    pass(Duration::from_secs(8)).await;
    assert_eq!(matcher.trip(rider("anna"), trip.clone()).await.unwrap().offers, 2);
    let decline = DriverAction::Decline { reason: "lunch".to_owned() };
    assert_eq!(act(&matcher, "only", &trip, decline.clone()).await, TripState::Requested);
    assert_eq!(act(&matcher, "only", &trip, decline).await, TripState::Requested, "a repeat changes nothing");
    pass(Duration::from_mins(10)).await;
    assert_eq!(matcher.trip(rider("anna"), trip).await.unwrap().offers, 2, "a decline is for good");
    matcher.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_driver_who_takes_no_offers_returns_its_offer_at_once_and_may_get_the_trip_later() {
    let world = World::new();
    world.put("near", 100.0);
    world.put("far", 900.0);
    let matcher = world.start(options()).await;
    let trip = matcher.request(ride_request("anna")).await.unwrap().id;
    world.offer_to("near", &trip).await;
    world.change("near", |near| near.status = DriverStatus::OnBreak);
    matcher.unavailable(driver("near"), trip.clone()).await.unwrap();
    assert_eq!(state(&matcher, "anna", &trip).await, TripState::Requested);
    pass(Duration::from_millis(1_500)).await;
    // The next window asks the other one, long before the first offer would have expired.
    world.offer_to("far", &trip).await;
    let decline = DriverAction::Decline { reason: String::new() };
    assert_eq!(act(&matcher, "far", &trip, decline).await, TripState::Requested);
    world.change("near", |near| near.status = DriverStatus::Available);
    pass(Duration::from_millis(1_500)).await;
    assert_eq!(act(&matcher, "near", &trip, DriverAction::Accept).await, TripState::EnRoute);
    matcher.unavailable(driver("near"), trip.clone()).await.unwrap();
    assert_eq!(state(&matcher, "anna", &trip).await, TripState::EnRoute, "an accepted trip stays");
    matcher.shutdown().await;
}
