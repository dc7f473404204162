//! Two matchers on the same journals: whoever starts ends the other, in all markets, and knows what it promised.

use std::sync::Arc;
use std::time::Duration;

use kerb_matcher::{Matcher, Options, StartError};
use kerb_ports::{DriverAction, DriverEvents, ErrorCode};
use kerb_trips::{Change, MarketId, Record, RideRequest, TripEvent, TripId, TripState};

use crate::fake_journal::{Fault, Rival};
use crate::fakes::{World, driver, north, north_and_south, options, rider, wish};
use crate::simulated_time::{NOW_MS, eventually, pass};

fn two_markets() -> Options {
    Options { markets: north_and_south(), ..options() }
}

fn market(name: &str) -> MarketId {
    MarketId::new(name).unwrap()
}

fn in_south(name: &str) -> RideRequest {
    RideRequest { pickup: north(-200.0), ..wish(name) }
}

fn record(changes: Vec<Change>) -> Record {
    Record { at_ms: NOW_MS, matcher: "rival".to_owned(), changes }
}

/// A driver accepts a trip in the north.
fn promise(name: &str) -> Record {
    let trip = TripId { market: market("north"), number: 1 };
    let driver = driver(name);
    let offered = TripEvent::Offered {
        driver: driver.clone(),
        pickup_eta_s: 10,
        travel_source: None,
        expires_ms: NOW_MS + 15_000,
    };
    let events =
        [TripEvent::Requested(Box::new(wish("rivals-rider"))), offered, TripEvent::Accepted { driver }];
    record(events.map(|event| Change::Trip { trip: trip.clone(), event }).into())
}

async fn state(matcher: &Matcher, name: &str, trip: &TripId) -> TripState {
    matcher.trip(rider(name), trip.clone()).await.unwrap().state
}

/// The journals hold, and the driver is on the one trip in the north.
fn judge(world: &World) {
    assert_eq!(world.audit(&["north", "south"]).violations, []);
    assert_eq!(*world.told_too_early.lock(), []);
}

#[tokio::test(start_paused = true)]
async fn whoever_starts_ends_the_other_before_it_can_promise_anything() {
    for name in ["matcher-0", "matcher-1"] {
        let world = World::new();
        let old = world.start(two_markets()).await;
        let before = old.request(wish("anna")).await.unwrap().id;
        let new = Matcher::start(two_markets(), world.ports(name)).await.unwrap();
        // Both would give the driver away: the old one in the north, the new one in the south.
        world.put("only", 0.0);
        let south = new.request(in_south("bert")).await.unwrap().id;
        pass(Duration::from_secs(10)).await;
        for wish in [wish("carl"), in_south("carl")] {
            assert_eq!(old.request(wish).await.unwrap_err().code(), ErrorCode::Unavailable, "{name}");
        }
        assert!(state(&new, "anna", &before).await.is_live() && state(&new, "bert", &south).await.is_live());
        judge(&world);
    }
}

/// The rival works on while the new matcher starts: before the fence of the north it promises the driver; and before
/// the fence of the south, which means that it was fenced in the north and has taken that over again.
#[tokio::test(start_paused = true)]
async fn what_a_rival_promises_during_the_start_is_known_in_every_market() {
    for before in ["north", "south"] {
        let world = World::new();
        world.put("only", 0.0);
        let rival = Rival {
            before: market(before),
            market: market("north"),
            record: promise("only"),
            for_ever: false,
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
        // The promise goes on under the new matcher, and then the driver is free.
        let promised = TripId { market: market("north"), number: 1 };
        for action in [DriverAction::PickedUp, DriverAction::DroppedOff] {
            matcher.act(driver("only"), promised.clone(), action).await.unwrap();
        }
        world.offer_to("only", &trip).await;
        judge(&world);
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_against_a_rival_that_never_rests_is_given_up() {
    let world = World::new();
    let (before, market) = (market("south"), market("south"));
    let rival = Rival { before, market, record: record(Vec::new()), for_ever: true };
    world.journal.rivals.lock().push(rival);
    let error = Matcher::start(two_markets(), world.ports("matcher-0")).await.err().unwrap();
    assert!(matches!(error, StartError::Contested { tries: 32, .. }), "{error}");
    let text = error.to_string();
    assert!(text.starts_with("market south cannot be taken over after 32 tries: "), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_start_gets_over_a_fence_that_is_lost_or_not_answered() {
    for fault in [Fault::Lost, Fault::Unanswered] {
        let world = World::new();
        *world.journal.fault.lock() = Some(fault);
        let matcher = world.start(two_markets()).await;
        assert_eq!(matcher.request(wish("anna")).await.unwrap().id.number, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn who_loses_one_market_leaves_all_of_them() {
    let world = World::new();
    let matcher = world.start(two_markets()).await;
    let south = matcher.request(in_south("anna")).await.unwrap().id;
    // A rival of the north alone: nothing is written in the south.
    world.journal.write(&market("north"), record(Vec::new())).await;
    assert_eq!(matcher.request(wish("bert")).await.unwrap_err().code(), ErrorCode::Unavailable);
    world.put("only", 0.0);
    pass(Duration::from_secs(10)).await;
    let why = "another matcher has taken market north over";
    for trip in [matcher.trip(rider("anna"), south).await, matcher.request(in_south("carl")).await] {
        let error = trip.unwrap_err();
        assert!(error.to_string().ends_with(why), "{error}");
    }
    assert!(world.news_of("only").is_none());
    assert_eq!(world.journal.records(&market("south")).len(), 2, "a fence and a request");
}

/// The old matcher does not see a conflict: its record is lost, and what it reads then is the new one's.
#[tokio::test(start_paused = true)]
async fn who_reads_a_rivals_record_is_over_even_if_the_rival_has_the_same_name() {
    let world = World::new();
    let old = world.start(two_markets()).await;
    let new = world.start(two_markets()).await;
    *world.journal.fault.lock() = Some(Fault::Lost);
    assert_eq!(old.request(wish("anna")).await.unwrap_err().code(), ErrorCode::Unavailable);
    let closed = eventually("the old one is over", async || {
        let error = old.request(in_south("anna")).await.err()?;
        error.to_string().ends_with("another matcher has taken market north over").then_some(())
    });
    closed.await;
    assert_eq!(new.request(wish("anna")).await.unwrap().id.number, 1);
    assert_eq!(new.request(in_south("bert")).await.unwrap().id.number, 1);
}

/// While a market is read again, no other one finds its drivers free.
#[tokio::test(start_paused = true)]
async fn a_market_that_is_read_again_keeps_its_drivers() {
    let world: Arc<World> = World::new();
    world.put("only", 0.0);
    let matcher = world.start(two_markets()).await;
    let trip = matcher.request(wish("anna")).await.unwrap().id;
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
    judge(&world);
}
