//! The journal's folder from outside: a second matcher, an orderly stop, and damage.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use kerb_proto::v1::ride_service_client::RideServiceClient;
use kerb_proto::v1::{GetTripRequest, Trip, WatchTripRequest};
use tonic::{Code, Status};

use crate::support::city::ride_request;
use crate::support::eventually::in_time;
use crate::support::process::{Process, run, text};

const BERLIN: (f64, f64) = (52.52, 13.405);
const STEP_TIMEOUT: Duration = Duration::from_mins(1);
const SERVE: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];

async fn trip(node: &Process, rider: &str, trip_id: &str) -> Result<Trip, Status> {
    let get = GetTripRequest { rider_id: rider.to_owned(), trip_id: trip_id.to_owned() };
    Ok(RideServiceClient::new(node.channel()).get_trip(get).await?.into_inner())
}

#[tokio::test]
async fn a_second_matcher_on_the_same_journal_does_not_start() {
    let dir = tempfile::tempdir().unwrap();
    // No server listens on port 1: `Process` sets the actual port with a flag.
    let file = "[[nodes]]\nid = \"m\"\naddress = \"127.0.0.1:1\"\nroles = [\"matcher\"]\n";
    fs::write(dir.path().join("cluster.toml"), file).unwrap();
    let args = ["matcher", "--cluster-file", "cluster.toml", "--node-id", "m", "--data-dir", "of-m"];
    let first = Process::start(dir.path(), &args);
    let second = run(dir.path(), &[&args[..], &SERVE[1..]].concat());
    let error = text(&second.stderr);
    assert_eq!(second.status.code(), Some(1));
    assert!(error.contains("matcher: ") && error.contains("of-m/trips"), "{error}");
    assert!(first.stop().success());
}

#[tokio::test]
async fn an_orderly_stop_ends_the_watches_and_keeps_the_trips() {
    let dir = tempfile::tempdir().unwrap();
    let node = Process::start(dir.path(), &["serve"]);
    let mut rides = RideServiceClient::new(node.channel());
    let requested = rides.request_ride(ride_request("anna", BERLIN)).await.unwrap().into_inner();
    let watch =
        WatchTripRequest { rider_id: "anna".to_owned(), trip_id: requested.trip_id.clone(), after_number: 0 };
    let mut updates = rides.watch_trip(watch).await.unwrap().into_inner();
    assert!(updates.message().await.unwrap().is_some());
    let ended = tokio::task::spawn_blocking(move || node.stop());
    let last = in_time("the watch's end", STEP_TIMEOUT, updates.message()).await.unwrap_err();
    assert_eq!(last.code(), Code::Unavailable, "{last:?}");
    drop((updates, rides));
    assert!(in_time("the end", STEP_TIMEOUT, ended).await.unwrap().success());
    let node = Process::start(dir.path(), &["serve"]);
    assert_eq!(trip(&node, "anna", &requested.trip_id).await.unwrap(), requested);
}

#[tokio::test]
async fn a_node_with_a_cut_journal_does_not_start_and_names_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let node = Process::start(dir.path(), &["serve"]);
    let mut rides = RideServiceClient::new(node.channel());
    for rider in 0..20 {
        rides.request_ride(ride_request(&format!("rider-{rider}"), BERLIN)).await.unwrap();
    }
    node.kill();
    cut_log(&dir.path().join("kerb-data/trips"));
    let again = run(dir.path(), &SERVE);
    let error = text(&again.stderr);
    assert_eq!(again.status.code(), Some(1), "{error}");
    assert!(error.contains("matcher: ") && error.contains("kerb-data/trips"), "{error}");
}

/// Cuts the largest log in the middle of its written part.
fn cut_log(folder: &Path) {
    let logs = files_below(folder).into_iter().filter(|path| path.extension().is_some_and(|e| e == "jnl"));
    let log = logs.max_by_key(|path| path.metadata().expect("a file").len()).expect("a log");
    let written = fs::read(&log).expect("a file");
    let end = written.iter().rposition(|byte| *byte != 0).expect("it is not empty");
    File::options().write(true).open(&log).expect("a file").set_len(end as u64 / 2).expect("a shorter file");
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}
