//! Trips that a nearer driver takes over: who hears what, and who wins when things cross.

use std::sync::Arc;
use std::time::Duration;

use kerb_assignment::Policy;
use kerb_matcher::{Matcher, Options};
use kerb_ports::{DriverAction, DriverEvents, DriverNotification, ErrorCode};
use kerb_trips::{EventKind, StepNote, Trip, TripId, TripState};

use crate::fakes::{World, driver, market, north, options, rider, wish};
use crate::simulated_time::{eventually, pass};

fn reoptimize() -> Options {
    Options { policy: Policy::Reoptimize, ..options() }
}

async fn act(matcher: &Matcher, name: &str, trip: &TripId, action: DriverAction) -> TripState {
    matcher.act(driver(name), trip.clone(), action).await.unwrap()
}

async fn trip(matcher: &Matcher, trip: &TripId) -> Trip {
    matcher.trip(rider("anna"), trip.clone()).await.unwrap()
}

async fn over(world: &World, name: &str, trip: &TripId) -> (TripState, String) {
    let told = async || match world.news_of(name) {
        Some(DriverNotification::Ended { trip: of, state, reason: why }) if of == *trip => Some((state, why)),
        _ => None,
    };
    eventually(&format!("{name} is told"), told).await
}

/// `far` is 300 s away and has accepted; then `near` appears 10 s away, and is asked.
async fn asked(options: Options) -> (Arc<World>, Matcher, TripId) {
    let world = World::new();
    world.put("far", 3_000.0);
    let matcher = world.start(options).await;
    let id = matcher.request(wish("anna")).await.unwrap().id;
    world.offer_to("far", &id).await;
    act(&matcher, "far", &id, DriverAction::Accept).await;
    world.put("near", 100.0);
    let task = world.offer_to("near", &id).await;
    assert_eq!((task.state, task.pickup_eta_s), (TripState::Offered, 10));
    (world, matcher, id)
}

/// Nothing was promised twice, and nobody heard of an offer before the journal.
fn judge(world: &World) {
    assert_eq!(world.audit(&["world"]).violations, []);
    assert_eq!(*world.told_too_early.lock(), []);
}

