//! A matcher and its journal: restarts, lost answers, and records of another matcher.

mod full_disk;

use std::time::Duration;

use futures::StreamExt;
use kerb_matcher::{Matcher, Options};
use kerb_ports::{DriverAction, DriverEvents, ErrorCode, TripJournal};
use kerb_trips::{Change, Record, TripState, Version};

use crate::fakes::journal::Fault;
use crate::fakes::simulated_time::{NOW_MS, pass};
use crate::fakes::{World, driver, market, options, ride_request, rider};

/// A record that another matcher writes.
fn foreign() -> Record {
    let changes = vec![Change::MarketPaused { paused: true }];
    Record { at_ms: NOW_MS, matcher: "matcher-1".to_owned(), changes }
}

#[tokio::test(start_paused = true)]
async fn another_matchers_record_fences_the_market() {
    let world = World::new();
    let matcher = world.start(options()).await;
    let trip = matcher.request(ride_request("anna")).await.unwrap().id;
    let mut events = Box::pin(matcher.subscribe(market(), None).await.unwrap());
    let mut updates = Box::pin(matcher.watch(rider("anna"), trip.clone(), 1).await.unwrap());
    world.journal.write(&market(), foreign()).await;

    let why = "another matcher has taken market world over";
    let error = matcher.request(ride_request("bert")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable);
    assert!(error.to_string().ends_with("the journal of market world is ahead of this matcher"), "{error}");
    // All other commands fail, too, now and later.
    for _ in 0..2 {
        let answers = [
            matcher.trip(rider("anna"), trip.clone()).await.map(drop),
            matcher.set_paused(&market(), false).await.map(drop),
            matcher.explain(trip.clone(), None).await.map(drop),
        ];
        for answer in answers {
            assert!(answer.unwrap_err().to_string().ends_with(why));
        }
        let action = matcher.act(driver("near"), trip.clone(), DriverAction::Accept).await;
        assert!(action.unwrap_err().to_string().ends_with(why));
        pass(Duration::from_secs(10)).await;
    }
    assert!(events.next().await.unwrap().is_ok(), "a committed event is still delivered");
    assert!(events.next().await.unwrap().unwrap_err().to_string().ends_with(why));
    assert!(updates.next().await.unwrap().unwrap_err().to_string().ends_with(why));
    assert_eq!(world.journal.records(&market()).len(), 3, "the fencing matcher writes nothing more");
}

#[tokio::test(start_paused = true)]
async fn a_lost_record_returns_unavailable_and_changes_nothing() {
    let world = World::new();
    world.put("near", 100.0);
    let matcher = world.start(options()).await;
    *world.journal.fault.lock() = Some(Fault::Lost);
    let error = matcher.request(ride_request("anna")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable, "{error}");
    let is_empty = |record: &Record| record.changes.is_empty();
    assert!(world.journal.records(&market()).iter().all(is_empty), "nothing but fences");
    // A repetition of the request opens the first trip.
    let trip = matcher.request(ride_request("anna")).await.unwrap();
    assert_eq!(trip.id.number, 1);
    world.offer_to("near", &trip.id).await;
}

