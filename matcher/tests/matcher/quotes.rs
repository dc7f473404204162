use kerb_geometry::LatLng;
use kerb_matcher::{Options, QuoteRequest};
use kerb_ports::{DriverAction, DriverEvents, ErrorCode, Eta};
use kerb_types::{Capabilities, DriverStatus, TravelSource, VehicleClass};

use crate::fakes::{World, driver, market, north, north_and_south, options, wish};

fn query() -> QuoteRequest {
    QuoteRequest {
        pickup: north(0.0),
        dropoff: north(3_000.0),
        vehicle_class: VehicleClass(0),
        capabilities: Capabilities(0),
        party_size: 1,
    }
}

fn straight(time_s: u32) -> Eta {
    Eta { time_s, source: TravelSource::StraightLine }
}

#[tokio::test(start_paused = true)]
async fn a_quote_is_the_soonest_free_driver_and_the_way() {
    let world = World::new();
    let matcher = world.start(Options { quote_valid_ms: 7_000, ..options() }).await;
    for (name, north_m) in [("nearest", 500.0), ("near", 1_000.0), ("other-class", 10.0), ("break", 20.0)] {
        world.put(name, north_m);
    }
    world.change("other-class", |fake| fake.class = 1);
    world.change("break", |fake| fake.status = DriverStatus::OnBreak);
    let quote = matcher.quote(query()).await.unwrap();
    assert_eq!((quote.pickup, &quote.market), (Some(straight(50)), &market()));
    assert_eq!((quote.ride.eta, quote.ride.length_m.round()), (straight(300), 3_000.0));
    assert_eq!(quote.dropoff_ms(), Some(quote.at_ms + 350_000));
    assert_eq!((quote.at_ms, quote.valid_until_ms), (world.now_ms(), world.now_ms() + 7_000));
    assert!(!quote.pickup_incomplete);

    // A quote keeps nobody; a trip does, whatever the driver's own status says.
    let trip = matcher.request(wish("anna")).await.unwrap().id;
    world.offer_to("nearest", &trip).await;
    matcher.act(driver("nearest"), trip, DriverAction::Accept).await.unwrap();
    let quote = matcher.quote(query()).await.unwrap();
    assert_eq!(quote.pickup, Some(straight(100)));

    let needs = QuoteRequest { capabilities: Capabilities(1), ..query() };
    let quote = matcher.quote(needs).await.unwrap();
    assert_eq!((quote.pickup, quote.dropoff_ms(), quote.pickup_incomplete), (None, None, false));
    assert_eq!(quote.ride.eta, straight(300), "the way is told without a driver too");
}

/// More promised drivers than the first query asks for: it asks for more until somebody is free.
#[tokio::test(start_paused = true)]
async fn drivers_who_are_promised_are_passed_over() {
    let world = World::new();
    let matcher = world.start(Options { rider_live_max: 100, ..options() }).await;
    for number in 0..9 {
        let name = format!("busy-{number}");
        world.put(&name, 100.0 + f64::from(number));
        let mut wish = wish("anna");
        wish.key = kerb_trips::IdempotencyKey::new(&name).unwrap();
        let trip = matcher.request(wish).await.unwrap().id;
        world.offer_to(&name, &trip).await;
        matcher.act(driver(&name), trip, DriverAction::Accept).await.unwrap();
    }
    let quote = matcher.quote(query()).await.unwrap();
    assert_eq!((quote.pickup, quote.pickup_incomplete), (None, false), "all of them were looked at");
    world.put("free", 2_000.0);
    assert_eq!(matcher.quote(query()).await.unwrap().pickup, Some(straight(200)));
    *world.complete.lock() = false;
    assert!(matcher.quote(query()).await.unwrap().pickup_incomplete);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_quoted_who_would_not_be_sent() {
    let world = World::new();
    // Looked at within 10 km; who needs more than 500 s is not sent, which at 10 m/s are 5 km.
    let matcher = world.start(Options { pickup_max_s: 500, speed_kmh: 72.0, ..options() }).await;
    world.put("far", 5_001.0);
    assert_eq!(matcher.quote(query()).await.unwrap().pickup, None);
    world.put("near-enough", 4_999.0);
    assert_eq!(matcher.quote(query()).await.unwrap().pickup, Some(straight(500)));
}

#[tokio::test(start_paused = true)]
async fn a_market_that_takes_no_requests_quotes_none() {
    let world = World::new();
    let matcher = world.start(Options { markets: north_and_south(), ..options() }).await;
    let north = matcher.quote(query()).await.unwrap().market;
    matcher.set_paused(&north, true).await.unwrap();
    let paused = matcher.quote(query()).await.unwrap_err();
    assert_eq!(paused.code(), ErrorCode::FailedPrecondition, "{paused}");
    let outside = QuoteRequest { pickup: LatLng::new(0.0, 0.0).unwrap(), ..query() };
    let outside = matcher.quote(outside).await.unwrap_err();
    assert!(outside.to_string().contains("outside every market"), "{outside}");
}

#[tokio::test(start_paused = true)]
async fn quotes_at_one_time_are_bounded() {
    let world = World::new();
    let matcher = world.start(Options { quotes_max: 1, ..options() }).await;
    let (first, second) = tokio::join!(matcher.quote(query()), matcher.quote(query()));
    assert!(first.is_ok());
    assert_eq!(second.unwrap_err().code(), ErrorCode::Overloaded);
    assert!(matcher.quote(query()).await.is_ok());
}
