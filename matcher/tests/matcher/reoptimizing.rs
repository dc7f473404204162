//! Takeovers by a nearer driver: notifications, and races with other actions.

use std::sync::Arc;
use std::time::Duration;

use kerb_assignment::Policy;
use kerb_matcher::{Matcher, Options};
use kerb_ports::{DriverAction, DriverEvents, DriverNotification, ErrorCode};
use kerb_trips::{EventKind, StepNote, Trip, TripId, TripState};

use crate::fakes::simulated_time::{eventually, pass};
use crate::fakes::{World, driver, market, north, options, ride_request, rider};

fn reoptimize() -> Options {
    Options { policy: Policy::Reoptimize, ..options() }
}

async fn act(matcher: &Matcher, name: &str, trip: &TripId, action: DriverAction) -> TripState {
    matcher.act(driver(name), trip.clone(), action).await.unwrap()
}

async fn trip(matcher: &Matcher, trip: &TripId) -> Trip {
    matcher.trip(rider("anna"), trip.clone()).await.unwrap()
}

async fn ended(world: &World, name: &str, trip: &TripId) -> (TripState, String) {
    let notified = async || match world.last_notification(name) {
        Some(DriverNotification::Ended { trip: of, state, reason: why }) if of == *trip => Some((state, why)),
        _ => None,
    };
    eventually(&format!("{name} is notified"), notified).await
}

/// `far` is 300 s away and has accepted. Then `near` appears 10 s away, and gets a takeover offer.
async fn with_takeover_offer(options: Options) -> (Arc<World>, Matcher, TripId) {
    let world = World::new();
    world.put("far", 3_000.0);
    let matcher = world.start(options).await;
    let id = matcher.request(ride_request("anna")).await.unwrap().id;
    world.offer_to("far", &id).await;
    act(&matcher, "far", &id, DriverAction::Accept).await;
    world.put("near", 100.0);
    let assignment = world.offer_to("near", &id).await;
    assert_eq!((assignment.state, assignment.pickup_eta_s), (TripState::Offered, 10));
    (world, matcher, id)
}

