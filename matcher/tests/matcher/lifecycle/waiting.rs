//! How long a request waits for a window and for a driver, and whom a window serves first.

use std::time::Duration;

use kerb_matcher::Options;
use kerb_ports::DriverAction;
use kerb_trips::{RideRequest, TripState};
use tokio::time::Instant;

use super::{act, state};
use crate::fakes::simulated_time::pass;
use crate::fakes::{World, north, options, ride_request};

/// Drivers drive 10 m/s. A driver 6 km away is 600 s away, which a request takes after a third of the rise of 300 s.
#[tokio::test(start_paused = true)]
async fn a_request_waits_for_a_near_driver_and_then_takes_a_far_one() {
    let world = World::new();
    world.put("far", 6_000.0);
    let matcher = world.start(options()).await;
    let trip = matcher.request(ride_request("anna")).await.unwrap().id;
    pass(Duration::from_secs(95)).await;
    assert_eq!(state(&matcher, "anna", &trip).await, TripState::Requested);
    pass(Duration::from_secs(15)).await;
    assert_eq!(state(&matcher, "anna", &trip).await, TripState::Offered);
    assert!(world.last_notification("far").is_some());
    matcher.shutdown().await;

    let world = World::new();
    world.put("far", 6_000.0);
    let matcher = world.start(options()).await;
    let trip = matcher.request(ride_request("anna")).await.unwrap().id;
    pass(Duration::from_secs(50)).await;
    world.put("near", 1_000.0);
    world.offer_to("near", &trip).await;
    matcher.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_fixed_window_also_holds_for_a_lone_request() {
    let world = World::new();
    world.put("near", 100.0);
    let matcher = world.start(Options { window_min_ms: 5_000, window_max_ms: 5_000, ..options() }).await;
    let requested_at = Instant::now();
    let trip = matcher.request(ride_request("anna")).await.unwrap().id;
    world.offer_to("near", &trip).await;
    let waited = requested_at.elapsed();
    assert!((Duration::from_secs(5)..Duration::from_millis(5_200)).contains(&waited), "{waited:?}");
    matcher.shutdown().await;
}

/// Every driver who frees up is 200 s from Anna and next to a rider who has just come. A window that follows five offers
/// serves Anna first once she has waited for half of the rise.
#[tokio::test(start_paused = true)]
async fn a_far_rider_is_served_in_spite_of_ever_new_near_ones() {
    let world = World::new();
    let matcher = world.start(options()).await;
    let requested_at = Instant::now();
    let anna =
        matcher.request(RideRequest { pickup: north(2_000.0), ..ride_request("anna") }).await.unwrap().id;
    let mut near = 0;
    while state(&matcher, "anna", &anna).await != TripState::Offered {
        let waited = requested_at.elapsed();
        assert!(waited < Duration::from_secs(230), "Anna waits for {waited:?}, {near} others came after her");
        near += 1;
        let rider = format!("rider-{near}");
        let trip = matcher.request(ride_request(&rider)).await.unwrap().id;
        let driver = format!("driver-{near}");
        world.put(&driver, 0.0);
        pass(Duration::from_secs(10)).await;
        if state(&matcher, &rider, &trip).await == TripState::Offered {
            act(&matcher, &driver, &trip, DriverAction::Accept).await;
        }
    }
    assert!(requested_at.elapsed() >= Duration::from_secs(150), "the near ones go first until then");
    matcher.shutdown().await;
}
