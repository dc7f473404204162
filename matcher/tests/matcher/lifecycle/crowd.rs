//! Many drivers and many riders at one place: an unavailable driver is no candidate.

use std::time::Duration;

use kerb_trips::{RideRequest, TripState};
use kerb_types::Millis;

use super::{act, state};
use crate::fakes::simulated_time::pass;
use crate::fakes::{World, driver, options, ride_request};
use kerb_ports::{DriverAction, DriverEvents};

/// Seventy drivers at the pickup have offers, and their apps go on saying AVAILABLE. One more is free 500 m off.
#[tokio::test(start_paused = true)]
async fn reserved_drivers_at_the_pickup_hide_no_free_one() {
    let world = World::new();
    for number in 0..70 {
        world.put(&format!("near-{number:02}"), 10.0 + f64::from(number));
    }
    world.put("free", 500.0);
    let matcher = world.start(options()).await;
    let mut trips = Vec::new();
    for number in 0..71 {
        let rider = format!("rider-{number}");
        trips.push((rider.clone(), matcher.request(ride_request(&rider)).await.unwrap().id));
    }
    // Three windows.
    pass(Duration::from_millis(3_200)).await;
    for (rider, trip) in &trips {
        assert_eq!(state(&matcher, rider, trip).await, TripState::Offered, "{rider}");
    }
    matcher.shutdown().await;
}

/// More drivers than one search returns hold trips nearer than the free one.
#[tokio::test(start_paused = true)]
async fn a_late_rider_finds_the_driver_behind_the_busy_ones() {
    let world = World::new();
    for number in 0..200 {
        world.put(&format!("busy-{number:03}"), 1.0 + f64::from(number));
    }
    let matcher = world.start(options()).await;
    for number in 0..200 {
        matcher.request(ride_request(&format!("early-{number}"))).await.unwrap();
    }
    pass(Duration::from_secs(4)).await;
    assert_eq!(world.notifications.lock().len(), 200, "every driver has an offer");
    world.put("free", 900.0);
    let trip = matcher.request(ride_request("late")).await.unwrap().id;
    pass(Duration::from_secs(2)).await;
    assert!(world.last_notification("free").is_some());
    assert_eq!(state(&matcher, "late", &trip).await, TripState::Offered);
    matcher.shutdown().await;
}

/// Forty drivers without a stream are nearer than the only app. Each gets one offer at most before the app gets one.
#[tokio::test(start_paused = true)]
async fn unreachable_drivers_do_not_take_turns() {
    let world = World::new();
    for number in 0..40 {
        let name = format!("gateway-{number:02}");
        world.put(&name, 10.0 + f64::from(number));
        world.change(&name, |fake| fake.connected = false);
    }
    world.put("app", 300.0);
    let matcher = world.start(options()).await;
    let patient = RideRequest { wait_max_ms: Millis::new(3_600_000), ..ride_request("anna") };
    let trip = matcher.request(patient).await.unwrap().id;
    pass(Duration::from_secs(40)).await;
    world.offer_to("app", &trip).await;
    assert_eq!(act(&matcher, "app", &trip, DriverAction::Accept).await, TripState::EnRoute);
    // The next rider has only the app's neighbors left, all of them unreachable.
    let other = matcher.request(ride_request("bert")).await.unwrap().id;
    pass(Duration::from_secs(3)).await;
    let waiting = matcher.trip(crate::fakes::rider("bert"), other).await.unwrap();
    assert_eq!((waiting.state, waiting.offers), (TripState::Requested, 0));
    assert!(matcher.connected(driver("gateway-00")).await.unwrap().is_none());
    matcher.shutdown().await;
}
