//! A run that is small enough to compute by hand.

use kerb_geometry::LatLng;

use super::*;
use crate::metrics::record::{DriverNumber, SystemRecord};

fn near(found: Option<f64>, expected: f64) {
    assert!(found.is_some_and(|found| (found - expected).abs() < 1e-9), "{found:?}, not {expected}");
}

fn request(requested_s: i64, outcome: RequestOutcome) -> RequestRecord {
    let at = LatLng::new(37.77, -122.42).unwrap();
    RequestRecord { outcome, offers: 1, ..RequestRecord::open(requested_s * 1_000, at, at) }
}

/// Accepted after 10 s, arrived `drive_s` later, boarded 20 s after that.
fn served(requested_s: i64, drive_s: i64, quoted_s: u32, pickup_m: f64) -> RequestRecord {
    let accepted_ms = requested_s * 1_000 + 10_000;
    RequestRecord {
        accepted_ms: Some(accepted_ms),
        arrived_ms: Some(accepted_ms + drive_s * 1_000),
        picked_up_ms: Some(accepted_ms + drive_s * 1_000 + 20_000),
        dropped_off_ms: Some(accepted_ms + drive_s * 1_000 + 600_000),
        driver: Some(DriverNumber(0)),
        pickup_m: Some(pickup_m),
        quoted_eta_s: Some(quoted_s),
        declined: 1,
        ..request(requested_s, RequestOutcome::Served)
    }
}

fn driver(minutes: [i64; 7], km: [f64; 7], trips: u32) -> DriverRecord {
    let ms = minutes.map(|m| m * 60_000);
    DriverRecord { ms, meters: km.map(|k| k * 1_000.0), trips, offers: 0, declined: 0, unanswered: 0 }
}

fn run() -> RunRecord {
    RunRecord {
        scenario: "by hand".to_owned(),
        scenario_toml: String::new(),
        seed: 1,
        policy: "batch".to_owned(),
        switchback: None,
        from_ms: 0,
        to_ms: 3_600_000,
        measured_ms: 0..3_600_000,
        stopped: false,
        requests: vec![
            // Waits of 130, 70 and 230 s; late by 10, early by 20, late by 60.
            served(0, 100, 90, 500.0),
            served(60, 40, 60, 200.0),
            served(120, 200, 140, 1_100.0),
            request(180, RequestOutcome::CancelledWaiting),
            request(240, RequestOutcome::Expired),
            request(300, RequestOutcome::Open),
        ],
        drivers: vec![
            // Off, idle, repositioning, break, to pickup, boarding, on trip.
            driver([0, 20, 0, 10, 6, 4, 20], [9.0, 0.5, 0.5, 0.0, 2.0, 0.0, 7.0], 3),
            driver([30, 30, 0, 0, 0, 0, 0], [0.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0], 0),
            driver([60, 0, 0, 0, 0, 0, 0], [0.0; 7], 0),
        ],
        samples: Vec::new(),
        system: SystemRecord::default(),
        run_hash: String::new(),
    }
}

#[test]
fn riders_are_counted_by_hand() {
    let metrics = Metrics::of(&run());
    let outcomes = metrics.outcomes;
    assert_eq!((outcomes.served, outcomes.cancelled_waiting, outcomes.expired, outcomes.open), (3, 1, 1, 1));
    near(metrics.service_rate, 3.0 / 5.0);
    near(metrics.served_share, 3.0 / 6.0);
    near(metrics.arrival_wait_s.map(|wait| wait.mean), (110.0 + 50.0 + 210.0) / 3.0);
    let wait = metrics.wait_s.unwrap();
    assert_eq!((wait.count, wait.p50 as u32, wait.p90 as u32, wait.p95 as u32), (3, 130, 230, 230));
    near(Some(wait.mean), (130.0 + 70.0 + 230.0) / 3.0);
    near(metrics.censored_share, 0.5);
    near(metrics.pickup_m.map(|m| m.mean), 600.0);
    near(metrics.declined_per_trip, 1.0);
    near(metrics.eta_error_s.map(|e| e.mean), 50.0 / 3.0);
    near(metrics.eta_abs_error_s.map(|e| e.mean), 30.0);
}

#[test]
fn drivers_are_counted_by_hand() {
    let metrics = Metrics::of(&run());
    // Empty 1 + 2 + 4 km, with riders 7; the 9 km off shift do not count.
    near(metrics.deadheading_share, 0.5);
    near(metrics.repositioning_share, 0.5 / 14.0);
    // On shift 60 and 30 minutes.
    near(metrics.utilization, 20.0 / 90.0);
    near(metrics.busy_share, 30.0 / 90.0);
    near(metrics.trips_per_driver_hour, 2.0);
    // 3 trips an hour and none: of two, one has all.
    near(metrics.trips_gini, 0.5);
}

#[test]
fn gini_of_known_distributions() {
    near(gini(vec![5.0; 7]), 0.0);
    // 1, 2, 3, 4: (-3 - 2 + 3 + 12) / (4 * 10).
    near(gini(vec![4.0, 1.0, 3.0, 2.0]), 0.25);
    near(gini(vec![0.0, 0.0, 0.0, 1.0]), 0.75);
    assert_eq!(gini(vec![0.0, 0.0]), None);
    assert_eq!(gini(Vec::new()), None);
}

#[test]
fn metrics_without_data_are_none() {
    let empty = RunRecord { requests: Vec::new(), drivers: Vec::new(), ..run() };
    let metrics = Metrics::of(&empty);
    assert_eq!((metrics.service_rate, metrics.wait_s, metrics.deadheading_share), (None, None, None));
    assert_eq!((metrics.utilization, metrics.trips_gini, metrics.censored_share), (None, None, None));
}

#[test]
fn only_requests_of_the_measured_time_count() {
    let metrics = Metrics::of(&RunRecord { measured_ms: 60_000..300_000, ..run() });
    // Without the first served and the open request.
    near(metrics.served_share, 2.0 / 4.0);
    near(metrics.service_rate, 2.0 / 4.0);
    near(metrics.wait_s.map(|wait| wait.mean), 150.0);
    let old = RunRecord { measured_ms: 0..0, ..run() };
    assert_eq!(Metrics::of(&old), Metrics::of(&run()), "an older record measures everything");
}
