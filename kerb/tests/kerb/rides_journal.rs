//! The journal's folder from outside: who else wants it, an orderly stop, and damage.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use kerb_proto::v1::ride_service_client::RideServiceClient;
use kerb_proto::v1::{GetTripRequest, Trip, WatchTripRequest};
use tonic::{Code, Status};

use crate::cabs::wish;
use crate::eventually::in_time;
use crate::process::{Process, run, text};

const BERLIN: (f64, f64) = (52.52, 13.405);
const SOON: Duration = Duration::from_mins(1);
const AGAIN: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];

async fn trip(node: &Process, rider: &str, trip_id: &str) -> Result<Trip, Status> {
    let get = GetTripRequest { rider_id: rider.to_owned(), trip_id: trip_id.to_owned() };
    Ok(RideServiceClient::new(node.channel()).get_trip(get).await?.into_inner())
}

#[tokio::test]
async fn a_second_matcher_on_the_same_journal_does_not_start() {
    let dir = tempfile::tempdir().unwrap();
    // Nobody is at port 1: the flag says where it really listens.
    let file = "[[nodes]]\nid = \"m\"\naddress = \"127.0.0.1:1\"\nroles = [\"matcher\"]\n";
    fs::write(dir.path().join("cluster.toml"), file).unwrap();
    let args = ["matcher", "--cluster-file", "cluster.toml", "--node-id", "m", "--data-dir", "of-m"];
    let first = Process::start(dir.path(), &args);
    let second = run(dir.path(), &[&args[..], &AGAIN[1..]].concat());
    let told = text(&second.stderr);
    assert_eq!(second.status.code(), Some(1));
    assert!(told.contains("matcher: ") && told.contains("of-m/trips"), "{told}");
    assert!(first.stop().success());
}

#[tokio::test]
async fn an_orderly_stop_ends_the_watches_and_keeps_the_trips() {
    let dir = tempfile::tempdir().unwrap();
    let node = Process::start(dir.path(), &["serve"]);
    let mut rides = RideServiceClient::new(node.channel());
    let asked = rides.request_ride(wish("anna", BERLIN)).await.unwrap().into_inner();
    let watch =
        WatchTripRequest { rider_id: "anna".to_owned(), trip_id: asked.trip_id.clone(), after_number: 0 };
    let mut news = rides.watch_trip(watch).await.unwrap().into_inner();
    assert!(news.message().await.unwrap().is_some());
    let ended = tokio::task::spawn_blocking(move || node.stop());
    let last = in_time("the watch's end", SOON, news.message()).await.unwrap_err();
    assert_eq!(last.code(), Code::Unavailable, "{last:?}");
    drop((news, rides));
    assert!(in_time("the end", SOON, ended).await.unwrap().success());
    let node = Process::start(dir.path(), &["serve"]);
    assert_eq!(trip(&node, "anna", &asked.trip_id).await.unwrap(), asked);
}

#[tokio::test]
async fn a_journal_that_was_cut_short_is_refused_with_its_folder() {
    let dir = tempfile::tempdir().unwrap();
    let node = Process::start(dir.path(), &["serve"]);
    let mut rides = RideServiceClient::new(node.channel());
    for rider in 0..20 {
        rides.request_ride(wish(&format!("rider-{rider}"), BERLIN)).await.unwrap();
    }
    node.kill();
    cut_log(&dir.path().join("kerb-data/trips"));
    let again = run(dir.path(), &AGAIN);
    let told = text(&again.stderr);
    assert_eq!(again.status.code(), Some(1), "{told}");
    assert!(told.contains("matcher: ") && told.contains("kerb-data/trips"), "{told}");
}

/// Cuts the newest log in the middle of what is written.
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