#[tokio::test(start_paused = true)]
async fn a_record_with_a_lost_answer_takes_effect_once() {
    let world = World::new();
    world.put("near", 100.0);
    let matcher = world.start(options()).await;
    *world.journal.fault.lock() = Some(Fault::Unanswered);
    let error = matcher.request(ride_request("anna")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable);
    let trip = matcher.request(ride_request("anna")).await.unwrap();
    let decisions = world.journal.records(&market()).into_iter().filter(|record| !record.changes.is_empty());
    assert_eq!((trip.id.number, decisions.count()), (1, 1));

    world.offer_to("near", &trip.id).await;
    *world.journal.fault.lock() = Some(Fault::Unanswered);
    let accept = || matcher.act(driver("near"), trip.id.clone(), DriverAction::Accept);
    assert_eq!(accept().await.unwrap_err().code(), ErrorCode::Unavailable);
    assert_eq!(accept().await, Ok(TripState::EnRoute));
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_written_late_counts_as_the_matchers_own() {
    let world = World::new();
    let matcher = world.start(options()).await;
    *world.journal.fault.lock() = Some(Fault::Late);
    assert_eq!(matcher.request(ride_request("anna")).await.unwrap_err().code(), ErrorCode::Unavailable);
    // It precedes the fence against it, so the resync applies it.
    assert_eq!(matcher.request(ride_request("bert")).await.unwrap().id.number, 2);
    assert_eq!(matcher.request(ride_request("anna")).await.unwrap().id.number, 1);
    assert_eq!(world.journal.records(&market()).len(), 4);
}

/// Runs a trip through a matcher that is replaced after each step. Returns the version of the last snapshot.
async fn replaced_after_each_step(options: &Options, end: impl AsyncFn(Matcher)) -> u64 {
    let world = World::new();
    world.put("near", 100.0);
    let matcher = world.start(options.clone()).await;
    let trip = matcher.request(ride_request("anna")).await.unwrap().id;
    end(matcher).await;

    let mut matcher = world.start(options.clone()).await;
    world.offer_to("near", &trip).await;
    let steps = [
        (DriverAction::Accept, TripState::EnRoute),
        (DriverAction::Arrived, TripState::Arrived),
        (DriverAction::PickedUp, TripState::OnTrip),
        (DriverAction::DroppedOff, TripState::Completed),
    ];
    for (action, expected) in steps {
        end(matcher).await;
        matcher = world.start(options.clone()).await;
        let state = matcher.act(driver("near"), trip.clone(), action.clone()).await;
        assert_eq!(state, Ok(expected));
        // A repetition at the next matcher returns the same state.
        end(matcher).await;
        matcher = world.start(options.clone()).await;
        assert_eq!(matcher.act(driver("near"), trip.clone(), action).await, Ok(expected));
    }
    let done = matcher.trip(rider("anna"), trip).await.unwrap();
    assert!(done.receipt.is_some());
    assert_eq!(done.steps.len(), 6);
    // The driver is free, and the numbers of trips continue.
    let next = matcher.request(ride_request("bert")).await.unwrap().id;
    assert_eq!(next.number, 2);
    world.offer_to("near", &next).await;
    world.journal.snapshot_version(&market()).unwrap_or(Version::new(0)).get()
}

#[tokio::test(start_paused = true)]
async fn a_matcher_that_is_dropped_is_replaced_without_a_loss() {
    let snapshot = replaced_after_each_step(&options(), async |matcher| drop(matcher)).await;
    assert_eq!(snapshot, 0, "no snapshot was saved");
}

#[tokio::test(start_paused = true)]
async fn a_matcher_that_is_shut_down_leaves_a_snapshot_behind() {
    let snapshot = replaced_after_each_step(&options(), Matcher::shutdown).await;
    assert!(snapshot > 0);
}

#[tokio::test(start_paused = true)]
async fn snapshots_are_saved_during_the_traffic() {
    let options = Options { snapshot_every: 1, ..options() };
    let snapshot = replaced_after_each_step(&options, async |matcher| drop(matcher)).await;
    assert!(snapshot > 0);
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_snapshot_is_ignored() {
    let world = World::new();
    let matcher = world.start(options()).await;
    let trip = matcher.request(ride_request("anna")).await.unwrap().id;
    matcher.shutdown().await;
    world.journal.save_snapshot(market(), Version::new(2), b"{}".to_vec()).await.unwrap();
    let matcher = world.start(options()).await;
    assert_eq!(matcher.trip(rider("anna"), trip).await.unwrap().state, TripState::Requested);
}

#[tokio::test(start_paused = true)]
async fn a_pause_survives_the_restart() {
    let world = World::new();
    let matcher = world.start(options()).await;
    matcher.set_paused(&market(), true).await.unwrap();
    drop(matcher);
    let matcher = world.start(options()).await;
    assert!(matcher.reports().await.unwrap()[0].paused);
}
