//! Comparisons of runs of a stub, whose differences are known.

use std::sync::atomic::{AtomicUsize, Ordering};

use kerb_geometry::LatLng;

use super::*;
use crate::metrics::record::{DriverNumber, DriverRecord, RequestOutcome, RequestRecord, SystemRecord};

/// Waits of seed `s` are `100 s` seconds with `nearest`, and 10, 20 and 30 seconds less with `batch` for seeds 1 to 3.
#[derive(Default)]
struct Stub {
    made: AtomicUsize,
}

impl Runner for Stub {
    fn run(&self, planned: &PlannedRun) -> Result<RunRecord, String> {
        self.made.fetch_add(1, Ordering::Relaxed);
        let gain_s = if planned.policy == "batch" { 10 * planned.seed as i64 } else { 0 };
        Ok(run(planned, 100 * planned.seed as i64 - gain_s))
    }
}

fn run(planned: &PlannedRun, wait_s: i64) -> RunRecord {
    let at = LatLng::new(37.77, -122.42).unwrap();
    let request = RequestRecord {
        requested_ms: 0,
        pickup: at,
        dropoff: at,
        outcome: RequestOutcome::Served,
        offers: 1,
        declined: 0,
        accepted_ms: Some(1_000),
        arrived_ms: Some(wait_s * 1_000),
        picked_up_ms: Some(wait_s * 1_000),
        dropped_off_ms: Some(wait_s * 1_000 + 60_000),
        driver: Some(DriverNumber(0)),
        pickup_m: Some(100.0),
        ride_m: Some(500.0),
        quoted_eta_s: None,
        stars: None,
    };
    let driver =
        DriverRecord { ms: [0; 7], meters: [0.0; 7], trips: 1, offers: 1, declined: 0, unanswered: 0 };
    RunRecord {
        scenario: "stub".to_owned(),
        scenario_toml: String::new(),
        seed: planned.seed,
        policy: planned.policy.clone(),
        switchback: None,
        from_ms: 0,
        to_ms: 3_600_000,
        measured_ms: 0..3_600_000,
        stopped: false,
        requests: vec![request],
        drivers: vec![driver; planned.fleet.unwrap_or(1) as usize],
        samples: Vec::new(),
        system: SystemRecord::default(),
        run_hash: String::new(),
    }
}

fn plan() -> Vec<PlannedRun> {
    let policies = vec!["nearest".to_owned(), "batch".to_owned()];
    Plan { policies, fleets: vec![2], seeds: vec![1, 2, 3], switchback: None }.runs().unwrap()
}

#[test]
fn differences_are_paired_by_seed() {
    let outcome = run_all(&plan(), &Stub::default(), None, 2, &|| false, &|_| ());
    let comparison = Comparison::new(&outcome.records, outcome.missing);
    assert_eq!((comparison.runs, comparison.missing, comparison.arms.len()), (6, 0, 2));
    assert!((comparison.arms[1].means["wait_mean_s"].mean - 180.0).abs() < 1e-9);
    let versus = &comparison.versus[0];
    assert_eq!((&*versus.base, &*versus.policy, versus.fleet), ("nearest", "batch", 2));
    // Differences -10, -20 and -30: mean -20, standard deviation 10, t(0.975, 2) = 4.302653.
    let interval = versus.differences["wait_mean_s"].interval;
    let half = 4.302_653 * 10.0 / 3.0_f64.sqrt();
    assert!((interval.mean + 20.0).abs() < 1e-9);
    assert!(
        (interval.low.unwrap() + 20.0 + half).abs() < 1e-4
            && (interval.high.unwrap() + 20.0 - half).abs() < 1e-4
    );
}

#[test]
fn a_stopped_comparison_continues() {
    let folder = tempfile::tempdir().unwrap();
    let kept = RunFolder::open(folder.path(), "name = 1").unwrap();
    let (first, again) = (Stub::default(), Stub::default());
    let stopped = || first.made.load(Ordering::Relaxed) >= 2;
    let outcome = run_all(&plan(), &first, Some(&kept), 1, &stopped, &|_| ());
    assert_eq!((outcome.records.len(), outcome.missing), (2, 4));
    let outcome = run_all(&plan(), &again, Some(&kept), 1, &|| false, &|_| ());
    assert_eq!((outcome.records.len(), again.made.load(Ordering::Relaxed)), (6, 4));
    assert!(matches!(RunFolder::open(folder.path(), "name = 2"), Err(PlanError::RunFolder(_))));
}

#[test]
fn figures_keep_their_names_in_json() {
    let outcome = run_all(&plan(), &Stub::default(), None, 1, &|| false, &|_| ());
    let json = serde_json::to_value(Comparison::new(&outcome.records, 0)).unwrap();
    let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    let expected = [
        "arms",
        "faults",
        "format",
        "level",
        "missing",
        "runs",
        "scenario",
        "stopped",
        "switchbacks",
        "versus",
    ];
    let mut found: Vec<&str> = keys.iter().map(|key| key.as_str()).collect();
    found.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(json["versus"][0]["differences"]["wait_mean_s"]["interval"]["count"], 3);
}
