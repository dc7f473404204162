use std::time::Duration;

use kerb_matcher::Options;
use kerb_ports::{DriverAction, DriverEvents};
use kerb_trips::TripState;
use kerb_types::{Capabilities, DriverStatus, Millis, VehicleClass};

use crate::fakes::simulated_time::pass;
use crate::fakes::{World, driver, north, options, ride_request};

/// One driver for each filter, and the verdict on each driver.
#[tokio::test(start_paused = true)]
async fn each_driver_counts_at_the_first_filter_that_drops_it() {
    let world = World::new();
    // The search radius is 10 km; at the 36 km/h of this world, a driver within 5 km is near enough.
    let options = Options { pickup_start_s: 500, pickup_max_s: 500, speed_kmh: 72.0, ..options() };
    let matcher = world.start(options).await;
    world.put("busy", 10.0);
    let other = matcher.request(ride_request("other")).await.unwrap().id;
    world.offer_to("busy", &other).await;
    matcher.act(driver("busy"), other, DriverAction::Accept).await.unwrap();

    world.put("declines", 20.0);
    let mut request = ride_request("anna");
    request.vehicle_class = VehicleClass(1);
    request.capabilities = Capabilities(0b10);
    world.change("declines", |fake| (fake.class, fake.capabilities) = (1, 0b11));
    let trip = matcher.request(request.clone()).await.unwrap().id;
    world.offer_to("declines", &trip).await;
    let decline = DriverAction::Decline { reason: String::new() };
    matcher.act(driver("declines"), trip.clone(), decline).await.unwrap();
    world.change("busy", |fake| (fake.class, fake.capabilities) = (1, 0b10));

    let old_ms = world.now() - Millis::new(20_000);
    for (name, north_m) in [
        ("other-class", 30.0),
        ("lacks", 40.0),
        ("old", 50.0),
        ("break", 60.0),
        ("rides", 70.0),
        ("far", 5_001.0),
        ("farther", 6_000.0),
        ("outside", 20_000.0),
    ] {
        world.put(name, north_m);
        world.change(name, |fake| (fake.class, fake.capabilities) = (1, 0b10));
    }
    world.change("other-class", |fake| fake.class = 2);
    world.change("lacks", |fake| fake.capabilities = 0b01);
    world.change("old", |fake| fake.measured_ms = Some(old_ms));
    world.change("break", |fake| fake.status = DriverStatus::OnBreak);
    world.change("rides", |fake| fake.status = DriverStatus::OnTrip);
    pass(Duration::from_secs(5)).await;

    let explained = matcher.explain(trip.clone(), None).await.unwrap();
    assert_eq!((explained.state, explained.drivers), (TripState::Requested, 9));
    let dropped = [
        explained.too_far,
        explained.wrong_class,
        explained.missing_capability,
        explained.stale,
        explained.not_available,
        explained.on_trip,
        explained.declined_before,
        explained.lost_to_another,
        explained.candidates,
    ];
    assert_eq!(dropped, [2, 1, 1, 1, 2, 1, 1, 0, 0]);
    for (name, verdict) in [
        ("busy", "reserved for trip world-1"),
        ("declines", "returned this trip before"),
        ("other-class", "not of the requested vehicle class"),
        ("lacks", "does not have every requested capability"),
        ("break", "not available: OnBreak"),
        ("far", "too far: 501 s to the pickup, at most 500 s"),
        ("outside", "too far: 20000 m from the pickup, looked at within 10000 m"),
        ("nobody", "no ingest node knows the driver"),
    ] {
        let explained = matcher.explain(trip.clone(), Some(driver(name))).await.unwrap();
        assert_eq!(explained.driver_verdict, verdict, "{name}");
    }
    let old = matcher.explain(trip.clone(), Some(driver("old"))).await.unwrap();
    assert!(old.driver_verdict.starts_with("the last position is 25"), "{}", old.driver_verdict);

    assert!(!old.shards_missing);
    *world.complete.lock() = false;
    let partial = matcher.explain(trip.clone(), None).await.unwrap();
    assert!(partial.shards_missing);
    assert_eq!(partial.drivers, 9, "what did answer is explained");
    world.put("unseen", 70.0);
    world.change("unseen", |fake| fake.hidden = true);
    let partial = matcher.explain(trip, Some(driver("unseen"))).await.unwrap();
    let verdict = "70 m from the pickup, maybe in a shard that did not answer in time";
    assert_eq!(partial.driver_verdict, verdict);
}

#[tokio::test(start_paused = true)]
async fn the_verdict_names_the_trip_that_won_the_driver() {
    let world = World::new();
    let matcher = world.start(options()).await;
    let first = matcher.request(ride_request("first")).await.unwrap().id;
    let second = matcher.request(ride_request("second")).await.unwrap().id;
    world.put("only", 100.0);
    world.offer_to("only", &first).await;
    let explained = matcher.explain(second.clone(), Some(driver("only"))).await.unwrap();
    assert_eq!((explained.lost_to_another, explained.drivers), (1, 1));
    assert_eq!(explained.driver_verdict, "the last window gave the driver to trip world-1");
    // The driver of the trip itself is not counted.
    let own = matcher.explain(first, Some(driver("only"))).await.unwrap();
    assert_eq!(
        (own.drivers, own.driver_verdict.as_str()),
        (0, "is the driver of this trip, which is offered")
    );
    world.change("only", |only| only.position = north(200.0));
    // After the next window, which did not have the driver, the driver counts as on a trip.
    pass(Duration::from_secs(5)).await;
    let explained = matcher.explain(second, None).await.unwrap();
    assert_eq!((explained.on_trip, explained.lost_to_another), (1, 0));
}
