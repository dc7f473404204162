//! `kerb trips export`: the format of every event, the options, and a reader that closes the pipe.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use super::scripts::{offered, requested, write, write_good};
use super::{fails, run_command, succeeds};
use crate::support::process::kerb;

fn export(dir: &Path, more: &[&str]) -> Vec<String> {
    let args = [&["trips", "export", "--journal", "trips"], more].concat();
    succeeds(dir, &args).lines().map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn a_ride_is_exported_event_by_event_in_this_format() {
    let dir = tempfile::tempdir().unwrap();
    write_good(&dir.path().join("trips")).await;
    let head = |version: i64| {
        let ms = 1_700_000_000_000 + 1_000 * (version - 1);
        format!(
            r#"{{"market":"west","version":{version},"index":0,"time_ms":{ms},"matcher":"matcher-a","trip_id":"west-1","rider_id":"anna""#
        )
    };
    let expected = [
        r#""driver_id":null,"event":"requested","idempotency_key":"first","pickup":{"latitude_deg":52.52,"longitude_deg":13.405},"dropoff":{"latitude_deg":52.55,"longitude_deg":13.405},"vehicle_class_number":1,"capability_numbers":[0,2],"party_size":2,"wait_max_ms":300000}"#,
        r#""driver_id":"cab-1","event":"offered","pickup_eta_s":90,"travel_source":"roads","expires_ms":1700000015000}"#,
        r#""driver_id":"cab-1","event":"accepted"}"#,
        r#""driver_id":"cab-1","event":"arrived"}"#,
        r#""driver_id":"cab-1","event":"picked_up","place":{"latitude_deg":52.5201,"longitude_deg":13.405}}"#,
        r#""driver_id":"cab-1","event":"metered","distance_m":1728.25,"place":{"latitude_deg":52.535,"longitude_deg":13.405}}"#,
        r#""driver_id":"cab-1","event":"completed","vehicle_class_number":1,"pickup":{"latitude_deg":52.5201,"longitude_deg":13.405},"dropoff":{"latitude_deg":52.5499,"longitude_deg":13.405},"requested_ms":1700000000000,"accepted_ms":1700000002000,"arrived_ms":1700000003000,"picked_up_ms":1700000004000,"dropped_off_ms":1700000006000,"distance_m":3456.5,"wait_ms":1000,"ride_ms":2000}"#,
    ];
    let expected: Vec<_> =
        (1..).zip(expected).map(|(version, rest)| format!("{},{rest}", head(version))).collect();
    assert_eq!(export(dir.path(), &["--market", "west"]), expected);
    // Events name their rider, even if the export begins in the middle of a trip.
    assert_eq!(export(dir.path(), &["--market", "west", "--after", "5"]), expected[5..]);
    assert_eq!(export(dir.path(), &["--market", "west", "--after", "7"]), [""; 0]);
    let all = export(dir.path(), &[]);
    assert_eq!((all[..7].to_vec(), all.len()), (expected, 17));
}

#[tokio::test]
async fn events_of_failed_offers_and_trips_have_the_reason_and_the_driver() {
    let dir = tempfile::tempdir().unwrap();
    write_good(&dir.path().join("trips")).await;
    let lines = export(dir.path(), &["--market", "world"]);
    let events = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let summaries = events.map(|event| {
        let field = |name: &str| event[name].as_str().unwrap_or("-").to_owned();
        let names = ["event", "trip_id", "rider_id", "driver_id", "why", "by", "reason"];
        let words: Vec<_> = names.iter().map(|name| field(name)).collect();
        format!("{}.{} {}", event["version"], event["index"], words.join(" "))
    });
    assert_eq!(
        summaries.collect::<Vec<_>>(),
        [
            "1.0 market_paused - - - - - -",
            "1.1 market_resumed - - - - - -",
            "2.0 requested world-1 bert - - - -",
            "2.1 requested world-2 carl - - - -",
            "3.0 offered world-1 bert cab-2 - - -",
            "4.0 offer_returned world-1 bert cab-2 declined - too far",
            "5.0 offered world-1 bert cab-3 - - -",
            "5.1 requested world-3 dora - - - -",
            "6.0 cancelled world-1 bert cab-3 - operator flood",
            "6.1 expired world-2 carl - - - -",
        ]
    );
}

#[tokio::test]
async fn flags_that_can_only_be_a_mistake_are_rejected() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write_good(&dir.join("trips")).await;
    let rejected =
        |more: &[&str]| fails(dir, &[&["trips", "export", "--journal", "trips"], more].concat(), 2);
    let (out, err) = rejected(&["--market", "north"]);
    assert_eq!(out, "");
    assert_eq!(err, "kerb: --market north: the journal has no such market, it has west, world");
    let (out, err) = rejected(&["--market", "west", "--after", "8"]);
    assert_eq!(out, "");
    assert_eq!(err, "kerb: --after 8: must be at most 7, the newest version of west");
    for more in [&["--after", "1"][..], &["--market", "a b"], &["--market", "west", "--after", "-1"]] {
        let (code, _, err) = run_command(dir, &[&["trips", "export", "--journal", "trips"], more].concat());
        assert!(code == 2 && err.starts_with("error: "), "{more:?}: {err}");
    }
}

#[tokio::test]
async fn a_closed_pipe_is_not_a_failure() {
    let dir = tempfile::tempdir().unwrap();
    let changes = (1..=2_000).flat_map(|n| {
        let trip = format!("world-{n}");
        [requested(&trip, &format!("rider-{n}")), offered(&trip, &format!("cab-{n}"))]
    });
    write(&dir.path().join("trips"), "world", vec![changes.collect()]).await;
    assert!(export(dir.path(), &[]).join("\n").len() > 512 * 1024, "it would fit into the pipe");
    let mut command = kerb(dir.path(), &["trips", "export", "--journal", "trips"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert!(line.contains("rider-1"), "{line}");
    drop(out);
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""));
}
