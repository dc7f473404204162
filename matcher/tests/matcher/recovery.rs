//! What the journal makes of a matcher: restarts, lost answers, and another matcher.

use std::time::Duration;

use futures::StreamExt;
use kerb_matcher::{Matcher, Options};
use kerb_ports::{DriverAction, DriverEvents, ErrorCode, TripJournal};
use kerb_trips::{Change, Record, TripState};

use crate::fake_journal::Fault;
use crate::fakes::{World, driver, market, options, rider, wish};
use crate::simulated_time::{NOW_MS, pass};

/// A record that another matcher writes.
fn foreign() -> Record {
    let changes = vec![Change::MarketPaused { paused: true }];
    Record { at_ms: NOW_MS, matcher: "matcher-1".to_owned(), changes }
}

#[tokio::test(start_paused = true)]
async fn another_matchers_record_fences_the_market() {
    let world = World::new();
    let matcher = world.start(options()).await;
    let trip = matcher.request(wish("anna")).await.unwrap().id;
    let mut events = Box::pin(matcher.subscribe(market(), None).await.unwrap());
    let mut news = Box::pin(matcher.watch(rider("anna"), trip.clone(), 1).await.unwrap());
    world.journal.write(&market(), foreign()).await;

    let why = "another matcher has taken market world over";
    let error = matcher.request(wish("bert")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable);
    assert!(error.to_string().ends_with("the journal of market world is ahead of this matcher"), "{error}");
    // Everything else, too, and it stays so.
    for _ in 0..2 {
        let answers = [
            matcher.trip(rider("anna"), trip.clone()).await.map(drop),
            matcher.act(driver("near"), trip.clone(), DriverAction::Accept).await.map(drop),
            matcher.set_paused(&market(), false).await.map(drop),
            matcher.explain(trip.clone(), None).await.map(drop),
        ];
        for answer in answers {
            assert!(answer.unwrap_err().to_string().ends_with(why));
        }
        pass(Duration::from_secs(10)).await;
    }
    assert!(events.next().await.unwrap().is_ok(), "what was committed is still told");
    assert!(events.next().await.unwrap().unwrap_err().to_string().ends_with(why));
    assert!(news.next().await.unwrap().unwrap_err().to_string().ends_with(why));
    assert_eq!(world.journal.records(&market()).len(), 3, "the fencing matcher writes nothing more");
}

#[tokio::test(start_paused = true)]
async fn a_lost_record_is_answered_as_unavailable_and_has_not_happened() {
    let world = World::new();
    world.put("near", 100.0);
    let matcher = world.start(options()).await;
    *world.journal.fault.lock() = Some(Fault::Lost);
    let error = matcher.request(wish("anna")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable, "{error}");
    let is_empty = |record: &Record| record.changes.is_empty();
    assert!(world.journal.records(&market()).iter().all(is_empty), "nothing but fences");
    // The same again is the first trip.
    let trip = matcher.request(wish("anna")).await.unwrap();
    assert_eq!(trip.id.number, 1);
    world.offer_to("near", &trip.id).await;
}

#[tokio::test(start_paused = true)]
async fn a_record_whose_answer_was_lost_has_happened_once() {
    let world = World::new();
    world.put("near", 100.0);
    let matcher = world.start(options()).await;
    *world.journal.fault.lock() = Some(Fault::Unanswered);
    let error = matcher.request(wish("anna")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable);
    let trip = matcher.request(wish("anna")).await.unwrap();
    let decisions = world.journal.records(&market()).into_iter().filter(|record| !record.changes.is_empty());
    assert_eq!((trip.id.number, decisions.count()), (1, 1));

    world.offer_to("near", &trip.id).await;
    *world.journal.fault.lock() = Some(Fault::Unanswered);
    let accept = || matcher.act(driver("near"), trip.id.clone(), DriverAction::Accept);
    assert_eq!(accept().await.unwrap_err().code(), ErrorCode::Unavailable);
    assert_eq!(accept().await, Ok(TripState::EnRoute));
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_written_late_is_known_for_the_matchers_own() {
    let world = World::new();
    let matcher = world.start(options()).await;
    *world.journal.fault.lock() = Some(Fault::Late);
    assert_eq!(matcher.request(wish("anna")).await.unwrap_err().code(), ErrorCode::Unavailable);
    // It comes before the fence that is to keep it out, and is taken in.
    assert_eq!(matcher.request(wish("bert")).await.unwrap().id.number, 2);
    assert_eq!(matcher.request(wish("anna")).await.unwrap().id.number, 1);
    assert_eq!(world.journal.records(&market()).len(), 4);
}

/// Runs a trip through a matcher that is replaced after each step, and answers the version in the end.
async fn replaced_after_each_step(options: &Options, end: impl AsyncFn(Matcher)) -> u64 {
    let world = World::new();
    world.put("near", 100.0);
    let matcher = world.start(options.clone()).await;
    let trip = matcher.request(wish("anna")).await.unwrap().id;
    end(matcher).await;

    let mut matcher = world.start(options.clone()).await;
    world.offer_to("near", &trip).await;
    let steps = [
        (DriverAction::Accept, TripState::EnRoute),
        (DriverAction::Arrived, TripState::Arrived),
        (DriverAction::PickedUp, TripState::OnTrip),
        (DriverAction::DroppedOff, TripState::Completed),
    ];
    for (action, wanted) in steps {
        end(matcher).await;
        matcher = world.start(options.clone()).await;
        let state = matcher.act(driver("near"), trip.clone(), action.clone()).await;
        assert_eq!(state, Ok(wanted));
        // Sent again to the next matcher, it is answered as the first was.
        end(matcher).await;
        matcher = world.start(options.clone()).await;
        assert_eq!(matcher.act(driver("near"), trip.clone(), action).await, Ok(wanted));
    }
    let done = matcher.trip(rider("anna"), trip).await.unwrap();
    assert!(done.receipt.is_some());
    assert_eq!(done.steps.len(), 6);
    // The driver is free, and numbers go on.
    let next = matcher.request(wish("bert")).await.unwrap().id;
    assert_eq!(next.number, 2);
    world.offer_to("near", &next).await;
    world.journal.snapshot_version(&market()).unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn a_matcher_that_is_dropped_is_replaced_without_a_loss() {
    let snapshot = replaced_after_each_step(&options(), async |matcher| drop(matcher)).await;
    assert_eq!(snapshot, 0, "nobody kept a snapshot");
}

#[tokio::test(start_paused = true)]
async fn a_matcher_that_is_shut_down_leaves_a_snapshot_behind() {
    let snapshot = replaced_after_each_step(&options(), Matcher::shutdown).await;
    assert!(snapshot > 0);
}

#[tokio::test(start_paused = true)]
async fn snapshots_are_kept_beside_the_traffic() {
    let options = Options { snapshot_every: 1, ..options() };
    let snapshot = replaced_after_each_step(&options, async |matcher| drop(matcher)).await;
    assert!(snapshot > 0);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_cannot_be_read_is_left_aside() {
    let world = World::new();
    let matcher = world.start(options()).await;
    let trip = matcher.request(wish("anna")).await.unwrap().id;
    matcher.shutdown().await;
    world.journal.save_snapshot(market(), 2, b"{}".to_vec()).await.unwrap();
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
