//! A rider's keys and limits hold over all markets, and a key is kept longer than its trip.

use std::time::Duration;

use kerb_matcher::Options;
use kerb_ports::ErrorCode;
use kerb_trips::{IdempotencyKey, RideRequest, TripState};

use crate::fakes::simulated_time::pass;
use crate::fakes::{World, north, north_and_south, options, ride_request};

/// The pickups are 40 cm apart, on both sides of the border of two markets.
#[tokio::test(start_paused = true)]
async fn a_key_makes_one_trip_across_a_border_of_markets() {
    let world = World::new();
    let options = Options { markets: north_and_south(), ..options() };
    let matcher = world.start(options.clone()).await;
    let at = |m: f64, key: &str| RideRequest {
        pickup: north(m),
        key: IdempotencyKey::new(key).unwrap(),
        ..ride_request("anna")
    };
    let first = matcher.request(at(-0.2, "k")).await.unwrap();
    let error = matcher.request(at(0.2, "k")).await.unwrap_err();
    assert_eq!(error.to_string(), "idempotency_key: \"k\" was used for another request, must be a new one");
    assert_eq!(matcher.request(at(-0.2, "k")).await.unwrap().id, first.id, "a repeat returns the first trip");
    // The limit of three live trips counts both markets.
    matcher.request(at(0.2, "l")).await.unwrap();
    matcher.request(at(0.2, "m")).await.unwrap();
    for m in [-0.2, 0.2] {
        assert_eq!(matcher.request(at(m, "n")).await.unwrap_err().code(), ErrorCode::Overloaded);
    }
    matcher.shutdown().await;
    // The same after a restart.
    let matcher = world.start(options).await;
    assert_eq!(matcher.request(at(0.2, "k")).await.unwrap_err().code(), ErrorCode::Invalid);
    assert_eq!(matcher.request(at(0.2, "n")).await.unwrap_err().code(), ErrorCode::Overloaded);
    matcher.shutdown().await;
}

/// The trip can be read for an hour, and its key makes no second trip for a day.
#[tokio::test(start_paused = true)]
async fn a_key_is_kept_longer_than_its_trip() {
    let world = World::new();
    let options = Options { snapshot_every: 1, ..options() };
    let matcher = world.start(options.clone()).await;
    let trip = matcher.request(ride_request("anna")).await.unwrap();
    pass(Duration::from_mins(70)).await;
    assert_eq!(matcher.request(ride_request("anna")).await.unwrap_err().code(), ErrorCode::Invalid);
    matcher.shutdown().await;
    let matcher = world.start(options).await;
    let error = matcher.request(ride_request("anna")).await.unwrap_err();
    let text = format!(
        "idempotency_key: \"first\" was used for trip {}, which has ended, must be a new one",
        trip.id
    );
    assert_eq!(error.to_string(), text);
    pass(Duration::from_hours(24)).await;
    assert_eq!(matcher.request(ride_request("anna")).await.unwrap().state, TripState::Requested);
    matcher.shutdown().await;
}
