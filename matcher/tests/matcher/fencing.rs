//! Two matchers on the same journals: the start of one stops the other in all markets and takes its reservations over.

use std::sync::Arc;
use std::time::Duration;

use kerb_matcher::{Matcher, Options, RecoveryError, StartError};
use kerb_ports::{DriverAction, DriverEvents, ErrorCode};
use kerb_trips::{Change, MarketId, Record, RideRequest, TripEvent, TripId, TripState};
use kerb_types::Millis;

use crate::fakes::journal::{Fault, Rival};
use crate::fakes::simulated_time::{NOW_MS, eventually, pass};
use crate::fakes::{World, driver, north, north_and_south, options, ride_request, rider};

fn two_markets() -> Options {
    Options { markets: north_and_south(), ..options() }
}

fn market(name: &str) -> MarketId {
    MarketId::new(name).unwrap()
}

fn in_south(name: &str) -> RideRequest {
    RideRequest { pickup: north(-200.0), ..ride_request(name) }
}

fn record(changes: Vec<Change>) -> Record {
    Record { at_ms: NOW_MS, matcher: "rival".to_owned(), changes }
}

/// A record in which a driver accepts a trip in the north.
fn accepted_trip(name: &str) -> Record {
    let trip = TripId { market: market("north"), number: 1 };
    let driver = driver(name);
    let offered = TripEvent::Offered {
        driver: driver.clone(),
        pickup_eta_s: 10,
        travel_source: None,
        expires_ms: NOW_MS + Millis::new(15_000),
    };
    let events = [
        TripEvent::Requested(Box::new(ride_request("rivals-rider"))),
        offered,
        TripEvent::Accepted { driver },
    ];
    record(events.map(|event| Change::Trip { trip: trip.clone(), event }).into())
}

async fn state(matcher: &Matcher, name: &str, trip: &TripId) -> TripState {
    matcher.trip(rider(name), trip.clone()).await.unwrap().state
}

/// Checks that the audit finds no violation, and that no notification came before its record.
fn check_journals(world: &World) {
    assert_eq!(world.audit(&["north", "south"]).violations, []);
    assert_eq!(*world.notified_too_early.lock(), []);
}

#[tokio::test(start_paused = true)]
async fn a_start_stops_the_other_matcher_before_it_can_reserve_a_driver() {
    for name in ["matcher-0", "matcher-1"] {
        let world = World::new();
        let old = world.start(two_markets()).await;
        let before = old.request(ride_request("anna")).await.unwrap().id;
        let new = Matcher::start(two_markets(), world.ports(name)).await.unwrap();
        // Both matchers want the driver: the old one in the north, the new one in the south.
        world.put("only", 0.0);
        let south = new.request(in_south("bert")).await.unwrap().id;
        pass(Duration::from_secs(10)).await;
        for request in [ride_request("carl"), in_south("carl")] {
            assert_eq!(old.request(request).await.unwrap_err().code(), ErrorCode::Unavailable, "{name}");
        }
        assert!(state(&new, "anna", &before).await.is_live() && state(&new, "bert", &south).await.is_live());
        check_journals(&world);
    }
}