/// Checks that the audit finds no violation, and that no notification came before its record.
fn check_journal(world: &World) {
    assert_eq!(world.audit(&["world"]).violations, []);
    assert_eq!(*world.notified_too_early.lock(), []);
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
async fn a_nearer_driver_takes_over_and_the_first_is_notified_and_free() {
    let (world, matcher, id) = with_takeover_offer(reoptimize()).await;
    let before = trip(&matcher, &id).await;
    assert_eq!((before.state, &before.driver), (TripState::EnRoute, &Some(driver("far"))));
    assert_eq!(before.steps.len(), 3, "the rider sees a change only after the takeover");
    assert_eq!(act(&matcher, "near", &id, DriverAction::Accept).await, TripState::EnRoute);
    assert_eq!(act(&matcher, "near", &id, DriverAction::Accept).await, TripState::EnRoute, "a repeat");
    let end = ended(&world, "far", &id).await;
    assert_eq!(end, (TripState::EnRoute, "a nearer driver took it over".to_owned()));
    let after = trip(&matcher, &id).await;
    assert_eq!(
        (after.state, &after.driver, after.steps.len()),
        (TripState::EnRoute, &Some(driver("near")), 4)
    );
    assert_eq!(after.steps[3].note, StepNote::Reassigned { from: driver("far") });
    // The trip rejects further actions of the first driver.
    for action in [DriverAction::Arrived, DriverAction::PickedUp, DriverAction::Accept] {
        let late = matcher.act(driver("far"), id.clone(), action).await.unwrap_err();
        assert_eq!(late.code(), ErrorCode::FailedPrecondition, "{late}");
    }
    // The first driver is free, and takes the next trip.
    let next = matcher.request(ride_request("bert")).await.unwrap().id;
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
    check_journal(&world);
}

#[tokio::test(start_paused = true)]
async fn a_declined_or_expired_takeover_offer_changes_nothing_for_rider_and_driver() {
    for declines in [true, false] {
        let (world, matcher, id) = with_takeover_offer(reoptimize()).await;
        if declines {
            let decline = DriverAction::Decline { reason: "lunch".to_owned() };
            assert_eq!(act(&matcher, "near", &id, decline.clone()).await, TripState::EnRoute);
            assert_eq!(act(&matcher, "near", &id, decline).await, TripState::EnRoute, "a repeat");
        } else {
            pass(Duration::from_secs(16)).await;
            assert_eq!(ended(&world, "near", &id).await.1, "the offer expired");
        }
        let kept = trip(&matcher, &id).await;
        let declined_by = if declines { vec![driver("near")] } else { vec![] };
        assert_eq!((&kept.driver, &kept.declined_by), (&Some(driver("far")), &declined_by));
        assert_eq!((kept.takeover_offer, kept.steps.len()), (None, 3));
        let late = matcher.act(driver("near"), id.clone(), DriverAction::Accept).await.unwrap_err();
        assert_eq!(late.code(), ErrorCode::FailedPrecondition, "{late}");
        // The driver gets no second offer of the trip, and is free for another one.
        pass(Duration::from_secs(5)).await;
        assert_eq!(trip(&matcher, &id).await.offers, 2);
        let next = matcher.request(ride_request("bert")).await.unwrap().id;
        world.offer_to("near", &next).await;
        assert_eq!(act(&matcher, "far", &id, DriverAction::Arrived).await, TripState::Arrived);
        check_journal(&world);
    }
}

/// When the trip is no longer en route, the takeover offer is withdrawn, and its driver is notified.
#[tokio::test(start_paused = true)]
async fn the_first_action_wins_and_the_other_driver_is_notified() {
    for arrives in [true, false] {
        let (world, matcher, id) = with_takeover_offer(reoptimize()).await;
        if arrives {
            assert_eq!(act(&matcher, "far", &id, DriverAction::Arrived).await, TripState::Arrived);
        } else {
            matcher.cancel(rider("anna"), id.clone(), String::new()).await.unwrap();
        }
        assert_eq!(ended(&world, "near", &id).await.1, "the offer was withdrawn");
        let late = matcher.act(driver("near"), id.clone(), DriverAction::Accept).await.unwrap_err();
        assert_eq!(late.code(), ErrorCode::FailedPrecondition, "{late}");
        let kept = trip(&matcher, &id).await;
        assert_eq!((&kept.driver, kept.takeover_offer), (&Some(driver("far")), None));
        check_journal(&world);
    }
}

#[tokio::test(start_paused = true)]
async fn an_undeliverable_takeover_offer_is_returned() {
    let world = World::new();
    world.put("far", 3_000.0);
    let matcher = world.start(reoptimize()).await;
    let id = matcher.request(ride_request("anna")).await.unwrap().id;
    world.offer_to("far", &id).await;
    act(&matcher, "far", &id, DriverAction::Accept).await;
    world.put("near", 100.0);
    world.change("near", |near| near.connected = false);
    let returned = async || events(&world).contains(&EventKind::ReassignmentReturned).then_some(());
    eventually("the offer comes back", returned).await;
    assert_eq!(trip(&matcher, &id).await.driver, Some(driver("far")));
    check_journal(&world);
}

/// A takeover offer stays open when the matcher is replaced.
#[tokio::test(start_paused = true)]
async fn a_takeover_offer_outlives_its_matcher() {
    for snapshot in [false, true] {
        let options = Options { snapshot_every: if snapshot { 1 } else { 1_000_000 }, ..reoptimize() };
        let (world, matcher, id) = with_takeover_offer(options.clone()).await;
        if snapshot {
            matcher.shutdown().await;
        }
        let next = world.start(options).await;
        let takeover = next.connected(driver("near")).await.unwrap();
        assert!(
            matches!(&takeover, Some(DriverNotification::Assignment(trip)) if trip.state == TripState::Offered),
            "{takeover:?}"
        );
        let own = next.connected(driver("far")).await.unwrap();
        assert!(
            matches!(&own, Some(DriverNotification::Assignment(trip)) if trip.state == TripState::EnRoute),
            "{own:?}"
        );
        assert_eq!(act(&next, "near", &id, DriverAction::Accept).await, TripState::EnRoute);
        assert_eq!(trip(&next, &id).await.driver, Some(driver("near")));
        ended(&world, "far", &id).await;
        check_journal(&world);
    }
}

/// The limits of reassignments hold for the next matcher, too.
#[tokio::test(start_paused = true)]
async fn a_trip_is_reassigned_once_and_its_driver_has_a_cooldown() {
    let (world, matcher, id) =
        with_takeover_offer(Options { reoptimize_cooldown_s: 200, ..reoptimize() }).await;
    world.change("near", |near| near.position = north(2_000.0));
    act(&matcher, "near", &id, DriverAction::Accept).await;
    world.put("nearest", 50.0);
    pass(Duration::from_secs(20)).await;
    assert_eq!(trip(&matcher, &id).await.offers, 2, "the trip was taken over once");
    // The driver who lost it takes another trip, and keeps it although another driver is nearer.
    world.change("nearest", |nearest| nearest.connected = false);
    let bert = matcher.request(ride_request("bert")).await.unwrap().id;
    world.offer_to("far", &bert).await;
    act(&matcher, "far", &bert, DriverAction::Accept).await;
    world.put("fresh", 60.0);
    pass(Duration::from_secs(100)).await;
    assert!(world.last_notification("fresh").is_none(), "the cooldown is active");
    let matcher = {
        matcher.shutdown().await;
        world.start(Options { reoptimize_cooldown_s: 200, ..reoptimize() }).await
    };
    pass(Duration::from_mins(1)).await;
    assert!(world.last_notification("fresh").is_none(), "the cooldown is still active");
    world.offer_to("fresh", &bert).await;
    drop(matcher);
    check_journal(&world);
}

#[tokio::test(start_paused = true)]
async fn another_policy_makes_no_takeover_offers() {
    let world = World::new();
    world.put("far", 3_000.0);
    let matcher = world.start(options()).await;
    let id = matcher.request(ride_request("anna")).await.unwrap().id;
    world.offer_to("far", &id).await;
    act(&matcher, "far", &id, DriverAction::Accept).await;
    world.put("near", 100.0);
    pass(Duration::from_mins(1)).await;
    assert!(world.last_notification("near").is_none());
    assert_eq!(trip(&matcher, &id).await.driver, Some(driver("far")));
}
