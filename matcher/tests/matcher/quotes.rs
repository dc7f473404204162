use kerb_geometry::LatLng;
use kerb_matcher::{Options, QuoteRequest};
use kerb_ports::{DriverAction, DriverEvents, ErrorCode, Eta};
use kerb_types::{Capabilities, DriverStatus, Millis, TravelSource, VehicleClass};

use crate::fakes::{World, driver, market, north, north_and_south, options, ride_request};

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
async fn a_quote_has_the_nearest_free_driver_by_eta_and_the_ride() {
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
    assert_eq!(quote.dropoff_ms(), Some(quote.at_ms + Millis::new(350_000)));
    assert_eq!((quote.at_ms, quote.valid_until_ms), (world.now(), world.now() + Millis::new(7_000)));
    assert!(!quote.pickup_incomplete);

    // A quote reserves no driver. A trip does, whatever status the driver reports.
    let trip = matcher.request(ride_request("anna")).await.unwrap().id;
    world.offer_to("nearest", &trip).await;
    matcher.act(driver("nearest"), trip, DriverAction::Accept).await.unwrap();
    let quote = matcher.quote(query()).await.unwrap();
    assert_eq!(quote.pickup, Some(straight(100)));

    let needs = QuoteRequest { capabilities: Capabilities(1), ..query() };
    let quote = matcher.quote(needs).await.unwrap();
    assert_eq!((quote.pickup, quote.dropoff_ms(), quote.pickup_incomplete), (None, None, false));
    assert_eq!(quote.ride.eta, straight(300), "the ride has a travel time without a driver, too");
}

/// The first search only has reserved drivers, so the quote searches further.
#[tokio::test(start_paused = true)]
async fn reserved_drivers_are_skipped() {
    let world = World::new();
    let matcher = world.start(Options { rider_live_max: 100, ..options() }).await;
    for number in 0..9 {
        let name = format!("busy-{number}");
        world.put(&name, 100.0 + f64::from(number));
        let mut request = ride_request("anna");
        request.key = kerb_trips::IdempotencyKey::new(&name).unwrap();
        let trip = matcher.request(request).await.unwrap().id;
        world.offer_to(&name, &trip).await;
        matcher.act(driver(&name), trip, DriverAction::Accept).await.unwrap();
    }
    let quote = matcher.quote(query()).await.unwrap();
    assert_eq!((quote.pickup, quote.pickup_incomplete), (None, false), "the search read all drivers");
    world.put("free", 2_000.0);
    assert_eq!(matcher.quote(query()).await.unwrap().pickup, Some(straight(200)));
    *world.complete.lock() = false;
    assert!(matcher.quote(query()).await.unwrap().pickup_incomplete);
}

#[tokio::test(start_paused = true)]
async fn a_driver_who_is_too_far_for_an_offer_is_not_quoted() {
    let world = World::new();
    // The search radius is 10 km. The maximum travel time of 500 s is 5 km at 10 m/s.
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
async fn concurrent_quotes_are_bounded() {
    let world = World::new();
    let matcher = world.start(Options { quotes_max: 1, ..options() }).await;
    let (first, second) = tokio::join!(matcher.quote(query()), matcher.quote(query()));
    assert!(first.is_ok());
    assert_eq!(second.unwrap_err().code(), ErrorCode::Overloaded);
    assert!(matcher.quote(query()).await.is_ok());
}