fn events(world: &World) -> Vec<EventKind> {
    let records = world.journal.records(&market());
    let changes = records.into_iter().flat_map(|record| record.changes);
    changes
        .filter_map(|change| match change {
            kerb_trips::Change::Trip { event, .. } => Some(event.kind()),
            kerb_trips::Change::MarketPaused { .. } => None,
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_nearer_driver_takes_the_trip_over_and_the_first_is_told_and_free() {
    let (world, matcher, id) = asked(reoptimize()).await;
    let before = trip(&matcher, &id).await;
    assert_eq!((before.state, &before.driver), (TripState::EnRoute, &Some(driver("far"))));
    assert_eq!(before.steps.len(), 3, "the rider hears of it when it is so");
    assert_eq!(act(&matcher, "near", &id, DriverAction::Accept).await, TripState::EnRoute);
    assert_eq!(act(&matcher, "near", &id, DriverAction::Accept).await, TripState::EnRoute, "a repeat");
    let told = over(&world, "far", &id).await;
    assert_eq!(told, (TripState::EnRoute, "a nearer driver took it over".to_owned()));
    let after = trip(&matcher, &id).await;
    assert_eq!(
        (after.state, &after.driver, after.steps.len()),
        (TripState::EnRoute, &Some(driver("near")), 4)
    );
    assert_eq!(after.steps[3].note, StepNote::Reassigned { from: driver("far") });
    // What the first one says about it now is another's.
    for action in [DriverAction::Arrived, DriverAction::PickedUp, DriverAction::Accept] {
        let late = matcher.act(driver("far"), id.clone(), action).await.unwrap_err();
        assert_eq!(late.code(), ErrorCode::FailedPrecondition, "{late}");
    }
    // It is free, and takes the next trip.
    let next = matcher.request(wish("bert")).await.unwrap().id;
    world.offer_to("far", &next).await;
    act(&matcher, "far", &next, DriverAction::Accept).await;
    for action in [DriverAction::Arrived, DriverAction::PickedUp, DriverAction::DroppedOff] {
        act(&matcher, "near", &id, action).await;
    }
    let receipt = trip(&matcher, &id).await.receipt.unwrap();
    assert_eq!(
        (receipt.driver, receipt.accepted_ms >= after.times.offered_ms.unwrap()),
        (driver("near"), true)
    );
    judge(&world);
}

#[tokio::test(start_paused = true)]
async fn a_driver_who_says_no_or_nothing_changes_nothing_for_rider_and_driver() {
    for says_no in [true, false] {
        let (world, matcher, id) = asked(reoptimize()).await;
        if says_no {
            let decline = DriverAction::Decline { reason: "lunch".to_owned() };
            assert_eq!(act(&matcher, "near", &id, decline.clone()).await, TripState::EnRoute);
            assert_eq!(act(&matcher, "near", &id, decline).await, TripState::EnRoute, "a repeat");
        } else {
            pass(Duration::from_secs(16)).await;
            assert_eq!(over(&world, "near", &id).await.1, "the offer expired");
        }
        let kept = trip(&matcher, &id).await;
        assert_eq!((&kept.driver, &kept.returned_by), (&Some(driver("far")), &vec![driver("near")]));
        assert_eq!((kept.takeover_offer, kept.steps.len()), (None, 3));
        let late = matcher.act(driver("near"), id.clone(), DriverAction::Accept).await.unwrap_err();
        assert_eq!(late.code(), ErrorCode::FailedPrecondition, "{late}");
        // It is not asked again, and is free for another trip.
        pass(Duration::from_secs(5)).await;
        assert_eq!(trip(&matcher, &id).await.offers, 2);
        let next = matcher.request(wish("bert")).await.unwrap().id;
        world.offer_to("near", &next).await;
        assert_eq!(act(&matcher, "far", &id, DriverAction::Arrived).await, TripState::Arrived);
        judge(&world);
    }
}

/// Whatever ends being under way makes the query void, and the one who was asked hears it.
#[tokio::test(start_paused = true)]
async fn who_comes_first_wins_and_the_other_is_told() {
    for arrives in [true, false] {
        let (world, matcher, id) = asked(reoptimize()).await;
        if arrives {
            assert_eq!(act(&matcher, "far", &id, DriverAction::Arrived).await, TripState::Arrived);
        } else {
            matcher.cancel(rider("anna"), id.clone(), String::new()).await.unwrap();
        }
        assert_eq!(over(&world, "near", &id).await.1, "the offer was withdrawn");
        let late = matcher.act(driver("near"), id.clone(), DriverAction::Accept).await.unwrap_err();
        assert_eq!(late.code(), ErrorCode::FailedPrecondition, "{late}");
        let kept = trip(&matcher, &id).await;
        assert_eq!((&kept.driver, kept.takeover_offer), (&Some(driver("far")), None));
        judge(&world);
    }
}

#[tokio::test(start_paused = true)]
async fn a_driver_who_cannot_be_reached_is_as_one_who_says_no() {
    let world = World::new();
    world.put("far", 3_000.0);
    let matcher = world.start(reoptimize()).await;
    let id = matcher.request(wish("anna")).await.unwrap().id;
    world.offer_to("far", &id).await;
    act(&matcher, "far", &id, DriverAction::Accept).await;
    world.put("near", 100.0);
    world.change("near", |near| near.connected = false);
    let returned = async || events(&world).contains(&EventKind::ReassignmentReturned).then_some(());
    eventually("the offer comes back", returned).await;
    assert_eq!(trip(&matcher, &id).await.driver, Some(driver("far")));
    judge(&world);
}

/// A process that is replaced while a driver is asked: the next one knows it, and the answer counts.
#[tokio::test(start_paused = true)]
async fn a_query_outlives_its_matcher() {
    for snapshot in [false, true] {
        let options = Options { snapshot_every: if snapshot { 1 } else { 1_000_000 }, ..reoptimize() };
        let (world, matcher, id) = asked(options.clone()).await;
        if snapshot {
            matcher.shutdown().await;
        }
        let next = world.start(options).await;
        let news = next.connected(driver("near")).await.unwrap();
        assert!(
            matches!(&news, Some(DriverNotification::Assignment(task)) if task.state == TripState::Offered),
            "{news:?}"
        );
        let own = next.connected(driver("far")).await.unwrap();
        assert!(
            matches!(&own, Some(DriverNotification::Assignment(task)) if task.state == TripState::EnRoute),
            "{own:?}"
        );
        assert_eq!(act(&next, "near", &id, DriverAction::Accept).await, TripState::EnRoute);
        assert_eq!(trip(&next, &id).await.driver, Some(driver("near")));
        over(&world, "far", &id).await;
        judge(&world);
    }
}

/// Neither a trip nor a driver is disturbed again and again, also by the matcher after this one.
#[tokio::test(start_paused = true)]
async fn a_trip_is_taken_over_once_and_a_driver_is_spared_for_a_while() {
    let (world, matcher, id) = asked(Options { reoptimize_cooldown_s: 200, ..reoptimize() }).await;
    world.change("near", |near| near.position = north(2_000.0));
    act(&matcher, "near", &id, DriverAction::Accept).await;
    world.put("nearest", 50.0);
    pass(Duration::from_secs(20)).await;
    assert_eq!(trip(&matcher, &id).await.offers, 2, "the trip was taken over once");
    // The driver who lost it takes another, and keeps it although somebody is nearer.
    world.change("nearest", |nearest| nearest.connected = false);
    let bert = matcher.request(wish("bert")).await.unwrap().id;
    world.offer_to("far", &bert).await;
    act(&matcher, "far", &bert, DriverAction::Accept).await;
    world.put("fresh", 60.0);
    pass(Duration::from_secs(100)).await;
    assert!(world.news_of("fresh").is_none(), "the driver is cooldowns");
    let matcher = {
        matcher.shutdown().await;
        world.start(Options { reoptimize_cooldown_s: 200, ..reoptimize() }).await
    };
    pass(Duration::from_mins(1)).await;
    assert!(world.news_of("fresh").is_none(), "the driver is cooldowns still");
    world.offer_to("fresh", &bert).await;
    drop(matcher);
    judge(&world);
}

/// What nobody asked for does not happen.
#[tokio::test(start_paused = true)]
async fn without_the_policy_nobody_is_asked_to_take_a_trip_over() {
    let world = World::new();
    world.put("far", 3_000.0);
    let matcher = world.start(options()).await;
    let id = matcher.request(wish("anna")).await.unwrap().id;
    world.offer_to("far", &id).await;
    act(&matcher, "far", &id, DriverAction::Accept).await;
    world.put("near", 100.0);
    pass(Duration::from_mins(1)).await;
    assert!(world.news_of("near").is_none());
    assert_eq!(trip(&matcher, &id).await.driver, Some(driver("far")));
}