/// The rival is active while the new matcher starts. It reserves the driver before the fence of the north, or before the
/// fence of the south; in the second case it was fenced in the north and has taken that market over again.
#[tokio::test(start_paused = true)]
async fn a_rivals_reservation_during_the_start_holds_in_every_market() {
    for before in ["north", "south"] {
        let world = World::new();
        world.put("only", 0.0);
        let rival = Rival {
            before: market(before),
            market: market("north"),
            record: accepted_trip("only"),
            repeats: false,
        };
        world.journal.rivals.lock().push(rival);
        let matcher = world.start(two_markets()).await;
        assert!(world.journal.rivals.lock().is_empty(), "the rival has written before the end of the start");
        let trip = matcher.request(in_south("bert")).await.unwrap().id;
        pass(Duration::from_secs(10)).await;
        assert_eq!(
            state(&matcher, "bert", &trip).await,
            TripState::Requested,
            "before the fence of {before}"
        );
        // The reservation continues under the new matcher until the drop-off.
        let reserved_trip = TripId { market: market("north"), number: 1 };
        for action in [DriverAction::PickedUp, DriverAction::DroppedOff] {
            matcher.act(driver("only"), reserved_trip.clone(), action).await.unwrap();
        }
        world.offer_to("only", &trip).await;
        check_journals(&world);
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_against_a_rival_that_always_writes_fails() {
    let world = World::new();
    let (before, market) = (market("south"), market("south"));
    let rival = Rival { before, market, record: record(Vec::new()), repeats: true };
    world.journal.rivals.lock().push(rival);
    let error = Matcher::start(two_markets(), world.ports("matcher-0")).await.err().unwrap();
    assert!(matches!(error, StartError::Recovery(RecoveryError::Contested { tries: 32, .. })), "{error}");
    let text = error.to_string();
    assert!(text.starts_with("market south cannot be taken over after 32 tries: "), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_start_survives_a_fence_that_is_lost_or_unanswered() {
    for fault in [Fault::Lost, Fault::Unanswered] {
        let world = World::new();
        *world.journal.fault.lock() = Some(fault);
        let matcher = world.start(two_markets()).await;
        assert_eq!(matcher.request(ride_request("anna")).await.unwrap().id.number, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_matcher_that_loses_one_market_stops_all_of_its_markets() {
    let world = World::new();
    let matcher = world.start(two_markets()).await;
    let south = matcher.request(in_south("anna")).await.unwrap().id;
    // A rival of the north alone: nothing is written in the south.
    world.journal.write(&market("north"), record(Vec::new())).await;
    assert_eq!(matcher.request(ride_request("bert")).await.unwrap_err().code(), ErrorCode::Unavailable);
    world.put("only", 0.0);
    pass(Duration::from_secs(10)).await;
    let why = "another matcher has taken market north over";
    for trip in [matcher.trip(rider("anna"), south).await, matcher.request(in_south("carl")).await] {
        let error = trip.unwrap_err();
        assert!(error.to_string().ends_with(why), "{error}");
    }
    assert!(world.last_notification("only").is_none());
    assert_eq!(world.journal.records(&market("south")).len(), 2, "a fence and a request");
}

/// The old matcher sees no conflict: its record is lost, and the resync reads the new matcher's record.
#[tokio::test(start_paused = true)]
async fn a_rivals_record_stops_the_matcher_even_if_the_rival_has_the_same_name() {
    let world = World::new();
    let old = world.start(two_markets()).await;
    let new = world.start(two_markets()).await;
    *world.journal.fault.lock() = Some(Fault::Lost);
    assert_eq!(old.request(ride_request("anna")).await.unwrap_err().code(), ErrorCode::Unavailable);
    let closed = eventually("the old one is over", async || {
        let error = old.request(in_south("anna")).await.err()?;
        error.to_string().ends_with("another matcher has taken market north over").then_some(())
    });
    closed.await;
    assert_eq!(new.request(ride_request("anna")).await.unwrap().id.number, 1);
    assert_eq!(new.request(in_south("bert")).await.unwrap().id.number, 1);
}

/// While a market is read again, its drivers stay reserved for the other market.
#[tokio::test(start_paused = true)]
async fn a_market_that_is_read_again_keeps_its_drivers() {
    let world: Arc<World> = World::new();
    world.put("only", 0.0);
    let matcher = world.start(two_markets()).await;
    let trip = matcher.request(ride_request("anna")).await.unwrap().id;
    world.offer_to("only", &trip).await;
    matcher.act(driver("only"), trip.clone(), DriverAction::Accept).await.unwrap();

    *world.journal.read_time.lock() = Duration::from_secs(20);
    *world.journal.fault.lock() = Some(Fault::Unanswered);
    let arrived = matcher.act(driver("only"), trip.clone(), DriverAction::Arrived).await;
    assert_eq!(arrived.unwrap_err().code(), ErrorCode::Unavailable);
    let south = matcher.request(in_south("bert")).await.unwrap().id;
    pass(Duration::from_secs(15)).await;
    assert_eq!(state(&matcher, "bert", &south).await, TripState::Requested);
    assert_eq!(matcher.act(driver("only"), trip, DriverAction::Arrived).await, Ok(TripState::Arrived));
    check_journals(&world);
}
