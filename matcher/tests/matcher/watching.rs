//! Watches and event subscriptions: no duplicates and no gaps.

use std::pin::Pin;
use std::time::Duration;

use futures::{Stream, StreamExt};
use kerb_matcher::{EventPosition, JournaledEvent, Matcher, MatcherError, Options, WatchUpdate};
use kerb_ports::{DriverAction, DriverEvents, ErrorCode};
use kerb_trips::{Change, EventKind, TripId, TripState, Version};
use kerb_types::TravelSource;

use crate::fakes::simulated_time::pass;
use crate::fakes::{World, driver, market, north, options, ride_request, rider};

type Updates = Pin<Box<dyn Stream<Item = Result<WatchUpdate, MatcherError>> + Send>>;

async fn watch(matcher: &Matcher, trip: &TripId, after: u64) -> Updates {
    Box::pin(matcher.watch(rider("anna"), trip.clone(), after).await.unwrap())
}

/// Returns the next change, and skips positions.
async fn change(updates: &mut Updates) -> Option<(u64, TripState)> {
    loop {
        match updates.next().await?.unwrap() {
            WatchUpdate::Change { number, step } => return Some((number, step.state)),
            WatchUpdate::Driver(_) => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_resumes_where_another_one_ended() {
    let world = World::new();
    world.put("near", 100.0);
    let matcher = world.start(options()).await;
    let trip = matcher.request(ride_request("anna")).await.unwrap().id;
    let mut updates = watch(&matcher, &trip, 0).await;
    assert_eq!(change(&mut updates).await, Some((1, TripState::Requested)));
    assert_eq!(change(&mut updates).await, Some((2, TripState::Offered)));
    drop(updates);

    matcher.act(driver("near"), trip.clone(), DriverAction::Accept).await.unwrap();
    matcher.act(driver("near"), trip.clone(), DriverAction::Arrived).await.unwrap();
    let mut updates = watch(&matcher, &trip, 2).await;
    assert_eq!(change(&mut updates).await, Some((3, TripState::EnRoute)));
    let mut whole = watch(&matcher, &trip, 0).await;
    assert_eq!(change(&mut updates).await, Some((4, TripState::Arrived)));
    matcher.act(driver("near"), trip.clone(), DriverAction::PickedUp).await.unwrap();
    assert_eq!(change(&mut updates).await, Some((5, TripState::OnTrip)));
    matcher.act(driver("near"), trip.clone(), DriverAction::DroppedOff).await.unwrap();
    assert_eq!(change(&mut updates).await, Some((6, TripState::Completed)));
    assert_eq!(change(&mut updates).await, None, "the end of the trip is the end of the watch");

    // A watcher that has not read for a while still gets every change.
    for (number, state) in (1..).zip([
        TripState::Requested,
        TripState::Offered,
        TripState::EnRoute,
        TripState::Arrived,
        TripState::OnTrip,
        TripState::Completed,
    ]) {
        assert_eq!(change(&mut whole).await, Some((number, state)));
    }
    assert_eq!(change(&mut whole).await, None);

    let early = matcher.watch(rider("anna"), trip.clone(), 7).await.err().unwrap();
    assert_eq!(early.to_string(), "after_number: 7, must be at most 6, the newest change");
    let foreign = matcher.watch(rider("eve"), trip, 0).await.err().unwrap();
    assert_eq!(foreign.code(), ErrorCode::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_watcher_gets_positions_and_a_slow_one_only_the_newest() {
    let world = World::new();
    world.put("near", 1_000.0);
    let matcher = world.start(options()).await;
    let trip = matcher.request(ride_request("anna")).await.unwrap().id;
    world.offer_to("near", &trip).await;
    matcher.act(driver("near"), trip.clone(), DriverAction::Accept).await.unwrap();
    let mut updates = watch(&matcher, &trip, 3).await;
    let Some(Ok(WatchUpdate::Driver(first))) = updates.next().await else { panic!("no position") };
    assert_eq!((first.position, first.eta.time_s, &first.driver), (north(1_000.0), 100, &driver("near")));
    assert_eq!(first.eta.source, TravelSource::StraightLine, "the world has no roads");
    for hundred in (1..=9).rev() {
        world.change("near", |near| near.position = north(f64::from(hundred) * 100.0));
        pass(Duration::from_secs(5)).await;
    }
    let Some(Ok(WatchUpdate::Driver(newest))) = updates.next().await else { panic!("no position") };
    assert_eq!((newest.position, newest.eta.time_s), (north(100.0), 10));
    assert!(newest.measured_ms > first.measured_ms);

    matcher.act(driver("near"), trip.clone(), DriverAction::PickedUp).await.unwrap();
    assert_eq!(change(&mut updates).await, Some((4, TripState::OnTrip)));
    world.change("near", |near| near.position = north(1_000.0));
    let to_dropoff = loop {
        let Some(Ok(WatchUpdate::Driver(tracked))) = updates.next().await else { panic!("no position") };
        if tracked.position == north(1_000.0) {
            break tracked;
        }
    };
    assert_eq!(to_dropoff.eta.time_s, 200, "2 km to the drop-off at 10 m/s");
}

#[tokio::test(start_paused = true)]
async fn watched_trips_are_bounded_and_end_with_their_watchers() {
    let world = World::new();
    let matcher = world.start(Options { watches_max: 1, ..options() }).await;
    let first = matcher.request(ride_request("anna")).await.unwrap().id;
    let mut other = ride_request("anna");
    other.key = kerb_trips::IdempotencyKey::new("second").unwrap();
    let second = matcher.request(other).await.unwrap().id;
    let updates = (watch(&matcher, &first, 0).await, watch(&matcher, &first, 0).await);
    let full = matcher.watch(rider("anna"), second.clone(), 0).await.err().unwrap();
    assert_eq!(full.code(), ErrorCode::Overloaded);
    drop(updates);
    let mut updates = watch(&matcher, &second, 0).await;
    assert_eq!(change(&mut updates).await, Some((1, TripState::Requested)));
}

async fn subscribe(
    matcher: &Matcher,
    after: Option<EventPosition>,
) -> Pin<Box<dyn Stream<Item = Result<JournaledEvent, MatcherError>> + Send>> {
    Box::pin(matcher.subscribe(market(), after).await.unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_subscription_has_every_event_after_its_position_and_then_the_new_ones() {
    let world = World::new();
    world.put("near", 100.0);
    let matcher = world.start(options()).await;
    let trip = matcher.request(ride_request("anna")).await.unwrap().id;
    world.offer_to("near", &trip).await;
    matcher.set_paused(&market(), true).await.unwrap();
    matcher.act(driver("near"), trip.clone(), DriverAction::Accept).await.unwrap();
    // Two concurrent requests may share a record. A pause is not an event of a trip.
    matcher.set_paused(&market(), false).await.unwrap();
    let (bert, carl) =
        tokio::join!(matcher.request(ride_request("bert")), matcher.request(ride_request("carl")));
    assert_ne!(bert.unwrap().id, carl.unwrap().id);

    let mut all = Vec::new();
    for (record, version) in world.journal.records(&market()).into_iter().zip(1..) {
        for (change, index) in record.changes.into_iter().zip(0..) {
            if let Change::Trip { event, .. } = change {
                all.push((EventPosition { version: Version::new(version), index }, event.kind()));
            }
        }
    }
    assert_eq!(all.len(), 5);
    for after in std::iter::once(None).chain(all.iter().map(|(position, _)| Some(*position))) {
        let mut events = subscribe(&matcher, after).await;
        for (position, kind) in all.iter().filter(|(position, _)| Some(*position) > after) {
            let event = events.next().await.unwrap().unwrap();
            assert_eq!((event.position, event.event.kind()), (*position, *kind));
        }
    }

    let mut live = subscribe(&matcher, all.last().map(|(position, _)| *position)).await;
    matcher.act(driver("near"), trip.clone(), DriverAction::Arrived).await.unwrap();
    let event = live.next().await.unwrap().unwrap();
    assert_eq!((event.trip, event.event.kind()), (trip, EventKind::Arrived));

    let ahead = EventPosition { version: Version::new(99), index: 0 };
    let error = matcher.subscribe(market(), Some(ahead)).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::Invalid);
    assert!(error.to_string().contains("99, must be at most"), "{error}");
    matcher.shutdown().await;
    assert!(live.next().await.unwrap().unwrap_err().to_string().contains("shutting down"));
}
