//! A shipped scenario on its real streets, with all roles of Kerb.

use std::path::{Path, PathBuf};

use kerb_simulator::backends::virtual_time::virtual_runtime;
use kerb_simulator::cli::run_commands::{LabArgs, RunArgs, SwitchbackArgs};
use kerb_simulator::metrics::Outcomes;
use kerb_simulator::metrics::record::RunRecord;
use kerb_simulator::metrics::summary::RunSummary;
use kerb_simulator::scenario::Scenario;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// The first minutes of the real evening.
fn evening(minutes: u32) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let mut scenario = Scenario::shipped("sf-evening").unwrap();
    scenario.duration_s = minutes * 60;
    let path = folder.path().join("evening.toml");
    std::fs::write(&path, scenario.to_toml()).unwrap();
    (folder, path)
}

fn run(path: &Path, seed: u64, policy: &str, out: Option<PathBuf>) -> RunSummary {
    run_with(path, None, seed, policy, out)
}

fn run_with(path: &Path, fleet: Option<u32>, seed: u64, policy: &str, out: Option<PathBuf>) -> RunSummary {
    let (seed, policy) = (Some(seed), Some(policy.to_owned()));
    done(&args(path.to_str().unwrap(), fleet, (seed, policy), out))
}

pub(crate) fn args(
    scenario: &str,
    fleet: Option<u32>,
    (seed, policy): (Option<u64>, Option<String>),
    out: Option<PathBuf>,
) -> LabArgs {
    let scenario = scenario.to_owned();
    LabArgs {
        run: RunArgs { scenario, data: None, seed, policy, fleet, out, json: true },
        switchback: SwitchbackArgs::default(),
        policies: vec!["nearest".to_owned(), "batch".to_owned()],
    }
}

pub(crate) fn done(args: &LabArgs) -> RunSummary {
    let summary = virtual_runtime().unwrap().block_on(args.lab(CancellationToken::new())).unwrap();
    assert_eq!(summary.system.faults, Vec::<String>::new(), "{summary}");
    summary
}

pub(crate) fn read(path: &Path) -> RunRecord {
    serde_json::from_reader(std::fs::File::open(path).unwrap()).unwrap()
}

#[test]
fn a_real_evening_is_the_same_twice_and_every_request_has_one_end() {
    let (folder, path) = evening(12);
    let out = folder.path().join("run.json");
    let (first, again) = (run(&path, 3, "batch", Some(out.clone())), run(&path, 3, "batch", None));
    assert_eq!(first.run_hash, again.run_hash);
    assert_ne!(first.run_hash, run(&path, 4, "batch", None).run_hash);
    let Outcomes { served, cancelled_waiting, cancelled_en_route, expired, refused, open } =
        first.metrics.outcomes;
    let ends = served + cancelled_waiting + cancelled_en_route + expired + refused + open;
    assert_eq!((first.measured_requests, refused, open), (ends as usize, 0, 0));
    assert!(first.requests > 50 && served > 10, "{first}");
    let record = read(&out);
    assert_eq!((record.requests.len(), record.run_hash), (first.requests, first.run_hash));
    assert!(record.measured_ms.start > record.from_ms && record.measured_ms.end == record.to_ms);
    let measured_ms = record.measured_ms.end - record.measured_ms.start;
    assert!(record.drivers.iter().all(|driver| driver.ms.iter().sum::<i64>() == measured_ms));
}

/// With as many cabs as the scenario has, a window of a second holds hardly more than one request, and there is nothing
/// to choose. Where cabs are few, requests wait, and the policy decides which of them a cab gets.
#[test]
fn batch_sends_nearer_drivers_than_nearest() {
    let (_folder, path) = evening(25);
    let both = [1, 2, 3]
        .map(|seed| ["batch", "nearest"].map(|policy| run_with(&path, Some(30), seed, policy, None)));
    let mean = |policy: usize| {
        let waits = || both.iter().map(|runs| runs[policy].metrics.wait_s.unwrap());
        waits().map(|wait_s| wait_s.mean * wait_s.count as f64).sum::<f64>()
            / waits().map(|wait_s| wait_s.count as f64).sum::<f64>()
    };
    println!("from request to pickup: batch {:.1} s, nearest {:.1} s", mean(0), mean(1));
    assert!(mean(0) < mean(1), "batch {:.1} s, nearest {:.1} s", mean(0), mean(1));
}

#[test]
fn a_run_that_cannot_start_or_be_written_is_refused_at_once() {
    let refused = |scenario: &str, out: Option<PathBuf>| {
        let args = args(scenario, None, (None, None), out);
        virtual_runtime().unwrap().block_on(args.lab(CancellationToken::new())).unwrap_err()
    };
    let lost = refused("sf-evening", Some("no/such/folder/run.json".into()));
    assert_eq!(lost, "no/such/folder/run.json: there is no folder no/such/folder");
    assert!(
        refused("sf-day", None).ends_with("; if its data is in another folder, name the folder with --data")
    );
    assert!(refused("atlantis", None).ends_with("or the path of a file that is there"));
}
