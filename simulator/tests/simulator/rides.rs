//! A short city on a whole node: riders are matched, and no promise is given twice.

use kerb::settings::DataDir;
use kerb_fleet::SystemClock;
use kerb_simulator::demo::city_settings;
use kerb_simulator::replay::Out;
use kerb_simulator::ride::{RideOptions, RidesError, rides};
use tokio_util::sync::CancellationToken;

use crate::toy::{Honesty, start};
use crate::twice;

const SPEED_UP: f64 = 100.0;

/// Ten minutes of the shipped city in nine seconds, the drivers' going on duty included.
fn options(endpoint: std::net::SocketAddr) -> RideOptions {
    RideOptions {
        endpoints: vec![format!("http://{endpoint}")],
        speed_up: SPEED_UP,
        duration: Some(600),
        drivers: 120,
        ..RideOptions::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn riders_are_served_and_no_promise_is_given_twice() {
    let settings = city_settings(SPEED_UP, DataDir(None));
    let node = kerb::Node::start(settings, &kerb::ALL_ROLES).await.unwrap();
    let options = options(node.address());
    println!("seed {}", options.seed);
    let report = rides(options, &SystemClock, Out::Stderr, CancellationToken::new()).await.unwrap();
    node.shutdown().await;
    let figures = &report.figures;
    assert!(figures.requests > 90 && figures.served > 0, "{report}");
    assert_eq!((figures.double_promises, figures.watch_gaps), (0, 0), "{report}");
    let ended = figures.served + figures.expired + figures.cancelled;
    assert_eq!(figures.requests, ended + figures.under_way, "{report}");
    assert_eq!((figures.accepts_unseen, figures.requests_refused.len()), (0, 0), "{report}");
    assert!(figures.offers >= figures.served && figures.pickup_s.count >= figures.served, "{report}");
    let json = serde_json::to_value(&report).unwrap();
    let fields = ["requests", "served", "expired", "cancelled", "under_way", "double_promises"];
    assert!(fields.iter().all(|f| json[f].is_u64()), "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_a_matcher_is_told() {
    let options = options(start(Honesty::Honest).await);
    let refused = rides(options, &SystemClock, Out::Silent, CancellationToken::new()).await;
    let error = refused.unwrap_err();
    assert!(matches!(error, RidesError::NoService { .. }), "{error}");
}

#[tokio::test]
async fn a_time_without_trips_is_told() {
    let options = RideOptions { from: Some(5_000), duration: Some(60), ..RideOptions::default() };
    let refused = rides(options, &SystemClock, Out::Silent, CancellationToken::new()).await;
    assert!(matches!(refused.unwrap_err(), RidesError::Empty { trips: 0, cabs: 0, .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_promises_twice_is_caught() {
    // Five riders, and two drivers who are both sent to each of them.
    let endpoint = twice::start().await;
    let options = RideOptions {
        duration: Some(30),
        drivers: 2,
        accept_percent: 100,
        lapse_percent: 0,
        cancel_percent: 0,
        ..options(endpoint)
    };
    let report = rides(options, &SystemClock, Out::Stderr, CancellationToken::new()).await.unwrap();
    let figures = &report.figures;
    let told = |words: &str| figures.clashes.iter().any(|clash| clash.contains(words));
    assert!(told(" was promised to trip ") && told(" was promised driver "), "{report}");
    assert!(figures.double_promises > 0 && !figures.is_right(), "{report}");
}
