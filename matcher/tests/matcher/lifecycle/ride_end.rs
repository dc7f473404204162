//! The end of a ride when positions are wrong, and when the driver's phone dies on board.

use std::sync::Arc;
use std::time::Duration;

use kerb_geometry::{LatLng, distance_m};
use kerb_matcher::{Matcher, Options};
use kerb_ports::{DriverAction, DriverEvents};
use kerb_trips::{TripId, TripState};

use super::{act, state};
use crate::fakes::simulated_time::pass;
use crate::fakes::{World, driver, north, options, ride_request, rider};

/// Brings a rider into the vehicle of the only driver.
async fn on_board(world: &Arc<World>, options: Options) -> (Matcher, TripId) {
    world.put("only", 0.0);
    let matcher = world.start(options).await;
    let trip = matcher.request(ride_request("anna")).await.unwrap().id;
    world.offer_to("only", &trip).await;
    for action in [DriverAction::Accept, DriverAction::Arrived, DriverAction::PickedUp] {
        act(&matcher, "only", &trip, action).await;
    }
    (matcher, trip)
}

#[tokio::test(start_paused = true)]
async fn a_position_at_zero_zero_is_not_on_the_receipt() {
    let world = World::new();
    let (matcher, trip) = on_board(&world, options()).await;
    for step in 1..=10 {
        world.change("only", |only| only.position = north(f64::from(step) * 100.0));
        pass(Duration::from_secs(10)).await;
        if step == 5 || step == 10 {
            world.change("only", |only| only.position = LatLng::new(0.0, 0.0).unwrap());
            pass(Duration::from_secs(3)).await;
        }
    }
    // The last position before the drop-off is a wrong one.
    act(&matcher, "only", &trip, DriverAction::DroppedOff).await;
    let receipt = matcher.trip(rider("anna"), trip).await.unwrap().receipt.unwrap();
    assert!((receipt.distance_m - 1_000.0).abs() < 1.0, "{}", receipt.distance_m);
    assert!(distance_m(receipt.dropoff, north(1_000.0)) < 1.0, "{:?}", receipt.dropoff);
    matcher.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_trip_ends_when_the_drivers_phone_stays_dead_on_board() {
    let world = World::new();
    let (matcher, trip) = on_board(&world, options()).await;
    world.change("only", |only| only.position = north(500.0));
    pass(Duration::from_mins(1)).await;
    world.change("only", |only| only.connected = false);
    matcher.disconnected(driver("only")).await.unwrap();
    pass(Duration::from_mins(29)).await;
    assert_eq!(state(&matcher, "anna", &trip).await, TripState::OnTrip);
    pass(Duration::from_mins(2)).await;
    let trip = matcher.trip(rider("anna"), trip).await.unwrap();
    assert_eq!(trip.state, TripState::Completed);
    let receipt = trip.receipt.unwrap();
    assert!((receipt.distance_m - 500.0).abs() < 1.0, "{}", receipt.distance_m);
    assert!(distance_m(receipt.dropoff, north(500.0)) < 1.0);
    matcher.shutdown().await;
}

/// A simulated city runs 30 times faster than the clock, so its vehicles are as much faster.
#[tokio::test(start_paused = true)]
async fn the_highest_plausible_speed_is_an_option() {
    for (vehicle_speed_max_kmh, counted_m) in [(7_500, 9_000.0), (250, 0.0)] {
        let world = World::new();
        let (matcher, trip) = on_board(&world, Options { vehicle_speed_max_kmh, ..options() }).await;
        for step in 1..=10 {
            world.change("only", |only| only.position = north(f64::from(step) * 900.0));
            pass(Duration::from_secs(3)).await;
        }
        act(&matcher, "only", &trip, DriverAction::DroppedOff).await;
        let receipt = matcher.trip(rider("anna"), trip).await.unwrap().receipt.unwrap();
        assert!((receipt.distance_m - counted_m).abs() < 1_000.0, "{}", receipt.distance_m);
        matcher.shutdown().await;
    }
}
