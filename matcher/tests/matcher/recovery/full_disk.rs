//! A journal that takes no records: calls fail at once, reads go on, and the markets continue when there is room again.

use std::time::Duration;

use kerb_matcher::{Matcher, Options};
use kerb_ports::{DriverAction, DriverEvents, ErrorCode};
use kerb_trips::{MarketId, TripState};
use tokio::time::Instant;

use crate::fakes::simulated_time::{eventually, pass};
use crate::fakes::{World, driver, north, north_and_south, options, ride_request, rider};

fn market() -> MarketId {
    MarketId::new("world").unwrap()
}

/// Requests the ride of `name` and returns the error, which must come at once.
async fn rejected(matcher: &Matcher, name: &str) -> String {
    let began = Instant::now();
    let error = matcher.request(ride_request(name)).await.unwrap_err();
    // Time only passes when all tasks wait for it.
    assert_eq!(began.elapsed(), Duration::ZERO, "{name}");
    assert_eq!(error.code(), ErrorCode::Unavailable, "{error}");
    error.to_string()
}

async fn recovered(matcher: &Matcher, name: &str) {
    eventually("the market decides again", async || matcher.request(ride_request(name)).await.ok()).await;
}

#[tokio::test(start_paused = true)]
async fn calls_fail_at_once_while_the_disk_is_full_and_succeed_afterwards() {
    let world = World::new();
    world.put("near", 100.0);
    let matcher = world.start(Options { snapshot_every: 1, ..options() }).await;
    let decides = matcher.decides();
    let trip = matcher.request(ride_request("anna")).await.unwrap().id;
    world.offer_to("near", &trip).await;
    matcher.act(driver("near"), trip.clone(), DriverAction::Accept).await.unwrap();

    *world.journal.is_full.lock() = true;
    for round in 0..5 {
        rejected(&matcher, &format!("rider-{round}")).await;
        let arrived = matcher.act(driver("near"), trip.clone(), DriverAction::Arrived).await;
        assert_eq!(arrived.unwrap_err().code(), ErrorCode::Unavailable);
        pass(Duration::from_millis(700)).await;
        // Reads show the last durable state.
        assert_eq!(matcher.trip(rider("anna"), trip.clone()).await.unwrap().state, TripState::EnRoute);
        assert!(!*decides.borrow());
    }
    let error = rejected(&matcher, "bert").await;
    assert!(
        error.contains("market world decides nothing until its journal takes records: scripted"),
        "{error}"
    );
    assert_eq!(matcher.reports().await.unwrap()[0].counts.en_route, 1);

    *world.journal.is_full.lock() = false;
    recovered(&matcher, "bert").await;
    assert!(*decides.borrow());
    // Nothing acknowledged is lost, nothing is there twice, and numbers go on.
    assert_eq!(matcher.trip(rider("anna"), trip.clone()).await.unwrap().state, TripState::EnRoute);
    let arrived = matcher.act(driver("near"), trip, DriverAction::Arrived).await;
    assert_eq!(arrived, Ok(TripState::Arrived));
    assert_eq!(matcher.request(ride_request("bert")).await.unwrap().id.number, 2);
    assert_eq!(world.audit(&["world"]).violations, []);
    let decisions = world.journal.records(&market()).into_iter().filter(|record| !record.changes.is_empty());
    assert_eq!(decisions.count(), 5, "two requests, an offer, an accept, an arrival");
}

/// The markets of a process that are not suspended go on, and the process counts as deciding.
#[tokio::test(start_paused = true)]
async fn a_market_that_writes_nothing_meanwhile_does_not_notice() {
    let world = World::new();
    let matcher = world.start(Options { markets: north_and_south(), ..options() }).await;
    *world.journal.is_full.lock() = true;
    rejected(&matcher, "anna").await;
    pass(Duration::from_secs(3)).await;
    assert!(*matcher.decides().borrow(), "only one market is suspended");
    *world.journal.is_full.lock() = false;
    let in_south = kerb_trips::RideRequest { pickup: north(-200.0), ..ride_request("bert") };
    assert!(matcher.request(in_south).await.is_ok());
    recovered(&matcher, "anna").await;
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_fails_for_good_stops_the_matcher_with_its_reason() {
    let world = World::new();
    let matcher = world.start(options()).await;
    *world.journal.is_broken.lock() = true;
    rejected(&matcher, "anna").await;
    let reason = matcher.failed().await;
    assert_eq!(reason, "market world cannot be recovered: internal: scripted");
    let error = matcher.request(ride_request("anna")).await.unwrap_err();
    assert!(error.to_string().ends_with(&reason), "{error}");
}
